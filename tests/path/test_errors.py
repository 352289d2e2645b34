"""What goes back for a packet that went no further, where the kernel of these tests may not know the feature."""

from __future__ import annotations

import pytest

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    Reject,
    RejectKind,
    Rule,
    Table,
)
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from tests.hosts.stock import one_bridge, three_in_line
from tests.path.talks import ask


def rejecting(kind: RejectKind, hook: str = "prerouting", family: str = "bridge") -> Table:
    """A table that rejects what is for port 80."""
    port = Match((Field("th dport"),), ((Interval(80, 80),),))
    rule = Rule(0, (port, Reject(kind)), f"th dport 80 reject with {kind}", 1)
    return Table(Backend.NFT, family, "fw", (Chain("in", (rule,), BaseChain("filter", hook, 0)),))


@pytest.mark.parametrize("protocol", [Protocol.TCP, Protocol.UDP])
@pytest.mark.parametrize("kind", [RejectKind.PORT_UNREACHABLE, RejectKind.TCP_RESET])
def test_a_bridges_own_rule_answers_by_the_port_without_an_address(kind: RejectKind, protocol: Protocol) -> None:
    world = one_bridge()
    world["sw"].table(rejecting(kind))
    found = ask(world, "10.3.0.2", protocol=protocol, source="left")
    assert found.symptom is Symptom.REFUSED
    assert found.error is not None
    assert [hop.netns for hop in found.error.hops] == ["sw", "left"]
    assert str(found.error.hops[0].packet.src) == "10.3.0.2"


def test_a_bridges_own_answer_passes_its_output() -> None:
    world = one_bridge()
    out = Chain("out", (Rule(0, (Reject(RejectKind.TCP_RESET),), "reject", 2),), BaseChain("filter", "output", 0))
    world["sw"].table(rejecting(RejectKind.PORT_UNREACHABLE), Table(Backend.NFT, "bridge", "own", (out,)))
    assert ask(world, "10.3.0.2", source="left").symptom is Symptom.TIMEOUT


@pytest.mark.parametrize(("inbound", "source"), [(0, "192.0.2.1"), (1, "10.1.0.1")])
def test_an_error_is_sent_from_the_incoming_devices_address_where_that_is_asked_for(inbound: int, source: str) -> None:
    world = three_in_line()
    router = world["router"].table(rejecting(RejectKind.PORT_UNREACHABLE, "forward", "ip"))
    router.sysctl("net.ipv4.icmp_errors_use_inbound_ifaddr", inbound)
    router.address("lo", "192.0.2.1/32").route("10.1.0.2 dev left src 192.0.2.1")
    found = ask(world, protocol=Protocol.UDP)
    assert found.symptom is Symptom.REFUSED
    assert found.error is not None
    assert str(found.error.hops[-1].packet.src) == source
