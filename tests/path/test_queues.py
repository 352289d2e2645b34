"""Rules that hand the packet to a program: by who listens, and by what the rule says for when nobody does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.host import Snapshot
from engine.model.trace import Symptom
from tests.hosts.stock import three_in_line
from tests.path.endings import filtered
from tests.path.talks import asked

CONNECTED, TIMEOUT = Symptom.CONNECTED, Symptom.TIMEOUT


def router(rule: str, queues: tuple[int, ...] | None) -> Snapshot:
    """A router that queues questions, with programs on some queues."""
    world = three_in_line()
    filtered(world["router"], "FORWARD", f"-d 10.2.0.2/32 -p tcp -m tcp --tcp-flags SYN,ACK SYN -j NFQUEUE {rule}")
    snapshot = world.snapshot("client")
    here = snapshot.by_id["router"]
    listening = replace(here, firewall=replace(here.firewall, queues=queues))
    return replace(snapshot, namespaces=tuple(listening if each is here else each for each in snapshot.namespaces))


@pytest.mark.parametrize(
    ("rule", "queues", "symptoms"),
    [
        ("--queue-num 3", (), {TIMEOUT}),
        ("--queue-num 3", (4,), {TIMEOUT}),
        ("--queue-num 3", (3,), {CONNECTED, TIMEOUT}),
        ("--queue-num 3", None, {CONNECTED, TIMEOUT}),
        ("--queue-num 3 --queue-bypass", (), {CONNECTED}),
        ("--queue-balance 3:4 --queue-bypass", (4,), {CONNECTED, TIMEOUT}),
        ("--queue-balance 3:4", (5,), {TIMEOUT}),
    ],
)
def test_who_listens_decides(rule: str, queues: tuple[int, ...] | None, symptoms: set[Symptom]) -> None:
    assert {each.symptom for each in asked(router(rule, queues))} == symptoms
