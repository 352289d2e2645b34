"""An edit changes what it names and nothing else; what is there keeps its addresses."""

from __future__ import annotations

import pytest

from engine.lab import edits
from engine.lab.blueprint import Blueprint
from engine.lab.errors import LabError
from engine.lab.lifecycle import draft

SHOP = edits.edited(
    edits.new("shop"), edits.add_network("front"), edits.add_service("web", ["front"], ["90"], ["8080:80"])
)


def shop(*changes: edits.Edit) -> Blueprint:
    before = draft(SHOP, "form").lab
    return draft(edits.pinned(before, *changes), "form").lab


def test_a_lab_from_nothing_has_what_was_added() -> None:
    lab = shop()
    assert [node.name for node in lab.nodes] == ["web"]
    assert [one.name for one in lab.bridges if not one.own] == ["front"]
    assert [(port.host_port, port.container_port) for port in lab.published] == [(8080, 80)]
    assert [outside.name for outside in lab.outside] == ["lan"]


def test_what_is_there_keeps_its_place_when_something_comes_before_it() -> None:
    more = shop(edits.add_network("back"), edits.add_service("app", ["back", "front"], ["1"]), edits.add_client("vpn"))
    fewer = draft(edits.pinned(more, edits.remove_service("web")), "form").lab
    addresses = [{node.name: [str(end.address) for end in node.ends] for node in lab.nodes} for lab in (more, fewer)]
    assert addresses[0]["app"] == addresses[1]["app"]
    assert list(addresses[1]) == ["app"]
    assert [outside.name for outside in fewer.outside] == ["lan", "vpn"]


def test_a_port_comes_and_goes_and_the_container_goes_on_listening() -> None:
    more = shop(edits.publish("web", "127.0.0.1:53:53/udp"))
    assert [port.host_port for port in more.published] == [8080, 53]
    fewer = draft(edits.pinned(more, edits.withdraw("web", "8080:80")), "form").lab
    assert [port.host_port for port in fewer.published] == [53]
    assert {listen.port for listen in fewer.nodes[0].listens} == {53, 80, 90}


def test_what_spoke_of_a_container_goes_with_it() -> None:
    text = SHOP + "  rules: [{in: web, run: [ip, link]}]\n  checks: [{from: lan, to: 'web:80', expect: connected}]\n"
    left = draft(edits.edited(text, edits.add_service("app"), edits.remove_service("web")), "form").lab.spec
    assert (left.rules, left.checks) == ((), ())


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (edits.add_service("web"), "already"),
        (edits.add_service(""), "needs a name"),
        (edits.add_service("app", ["nowhere"]), "no network nowhere"),
        (edits.add_network("front"), "already"),
        (edits.add_client("lan"), "already"),
        (edits.remove_service("web"), "only container"),
        (edits.publish("nobody", "1:1"), "no service nobody"),
        (edits.withdraw("web", "1:1"), "publishes: 8080:80"),
        (edits.remove_network("front"), "web is in network front"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(edit: edits.Edit, words: str) -> None:
    with pytest.raises(LabError, match=words):
        shop(edit)
