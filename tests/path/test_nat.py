"""Address translation: what each statement does to a packet, when nat chains are asked, and what the answer becomes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.model.packet import Packet, Protocol
from engine.model.trace import Conversation, StepKind, Symptom, Trace
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import docker_world, three_in_line

SERVER, ROUTER = "10.2.0.2", "10.1.0.1"


def nat(world: World, *rules: str, netns: str = "router") -> World:
    """Rules of the nat table, each with its chain first."""
    chains = "".join(f":{chain} ACCEPT [0:0]\n" for chain in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
    lines = "".join(f"-A {rule}\n" for rule in rules)
    world[netns].iptables(f"*nat\n{chains}{lines}COMMIT\n")
    return world


def ask(
    world: World, address: str = SERVER, port: int = 80, protocol: Protocol = Protocol.TCP, source: str = "client"
) -> Conversation:
    question = Question(Source(source), ip_address(address), port, protocol)
    runs, _ = conversations(Walked(world.snapshot(source)), question)
    return runs[0].result


def arrived(trace: Trace | None) -> Packet:
    assert trace is not None
    return trace.last.packet


def shown(packet: Packet) -> str:
    return str(packet).partition("/")[0].replace("50123", "P")


@pytest.mark.parametrize(
    ("rule", "address", "port", "there"),
    [
        (
            "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80",
            ROUTER,
            8080,
            "10.1.0.2:P → 10.2.0.2:80",
        ),
        ("PREROUTING -p tcp -j DNAT --to-destination 10.2.0.2", ROUTER, 80, "10.1.0.2:P → 10.2.0.2:80"),
        (
            "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination :80",
            SERVER,
            8080,
            "10.1.0.2:P → 10.2.0.2:80",
        ),
        (
            "PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.2.0.2:79-90",
            ROUTER,
            80,
            "10.1.0.2:P → 10.2.0.2:80",
        ),
        (
            "PREROUTING -p tcp -m tcp --dport 70 -j DNAT --to-destination 10.2.0.2:80-90",
            ROUTER,
            70,
            "10.1.0.2:P → 10.2.0.2:80",
        ),
        ("PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80", SERVER, 8080, "10.1.0.2:P → 10.1.0.1:80"),
        ("PREROUTING -d 10.9.0.0/24 -j NETMAP --to 10.2.0.0/24", "10.9.0.2", 80, "10.1.0.2:P → 10.2.0.2:80"),
        ("POSTROUTING -j MASQUERADE", SERVER, 80, "10.2.0.1:P → 10.2.0.2:80"),
        ("POSTROUTING -j SNAT --to-source 10.2.0.7", SERVER, 80, "10.2.0.7:P → 10.2.0.2:80"),
        ("POSTROUTING -p tcp -j SNAT --to-source 10.2.0.7:1000-2000", SERVER, 80, "10.2.0.7:1000 → 10.2.0.2:80"),
        ("POSTROUTING -p tcp -j MASQUERADE --to-ports 50000-60000", SERVER, 80, "10.2.0.1:P → 10.2.0.2:80"),
        ("POSTROUTING -s 10.1.0.0/24 -j NETMAP --to 10.2.9.0/24", SERVER, 80, "10.2.9.2:P → 10.2.0.2:80"),
    ],
)
def test_what_a_statement_makes_of_the_packet_and_of_its_answer(rule: str, address: str, port: int, there: str) -> None:
    world = nat(three_in_line(), rule)
    world["router"].address("right", "10.2.0.7/24")
    world["router"].address("lo", "10.2.9.2/32")
    found = ask(world, address, port)
    assert shown(arrived(found.forward)) == there
    assert found.symptom is Symptom.CONNECTED
    assert shown(arrived(found.reply)) == f"{address}:{port} → 10.1.0.2:P"


def test_masquerading_takes_the_address_of_the_subnet_that_the_next_hop_is_in() -> None:
    world = nat(three_in_line(), "POSTROUTING -o right -j MASQUERADE")
    right = [a for a in world["router"].addresses if str(a.address) == "10.2.0.1"]
    world["router"].addresses.remove(right[0])
    world["router"].address("right", "192.0.2.1/24").addresses.append(right[0])
    assert str(arrived(ask(world).forward).src) == "10.2.0.1"


def test_masquerading_by_a_device_that_has_no_address_takes_another_devices() -> None:
    world = nat(three_in_line(), "POSTROUTING -o right -j MASQUERADE")
    world["router"].addresses[:] = [a for a in world["router"].addresses if str(a.address) != "10.2.0.1"]
    world["router"].route("10.2.0.0/24 dev right")
    world["server"].route("10.1.0.1/32 dev eth0")
    assert str(arrived(ask(world).forward).src) == ROUTER


def test_the_first_mapping_wins() -> None:
    rules = [f"PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:{port}" for port in (80, 81)]
    assert ask(nat(three_in_line(), *rules), ROUTER, 8080).symptom is Symptom.CONNECTED


def test_of_two_tables_the_one_that_is_asked_first_maps() -> None:
    world = nat(three_in_line(), "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80")
    nat(world, "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:81")
    assert arrived(ask(world, ROUTER, 8080).forward).dport == 80


def test_accept_and_return_leave_a_packet_untranslated_and_the_next_table_may_translate_it() -> None:
    world = nat(three_in_line(), "PREROUTING -j ACCEPT", "PREROUTING -p tcp -j DNAT --to-destination :81")
    assert ask(world).symptom is Symptom.CONNECTED
    nat(world, "PREROUTING -p tcp -j DNAT --to-destination :81")
    assert ask(world).symptom is Symptom.REFUSED


def test_a_drop_in_a_nat_chain_is_a_drop() -> None:
    rules = ("POSTROUTING -p tcp -j DROP", "POSTROUTING -p udp -j MASQUERADE")
    assert ask(nat(three_in_line(), *rules)).symptom is Symptom.TIMEOUT


def test_a_nat_chain_is_not_run_where_no_rule_has_connections_tracked() -> None:
    assert ask(nat(three_in_line(), "POSTROUTING -p tcp -j DROP")).symptom is Symptom.CONNECTED


def asked(trace: Trace | None, netns: str = "router") -> list[str]:
    """The rules of nat chains that a packet met in a namespace."""
    assert trace is not None
    steps = [step for hop in trace.hops if hop.netns == netns for step in hop.steps]
    return [step.hook for step in steps if step.kind is StepKind.RULE and step.ref and step.ref.key[2] == "nat"]


def test_only_the_first_packet_of_a_flow_meets_nat_chains() -> None:
    found = ask(
        nat(
            three_in_line(),
            "PREROUTING -p udp -m comment --comment x",
            "PREROUTING -p tcp",
            "POSTROUTING -j MASQUERADE",
        )
    )
    assert asked(found.forward) == ["prerouting", "postrouting"]
    assert asked(found.reply) == []
    assert found.symptom is Symptom.CONNECTED


def test_a_lost_third_packet_would_have_been_translated_like_the_first() -> None:
    world = nat(three_in_line(), "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80")
    text = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK ACK -j DROP\nCOMMIT\n"
    world["router"].iptables(text)
    found = ask(world, ROUTER, 8080)
    assert found.symptom is Symptom.ACCEPTED_THEN_SILENT
    assert found.confirm is not None
    assert asked(found.confirm) == []
    assert shown(arrived(found.confirm)) == "10.1.0.2:P → 10.2.0.2:80"


def test_a_packet_over_loopback_is_asked_about_its_destination_once() -> None:
    world = nat(
        three_in_line(),
        "OUTPUT -p tcp -m tcp --dport 8080 -j DNAT --to-destination 127.0.0.1:80",
        "PREROUTING -p tcp",
        netns="client",
    )
    world["client"].iptables("*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j RETURN\nCOMMIT\n")
    found = ask(world, "10.1.0.2", 8080)
    assert (found.symptom, asked(found.forward, "client")) == (Symptom.CONNECTED, ["output"])


def test_a_redirect_of_what_is_made_here_leads_to_loopback() -> None:
    world = nat(three_in_line(), "OUTPUT -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80", netns="client")
    found = ask(world, SERVER, 8080)
    assert (found.symptom, str(arrived(found.forward).dst)) == (Symptom.CONNECTED, "127.0.0.1")


def test_a_packet_that_is_translated_when_it_is_made_is_routed_again() -> None:
    world = nat(
        three_in_line(), "OUTPUT -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80", netns="client"
    )
    world["client"].link("spare")
    world["client"].address("spare", "10.8.0.1/24")
    world["router"].route("10.8.0.0/24 via 10.1.0.2 dev left")
    found = ask(world, "10.8.0.9", 8080)
    assert found.symptom is Symptom.CONNECTED
    assert any("routed again" in step.text for step in found.forward.steps)


def test_an_untracked_packet_is_not_translated() -> None:
    world = nat(three_in_line(), "PREROUTING -p tcp -j DNAT --to-destination :81")
    world["router"].iptables("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j NOTRACK\nCOMMIT\n")
    assert ask(world).symptom is Symptom.CONNECTED


def test_an_error_is_translated_back_with_what_it_quotes() -> None:
    world = nat(
        three_in_line(),
        "PREROUTING -p udp -m udp --dport 5353 -j DNAT --to-destination 10.2.0.2:53",
        "POSTROUTING -j MASQUERADE",
    )
    found = ask(world, ROUTER, 5353, Protocol.UDP)
    assert found.symptom is Symptom.REFUSED
    assert found.error is not None
    assert (str(arrived(found.error).src), str(arrived(found.error).dst)) == (ROUTER, "10.1.0.2")


def test_a_port_that_is_drawn_is_another_one_and_the_answer_says_so() -> None:
    world = nat(three_in_line(), "POSTROUTING -p tcp -j MASQUERADE --random")
    found = ask(world)
    assert (found.symptom, str(arrived(found.forward).src)) == (Symptom.CONNECTED, "10.2.0.1")
    assert arrived(found.forward).sport != found.forward.hops[0].packet.sport
    assert "ASSUME_NAT_PORT" in [assumption.code for assumption in found.assumptions]


def test_a_container_that_asks_for_its_own_published_port_is_masqueraded() -> None:
    world = docker_world(
        nat="-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n", proxy=False
    )
    world["host"].tables[:] = [t for t in world["host"].tables if t.name != "nat"]
    nat(
        world,
        "PREROUTING -p tcp -m tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 172.17.0.2:80",
        "POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE",
        netns="host",
    )
    world["host"].plug("vethweb", "docker0", hairpin=True)
    found = ask(world, "10.77.0.1", 8080, source="web")
    assert (found.symptom, str(arrived(found.forward).src)) == (Symptom.CONNECTED, "172.17.0.1")
