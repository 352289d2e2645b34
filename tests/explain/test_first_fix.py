"""The first fix is the one that an expert gives: what was meant by the question, by its owner, for all of its clients.

The hosts of `tests/faults` say the same of real kernels; these are the cases that stand beside each other there.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Cause, Question, Source
from tests.fidelity.record import read_host
from tests.hosts.build import World
from tests.hosts.stock import docker_world, one_bridge, three_in_line


def first(world: World, target: str = ":8080", source: str = "ns:lan") -> Cause:
    """The first cause; where its first fix changes anything, the question connects with it."""
    snapshot = world.snapshot()
    question = resolve(snapshot, target, source)
    cause = ask(snapshot, question).causes[0]
    fix = cause.fixes[0]
    asked = fix.ask or question
    assert ask(applied(snapshot, fix.plan.changes), asked).symptom is Symptom.CONNECTED, fix.title
    return cause


def commands(cause: Cause) -> list[str]:
    return [" ".join(argv) for argv in cause.fixes[0].commands]


def test_a_transparent_proxy_before_the_engine_s_rules_spares_the_published_port() -> None:
    world = docker_world()
    host = world["host"]
    (table,) = (each for each in host.tables if each.name == "nat")
    host.tables.remove(table)
    host.iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -p tcp -j REDIRECT --to-ports 7892\n"
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
        "-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
    )
    cause = first(world)
    assert cause.code == "NAT_DNAT_SHADOWED"
    assert cause.fixes[0].title == "exempt tcp to 10.77.0.1:8080 from rule 1 of nat/PREROUTING"
    assert commands(cause)[0].endswith("-I PREROUTING 1 -d 10.77.0.1/32 -p tcp -m tcp --dport 8080 -j DOCKER")


def test_in_a_chain_of_its_own_a_transparent_proxy_hands_the_packet_back() -> None:
    world = docker_world()
    host = world["host"]
    (table,) = (each for each in host.tables if each.name == "nat")
    host.tables.remove(table)
    host.iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:CLASH - [0:0]\n-A PREROUTING -p tcp -j CLASH\n"
        "-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n"
        "-A CLASH -p tcp -j REDIRECT --to-ports 7892\nCOMMIT\n"
    )
    assert commands(first(world))[0].endswith("-I CLASH 1 -d 10.77.0.1/32 -p tcp -m tcp --dport 8080 -j RETURN")


def test_a_vpn_in_the_container_keeps_its_routes() -> None:
    world = docker_world()
    world["web"].link("tun0", "tun")
    world["web"].address("tun0", "10.8.0.2/24").route("0.0.0.0/1 dev tun0").route("128.0.0.0/1 dev tun0")
    cause = first(world)
    assert cause.fixes[0].title == "add route 10.77.0.0/24 via 172.17.0.1 in web"


@pytest.mark.parametrize("rules", ["", "-A FORWARD -i tun9 -j ACCEPT\n"])
def test_a_policy_is_left_over_in_a_chain_without_rules_alone(rules: str) -> None:
    world = docker_world()
    world["host"].iptables(f"*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n", Backend.XT_LEGACY)
    cause = first(world)
    assert "no rule of filter/FORWARD of iptables-legacy in host accepts" in cause.sentence
    policy = "set the policy of filter/FORWARD of iptables-legacy to accept"
    assert (cause.fixes[0].title == policy) is (rules == "")


def test_the_only_firewall_s_policy_is_not_left_over() -> None:
    world = docker_world()
    world["host"].tables[:] = [table for table in world["host"].tables if table.name != "filter"]
    world["host"].iptables("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n")
    assert "policy" not in first(world).fixes[0].title


def test_what_a_host_sends_itself_is_accepted_by_its_device() -> None:
    world = docker_world()
    rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    world["host"].iptables(rules, Backend.XT_LEGACY)
    world["host"].listen(9000)
    cause = first(world, "127.0.0.1:9000", "host")
    assert commands(cause)[0].endswith("-I INPUT 2 -i lo -j ACCEPT")
    assert "-i lo" not in commands(first(world, ":9000"))[0]


def test_answers_are_accepted_as_answers() -> None:
    world = docker_world()
    for table in world["host"].tables:
        for chain in table.chains:
            kept = [rule for rule in chain.rules if "RELATED,ESTABLISHED" not in rule.text]
            object.__setattr__(chain, "rules", tuple(kept))
    world["lan"].listen(9000)
    cause = first(world, "10.77.0.2:9000", "web")
    assert cause.fixes[0].title == "accept replies of tracked connections in DOCKER-USER"
    assert commands(cause)[0].endswith("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")


def test_a_port_that_only_the_other_protocol_has_is_asked_by_that() -> None:
    world = docker_world()
    world["db"].listen(53, protocol=Protocol.UDP)
    cause = first(world, "db:53", "web")
    assert cause.fixes[0].title == "ask 172.17.0.3:53/udp (db)"
    assert "db serves 53 over udp" in cause.sentence


def test_the_one_published_port_is_asked_where_nothing_else_could_be_meant() -> None:
    world = docker_world()
    world["db"].listeners.clear()
    assert first(world, ":8081").fixes[0].title == "ask 10.77.0.1:8080 (web)"


def test_the_one_device_without_an_address_has_lost_the_one_that_is_asked_for() -> None:
    world = docker_world()
    world.containers.clear()
    world["web"].addresses.clear()
    world["web"].routes.clear()
    snapshot = world.snapshot()
    cause = ask(snapshot, resolve(snapshot, ":8080", "ns:lan")).causes[0]
    assert (cause.code, cause.sentence) == ("DST_NO_ADDRESS", "web lacks its address 172.17.0.2 on eth0")
    assert commands(cause)[0].endswith("ip addr add 172.17.0.2/16 dev eth0")


def test_a_port_that_waits_for_a_spanning_tree_forwards_without_one() -> None:
    world = one_bridge()
    bridge = world["sw"].links["br0"].bridge
    world["sw"].change("right0", port=None)
    world["sw"].plug("right0", "br0", state="listening")
    assert bridge is not None
    assert [fix.title for fix in first(world, "10.3.0.2:80", "ns:left").fixes] == ["let port right0 of br0 forward"]
    object.__setattr__(bridge, "stp", True)
    assert commands(first(world, "10.3.0.2:80", "ns:left")) == [
        "nsenter --net=/run/netns/sw ip link set br0 type bridge stp_state 0",
        "nsenter --net=/run/netns/sw bridge link set dev right0 state forwarding",
    ]


@pytest.mark.parametrize(
    ("host", "source", "target", "title"),
    [
        ("user-network", "client", "172.17.0.2:80", "connect client to network appnet, then ask 172.19.0.2:80 (web)"),
        ("veth-down", "web", "10.77.0.1:8080", "set veth0da6d40 in host up"),
        ("wrong-container-port", "host", "127.0.0.1:8080", "run web again with -p 8080:80, or start a program"),
        ("address-gone", "web", "10.77.0.1:8080", "restart web, which gives it again"),
        ("dnat-shadowed", "lan", "10.77.0.1:8080", "delete rule 1 of nat/DOCKER"),
        ("no-route-in-lan", "lan", "172.17.0.2:80", "ask 10.77.0.1:8080 (web)"),
        ("vpn-inside", "web", "10.77.0.1:8080", "add route 10.77.0.0/24 via 172.17.0.1 in web"),
        ("published-on-uplink", "host", "127.0.0.1:8080", "ask 10.77.0.1:8080 (host)"),
    ],
)
def test_on_a_recorded_host(host: str, source: str, target: str, title: str) -> None:
    address, _, port = target.rpartition(":")
    question = Question(Source(source), ip_address(address), int(port))
    cause = ask(read_host(host), question).causes[0]
    assert cause.fixes[0].title.startswith(title)


def test_a_transparent_proxy_is_not_told_to_bind_to_an_address_that_its_host_lacks() -> None:
    """bind(2) gives EADDRNOTAVAIL for it without IP_TRANSPARENT (ip(7)); a random host showed it."""
    world = three_in_line()
    router = world["router"]
    router.iptables(
        "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 81 "
        "-j TPROXY --on-port 3128 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\nCOMMIT\n"
    )
    router.policy(100, 100, fwmark=1).route("local default dev lo table 100").listen(3128, protocol=Protocol.UDP)
    snapshot = world.snapshot("client")
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:81", "ns:client", Protocol.UDP))
    cause = verdict.causes[0]
    assert (cause.code, cause.fixes) == ("RET_ANSWER_FROM_OTHER_ADDRESS", ())
    assert "router lacks 10.2.0.2" in cause.evidence[0]


@pytest.mark.parametrize(
    ("port", "asked", "titles"),
    [
        ("", ":80", ["translate to web at 172.17.0.2:80"]),
        ("-p tcp -m tcp", ":8080", ["translate to web at 172.17.0.2:80"]),
    ],
)
def test_a_rule_without_a_protocol_is_not_given_a_port(port: str, asked: str, titles: list[str]) -> None:
    to = "172.17.0.9:80" if port else "172.17.0.9"
    world = docker_world(nat=f"-A DOCKER -d 10.77.0.1/32 {port} -j DNAT --to-destination {to}\n", proxy=False)
    cause = first(world, asked)
    assert cause.code == "NAT_DNAT_STALE_TARGET"
    assert [fix.title for fix in cause.fixes[:1]] == titles
    assert ("172.17.0.2:80" if port else "172.17.0.2") in commands(cause)[0].split()
