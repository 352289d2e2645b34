"""Which question of a look-up is asked again for a proof."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.application.naming import NameAnswer, NamedBy, NameStep, NameSymptom
from engine.model.proof import Agreement
from engine.prove import names
from engine.records import replace
from tests.hosts.named import named

FIRST, SECOND, WEB = (ip_address(text) for text in ("10.0.0.53", "10.0.0.54", "172.18.0.3"))


def step(name: str, server: str, symptom: NameSymptom, *answer: str) -> NameStep:
    addresses = tuple(map(ip_address, answer))
    return NameStep(NamedBy.DNS, name, symptom, ip_address(server), addresses)


@pytest.mark.parametrize(
    ("order", "asked"),
    [
        ([step("web", "10.0.0.53", NameSymptom.FOUND, "172.18.0.3")], ("10.0.0.53", "web")),
        (
            [
                step("web.corp.test", "10.0.0.53", NameSymptom.NO_NAME),
                step("web", "10.0.0.53", NameSymptom.NO_NAME),
                step("web", "10.0.0.54", NameSymptom.FOUND, "172.18.0.3"),
            ],
            ("10.0.0.53", "web"),
        ),
        (
            [
                step("web", "10.0.0.53", NameSymptom.TIMEOUT),
                step("web", "10.0.0.54", NameSymptom.FOUND, "172.18.0.3"),
            ],
            ("10.0.0.54", "web"),
        ),
    ],
    ids=["one", "search list and a resolver that asks on", "a dead one first"],
)
@pytest.mark.parametrize("heard", [(WEB,), ()], ids=["as predicted", "otherwise"])
def test_the_server_that_decides_is_asked(
    order: list[NameStep], asked: tuple[str, str], heard: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    def answer(server: object, name: str) -> NameAnswer:
        told.append((str(server), name))
        return NameAnswer(SECOND, name, NameSymptom.FOUND if heard else NameSymptom.NO_NAME, heard)  # type: ignore[arg-type]

    monkeypatch.setattr(names, "ask_server", answer)
    monkeypatch.setattr(names, "within", lambda _snapshot, _netns, work: work())
    snapshot = named()
    verdict = ask(snapshot, resolve(snapshot, "http://web/", "client"))
    talk = verdict.conversation
    assert talk.name is not None
    steps = tuple(replace(each, query=talk) for each in order)
    verdict = replace(verdict, conversation=replace(talk, name=replace(talk.name, order=steps)))
    (row,) = names.rows(snapshot, verdict)
    assert told == [asked]
    assert row.agree is (Agreement.YES if heard else Agreement.NO)
