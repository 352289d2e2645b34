"""What the resolver of a lab answers, message by message."""

from __future__ import annotations

from ipaddress import ip_address

import dns.message
import dns.rcode
import pytest

from engine.apply.names import Answering
from engine.model.application.lab_resolver import NameDoor
from engine.model.application.naming import NameRecord, Zone

WEB, DB = ip_address("172.18.0.2"), ip_address("fd00::3")
FRONT = Zone("front", (WEB,), (NameRecord("web", (WEB,)), NameRecord("both", (WEB, DB))))
BACK = Zone("back", (DB,), (NameRecord("db", (DB,)), NameRecord("both", (DB,))))
WORLD = Zone("world", records=(NameRecord(".apps.test", (WEB,)), NameRecord("x.apps.test", (DB,)), NameRecord(".")))
OWN = Answering(NameDoor("a", ip_address("127.0.0.11"), ("back", "front"), closed=True), (BACK, FRONT))
SHARED = Answering(NameDoor("a", WEB, ("back", "front"), shared=True, closed=True), (BACK, FRONT))
OUTSIDE = Answering(NameDoor("a", WEB, ("world",)), (WORLD,))


def asked(door: Answering, name: str, kind: str = "A", client: str = "127.0.0.1") -> tuple[str, list[str]]:
    said = dns.message.from_wire(door.answer(dns.message.make_query(name, kind).to_wire(), client))
    return dns.rcode.to_text(said.rcode()), [each.to_text() for rrset in said.answer for each in rrset]


@pytest.mark.parametrize(
    ("door", "name", "kind", "client", "answer"),
    [
        (OWN, "web", "A", "127.0.0.1", ("NOERROR", ["172.18.0.2"])),
        (OWN, "WEB.", "A", "127.0.0.1", ("NOERROR", ["172.18.0.2"])),
        (OWN, "web.front", "A", "127.0.0.1", ("NOERROR", ["172.18.0.2"])),
        (OWN, "web", "AAAA", "127.0.0.1", ("NOERROR", [])),
        (OWN, "both", "AAAA", "127.0.0.1", ("NOERROR", ["fd00::3"])),
        (OWN, "both", "A", "127.0.0.1", ("NOERROR", [])),
        (OWN, "elsewhere.test", "A", "127.0.0.1", ("SERVFAIL", [])),
        (SHARED, "both", "A", "172.18.0.2", ("NOERROR", ["172.18.0.2"])),
        (SHARED, "db.dns.podman", "AAAA", "fd00::3", ("NOERROR", ["fd00::3"])),
        (SHARED, "db", "AAAA", "172.18.0.2", ("SERVFAIL", [])),
        (OUTSIDE, "y.apps.test", "A", "10.0.0.1", ("NOERROR", ["172.18.0.2"])),
        (OUTSIDE, "x.apps.test", "AAAA", "10.0.0.1", ("NOERROR", ["fd00::3"])),
        (OUTSIDE, "x.apps.test", "A", "10.0.0.1", ("NOERROR", [])),
        (OUTSIDE, "nothing.test", "A", "10.0.0.1", ("NXDOMAIN", [])),
    ],
)
def test_a_door_answers_from_its_tables(
    door: Answering, name: str, kind: str, client: str, answer: tuple[str, list[str]]
) -> None:
    assert asked(door, name, kind, client) == answer


@pytest.mark.parametrize("wire", [b"", b"x" * 40, b"\x00\x01" + bytes(10)])
def test_what_is_no_question_gets_no_answer(wire: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - in the words of whoever parsed it
        OWN.answer(wire, "127.0.0.1")
