"""Questions without TCP and UDP: echoes, and SCTP."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from engine.explain.question import QuestionError, resolve
from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import docker_world, three_in_line
from tests.path.endings import filtered

PING, SCTP = Protocol.ICMP, Protocol.SCTP


def ask(world: World, protocol: Protocol, port: int = 0, address: str = "10.2.0.2") -> Conversation:
    question = Question(Source("client"), ip_address(address), port, protocol)
    return conversations(Walked(world.snapshot("client")), question)[0][0].result


def line(change: Callable[[World], object] = lambda _world: None) -> World:
    world = three_in_line()
    world["server"].listen(9, protocol=SCTP)
    change(world)
    return world


def test_an_echo_needs_no_socket() -> None:
    found = ask(line(lambda world: world["server"].listeners.clear()), PING)
    assert (found.forward.outcome, found.symptom, found.confirm) == (Outcome.DELIVERED, Symptom.CONNECTED, None)
    assert found.reply is not None
    assert found.reply.hops[0].packet.icmp_type == 0


@pytest.mark.parametrize(
    ("address", "protocol", "switch"),
    [
        ("10.2.0.2", Protocol.ICMP, "net.ipv4.icmp_echo_ignore_all"),
        ("fd02::2", Protocol.ICMPV6, "net.ipv6.icmp.echo_ignore_all"),
    ],
)
def test_a_kernel_that_is_told_so_answers_no_echo(address: str, protocol: Protocol, switch: str) -> None:
    assert ask(line(), protocol, address=address).symptom is Symptom.CONNECTED
    found = ask(line(lambda world: world["server"].sysctl(switch, 1)), protocol, address=address)
    assert (found.forward.outcome, found.symptom) == (Outcome.ECHO_IGNORED, Symptom.TIMEOUT)


def test_an_echo_reply_that_nobody_asked_for_is_invalid() -> None:
    world = line()
    world["router"].iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i left -j NOTRACK\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
    )
    found = ask(world, PING)
    assert found.reply is not None
    assert (found.reply.outcome, found.symptom) == (Outcome.RULE_DROP, Symptom.TIMEOUT)


@pytest.mark.parametrize(
    ("kind", "symptom"),
    [
        ("icmp-port-unreachable", Symptom.REFUSED),
        ("icmp-net-unreachable", Symptom.NET_UNREACHABLE),
        ("icmp-host-unreachable", Symptom.HOST_UNREACHABLE),
        ("icmp-admin-prohibited", Symptom.HOST_UNREACHABLE),
    ],
)
def test_ping_hears_of_every_error(kind: str, symptom: Symptom) -> None:
    rule = f"-p icmp -j REJECT --reject-with {kind}"
    assert ask(line(lambda world: filtered(world["router"], "FORWARD", rule)), PING).symptom is symptom


def test_sctp_is_a_handshake_of_three_and_a_closed_port_aborts() -> None:
    found = ask(line(), SCTP, 9)
    assert (found.symptom, found.confirm is not None) == (Symptom.CONNECTED, True)
    closed = ask(line(), SCTP, 10)
    assert (closed.forward.outcome, closed.symptom) == (Outcome.NO_LISTENER, Symptom.REFUSED)


def test_sctp_keeps_errors_to_itself() -> None:
    rule = "-p sctp -m sctp --dport 9 -j REJECT --reject-with icmp-host-unreachable"
    assert ask(line(lambda world: filtered(world["router"], "FORWARD", rule)), SCTP, 9).symptom is Symptom.TIMEOUT
    assert ask(line(lambda world: world["client"].routes.clear()), SCTP, 9).symptom is Symptom.TIMEOUT


@pytest.mark.parametrize(
    ("target", "address", "protocol"),
    [
        ("172.17.0.2", "172.17.0.2", Protocol.ICMP),
        ("web", "172.17.0.2", Protocol.ICMP),
        ("localhost", "127.0.0.1", Protocol.ICMP),
        ("[::1]", "::1", Protocol.ICMPV6),
        ("::1", "::1", Protocol.ICMPV6),
    ],
)
def test_an_echo_is_asked_of_an_address_or_a_container(target: str, address: str, protocol: Protocol) -> None:
    asked = resolve(docker_world().snapshot(), target, "host", PING)
    assert (str(asked.address), asked.port, asked.protocol) == (address, 0, protocol)
    assert asked.end == f"{address}/icmp"


@pytest.mark.parametrize("target", ["172.17.0.2:80", "web:80", "[::1]:80", ":80", "0.0.0.0"])
def test_an_echo_has_no_port(target: str) -> None:
    with pytest.raises(QuestionError, match=r"no port|unspecified address"):
        resolve(docker_world().snapshot(), target, "host", PING)
