"""Real questions to servers of names, and real requests to proxies, beside what is predicted of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.apply.namespaces import run_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.lab import library, lifecycle
from engine.model.host import Snapshot
from engine.model.proof import Agreement
from engine.model.trace import Symptom
from engine.model.verdict import Reach, Verdict
from engine.observe.look.snapshot import take
from engine.prove.judge import weigh
from engine.prove.prove import Wishes, prove
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, Netns
from tests.harness.processes import wait
from workbench.session.attempt import settled_names

require("ip", "nft", "iptables-nft", "nginx", root=True)

LAB = "two-networks"
BLOG = "http://blog.example.test:8080"


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found, folder = f"lb{secrets.token_hex(3)}", tmp_path_factory.mktemp("labs")
    draft = lifecycle.draft(library.text(LAB).replace("portscope-two-networks", found), LAB, found)
    lifecycle.up(draft, Path(folder))
    try:
        proxy = Netns(str(NETNS_FOLDER / f"{found}-proxy"), f"{found}-proxy")
        wait(lambda: proxy.listening(80), "nginx does not listen")
        yield found
    finally:
        assert lifecycle.down(found, Path(folder)) == ()


def asked(name: str, target: str, source: str, *, blind: bool = False) -> tuple[Snapshot, Verdict]:
    """The answer; where it is `blind`, of a snapshot that does not show what resolvers and proxies know."""
    snapshot = run_in(lifecycle.host_path(name), take)
    if blind:
        snapshot = replace(snapshot, resolvers=())
    return snapshot, ask(snapshot, resolve(snapshot, target, f"ns:{name}-{source}"))


@pytest.mark.parametrize(("path", "status", "reach"), [("/", 200, Reach.YES), ("/api", 502, Reach.NO)])
def test_the_status_is_the_one_that_is_predicted(name: str, path: str, status: int, reach: Reach) -> None:
    snapshot, verdict = asked(name, BLOG + path, "lan")
    proof = prove(snapshot, verdict, Wishes(trace=None)).proof
    assert proof.attempt is not None
    assert (proof.attempt.symptom, proof.attempt.status, proof.agrees) == (Symptom.CONNECTED, status, Agreement.YES)
    assert weigh(verdict, proof).reach is reach
    assert {row.source for row in proof.rows if row.agree is Agreement.YES} >= {"DNS", "HTTP"}


def test_a_status_that_is_not_the_predicted_one_turns_the_answer_around(name: str) -> None:
    snapshot, verdict = asked(name, f"{BLOG}/api", "lan")
    http = verdict.conversation.http
    assert http is not None
    hopeful = replace(http, status=200, served=True)
    verdict = replace(verdict, reach=Reach.YES, causes=(), conversation=replace(verdict.conversation, http=hopeful))
    weighed = weigh(verdict, prove(snapshot, verdict).proof)
    assert weighed.reach is Reach.NO
    assert [cause.code for cause in weighed.causes] == ["MODEL_DISAGREES"]


def test_a_server_whose_answer_is_not_known_is_asked(name: str) -> None:
    snapshot, verdict = asked(name, "http://blog.example.test:81/", "lan", blind=True)
    assert verdict.reach is Reach.DEPENDS
    _, settled = settled_names(snapshot, verdict)
    assert settled.conversation.name is not None
    assert str(settled.conversation.name.used) == "192.168.30.1"
    assert (settled.reach, settled.symptom) == (Reach.NO, Symptom.REFUSED)


def test_a_name_that_does_not_exist_is_one_after_asking(name: str) -> None:
    snapshot, verdict = asked(name, "http://nothing.example.test/", "lan", blind=True)
    assert verdict.reach is Reach.DEPENDS
    _, settled = settled_names(snapshot, verdict)
    assert (settled.reach, settled.symptom) == (Reach.NO, Symptom.NAME_NOT_FOUND)


def test_a_resolver_that_says_something_else_is_seen(name: str) -> None:
    snapshot, verdict = asked(name, BLOG, "lan")
    lookup = verdict.conversation.name
    assert lookup is not None
    last = replace(lookup.order[-1], answer=())
    wrong = replace(lookup, order=(*lookup.order[:-1], last))
    predicted = replace(verdict, conversation=replace(verdict.conversation, name=wrong))
    proof = prove(snapshot, predicted).proof
    assert [row.agree for row in proof.rows if row.source == "DNS"] == [Agreement.NO]
