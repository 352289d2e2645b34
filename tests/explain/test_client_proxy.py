"""A client whose environment names a proxy for the URL: said beside an answer that works, where it is heeded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.application.client_proxy import client_proxy
from engine.model.host import Snapshot
from engine.model.verdict import Reach
from tests.hosts.named import named


def with_environment(*lines: str) -> Snapshot:
    """The host whose client has an environment."""
    snapshot = named()
    containers = (
        replace(each, client_proxy=client_proxy(lines)) if each.name == "client" else each
        for each in snapshot.containers
    )
    return replace(snapshot, containers=tuple(containers))


def test_a_url_that_no_proxy_does_not_list_is_asked_of_the_proxy() -> None:
    snapshot = with_environment("HTTP_PROXY=http://10.77.0.9:3128", "NO_PROXY=localhost,db")
    verdict = ask(snapshot, resolve(snapshot, "http://web/", "client"))
    (found,) = verdict.findings
    assert verdict.reach is Reach.YES
    assert (found.code, found.at.name, found.at.text) == ("HTTP_CLIENT_PROXY", "client", "http_proxy=10.77.0.9:3128")
    assert "no_proxy=localhost,db" in found.evidence
    assert found.settled == "add web to no_proxy in the environment of client, and make it again"


@pytest.mark.parametrize(
    ("target", "source", "lines"),
    [
        ("http://web/", "client", ("http_proxy=proxy:3128", "no_proxy=web")),
        ("http://web/", "client", ("https_proxy=proxy:3128",)),
        ("http://web/", "proxy", ("http_proxy=proxy:3128",)),
        ("web:80", "client", ("http_proxy=proxy:3128",)),
    ],
)
def test_where_it_is_not_asked_nothing_is_said(target: str, source: str, lines: tuple[str, ...]) -> None:
    snapshot = with_environment(*lines)
    assert ask(snapshot, resolve(snapshot, target, source)).findings == ()
