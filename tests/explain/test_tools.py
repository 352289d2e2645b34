"""Fixes in the words of ufw, firewalld and NetworkManager, and what these tools themselves make of the words.

`golden/tools.txt` has each command with the lines that it adds to the tool's own file (`+`) or takes from it (`-`), as
ufw 0.36.2, firewall-offline-cmd 2.3.1 and nmcli 1.52.1 (--offline) did it; ufw's are as iptables-save prints them.
Another command than those needs the tools again: `python -m tests.explain.record_tools` has them write the file.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from engine.change.address import AddAddress, DeleteAddress
from engine.change.new_rules import Selector, insertion
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule
from engine.explain.fixes.owner_tools import said
from engine.explain.fixes.persistence import lasting
from engine.model.firewall import Backend, Rule, RuleVerdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.link import Address
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.route import NextHop, Route
from engine.model.where import RulePlace
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.hosts.stock import docker_world

UFW = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:{ufw}-before-input - [0:0]
:{ufw}-before-forward - [0:0]
:{ufw}-user-input - [0:0]
:{ufw}-user-forward - [0:0]
-A INPUT -j {ufw}-before-input
-A FORWARD -j {ufw}-before-forward
-A {ufw}-before-input -j {ufw}-user-input
-A {ufw}-before-forward -j {ufw}-user-forward
{user}COMMIT
"""
#: What was typed into ufw before the rest, and what it made of that.
DENIED = """-A ufw-user-input -p tcp -m tcp --dport 8080 -j DROP
-A ufw-user-input -p udp -m udp --dport 8080 -j DROP
-A ufw-user-input -p tcp -m tcp --dport 9090 -j DROP
-A ufw-user-forward -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j DROP
-A ufw-user-input -i up0 -p tcp -m tcp --dport 7070 -j REJECT --reject-with tcp-reset
-A ufw-user-input -s 10.77.0.2/32 -p tcp -m tcp --dport 6060 -j DROP
-A ufw-user-input -d 10.77.0.1/32 -p tcp -m tcp --dport 5050 -j DROP
"""
DENIED6 = "-A ufw6-user-input -p tcp -m tcp --dport 9090 -j DROP\n"
TCP, UDP = Protocol.TCP, Protocol.UDP
HOST, WEB, CLIENT, HOST6 = (ip_address(text) for text in ("10.77.0.1", "172.17.0.2", "10.77.0.2", "fd00::1"))


def ufw_host() -> Snapshot:
    world = docker_world(nat="", proxy=False)
    world["host"].tables.clear()
    world["host"].iptables(UFW.format(ufw="ufw", user=DENIED))
    world["host"].iptables(UFW.format(ufw="ufw6", user=DENIED6), family="ip6")
    return world.snapshot()


def exception(selector: Selector, chain: str = "INPUT", index: int = 1, family: str = "ip") -> InsertRule:
    """What a fix of ufw's policies inserts."""
    return insertion(RulePlace("host", Backend.XT_NFT, family, "filter", chain, index), selector)


def deletion(number: int, text: str = DENIED) -> DeleteRule:
    """The fix that deletes one of the rules that were typed into ufw before."""
    line = text.splitlines()[number]
    chain = line.split()[1]
    family = "ip6" if chain.startswith("ufw6") else "ip"
    same = [each for each in text.splitlines() if each.split()[1] == chain]
    rule = parsed(text, chain, family)[same.index(line)]
    return DeleteRule(RulePlace("host", Backend.XT_NFT, family, "filter", chain, rule.index), rule)


def parsed(text: str, chain: str, family: str = "ip") -> tuple[Rule, ...]:
    chains = "".join(f":{name} - [0:0]\n" for name in sorted({line.split()[1] for line in text.splitlines()}))
    (table,) = parse_xt_save(f"*filter\n{chains}{text}COMMIT\n", Backend.XT_NFT, family, ())
    found = table.chain(chain)
    assert found is not None
    return found.rules


UFW_SAYS: dict[str, Change] = {
    "a port of the host": exception(Selector(TCP, destination=HOST, dport=9090)),
    "a port of a container": exception(Selector(TCP, destination=WEB, dport=81), "FORWARD"),
    "a network by one device": exception(Selector(UDP, ip_network("10.0.0.0/8"), HOST, dport=53, iif="up0")),
    "a way through the host": exception(Selector(TCP, CLIENT, WEB, dport=82, iif="up0", oif="docker0"), "FORWARD"),
    "a port of IPv6": exception(Selector(TCP, destination=HOST6, dport=9090), family="ip6"),
    "what is denied in the same words": exception(Selector(TCP, destination=HOST, dport=5050)),
    "a rule for one port": deletion(2),
    "a rule for one port of IPv6": deletion(0, DENIED6),
    "a rule for a container": deletion(3),
    "a rule that rejects by one device": deletion(4),
    "a rule about one client": deletion(5),
}


def place(chain: str, family: str = "inet") -> RulePlace:
    return RulePlace("host", Backend.NFT, family, "firewalld", chain, 3)


FIREWALLD_SAYS: dict[str, Change] = {
    "a port": insertion(place("filter_IN_public"), Selector(TCP, destination=HOST, dport=9090)),
    "a port of IPv6": insertion(place("filter_IN_public"), Selector(TCP, destination=HOST6, dport=9090)),
    "for one network": insertion(place("filter_IN_public_allow"), Selector(UDP, ip_network("10.0.0.0/8"), dport=53)),
    "before a rule that denies": insertion(place("filter_IN_public_deny"), Selector(TCP, CLIENT, HOST, dport=80)),
    "before all": insertion(place("filter_IN_public_pre"), Selector(TCP, CLIENT, HOST, dport=81)),
}


def managed() -> Snapshot:
    """NetworkManager has set up0 up: it has added the route to its subnet, with a metric."""
    world = docker_world()
    host = world["host"]
    host.addresses[:] = [
        replace(a, flags=a.flags | {"noprefixroute"}) if a.address == HOST else a for a in host.addresses
    ]
    snapshot = world.snapshot()
    routes = tuple(r for r in snapshot.host_netns.routes if str(r.destination) != "10.77.0.0/24")
    up0 = snapshot.host_netns.links_by_name["up0"].index
    own = Route(ip_network("10.77.0.0/24"), metric=100, scope="link", protocol="kernel", nexthops=(NextHop(up0),))
    here = replace(snapshot.host_netns, routes=(*routes, own))
    return replace(snapshot, namespaces=(here, *(each for each in snapshot.namespaces if each.id != "host")))


UP0 = docker_world().snapshot().host_netns.links_by_name["up0"].index
BY = (NextHop(UP0, ip_address("10.77.0.9")),)
FAR = ip_network("10.9.0.0/16")
PERMANENT = frozenset({"permanent", "noprefixroute"})
NMCLI_SAYS: dict[str, Change] = {
    "a route": AddRoute("host", Route(FAR, nexthops=BY)),
    "a default route": AddRoute("host", Route(ip_network("0.0.0.0/0"), nexthops=BY)),
    "a route on the link": AddRoute("host", Route(ip_network("10.9.0.7/32"), scope="link", nexthops=(NextHop(UP0),))),
    "a route of IPv6": AddRoute(
        "host", Route(ip_network("fd09::/64"), nexthops=(NextHop(UP0, ip_address("fe80::9")),))
    ),
    "a route with more": AddRoute(
        "host",
        Route(FAR, 7, metric=50, preferred_source=HOST, nexthops=(replace(BY[0], flags=frozenset({"onlink"})),)),
    ),
    "an address": AddAddress("host", "up0", Address(UP0, ip_address("10.77.0.3"), 24)),
    "an address of IPv6": AddAddress("host", "up0", Address(UP0, ip_address("fd77::3"), 64)),
    "a route less": DeleteRoute("host", Route(ip_network("10.8.0.0/16"), metric=100, protocol="static", nexthops=BY)),
    "a route with its metric less": DeleteRoute(
        "host", Route(ip_network("10.10.0.0/16"), metric=50, protocol="static", nexthops=BY)
    ),
    "an address less": DeleteAddress("host", "up0", Address(UP0, ip_address("10.77.0.4"), 24, flags=PERMANENT)),
}


def recorded() -> dict[str, list[str]]:
    """What each tool made of a command, by the command."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "golden" / "tools.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("$ "):
            found[line[2:]] = []
        elif line:
            found[list(found)[-1]].append(line)
    return found


def typed(snapshot: Snapshot, change: Change) -> list[str]:
    """The tool's commands as they are typed on the host."""
    enter = ("nsenter", "--net=/run/netns/host")
    kept = lasting(snapshot, [change]).commands
    return [shlex.join(argv[2:] if argv[:2] == enter else argv) for argv in kept]


@pytest.mark.parametrize("name", UFW_SAYS)
def test_ufw_makes_the_fix_s_own_rule_of_its_words(name: str) -> None:
    change = UFW_SAYS[name]
    assert isinstance(change, InsertRule | DeleteRule)
    commands = typed(ufw_host(), change)
    (last,) = recorded()[commands[-1]]
    assert last.startswith("+" if isinstance(change, InsertRule) else "-")
    chain = last.split()[1]
    (rule,) = parsed(f"{last[1:]}\n", chain, "ip6" if chain.startswith("ufw6") else "ip")
    assert said(rule) == said(change.rule)
    assert chain.endswith("forward" if "FORWARD" in change.place.chain.upper() else "input")
    assert isinstance(rule.statements[-1], RuleVerdict) is isinstance(change.rule.statements[-1], RuleVerdict)


def test_ufw_has_one_rule_for_the_same_words_so_that_the_old_one_goes_first() -> None:
    first, second = typed(ufw_host(), UFW_SAYS["what is denied in the same words"])
    assert " delete deny " in first
    assert [recorded()[each][0][0] for each in (first, second)] == ["-", "+"]


@pytest.mark.parametrize(
    "change",
    [
        exception(Selector(Protocol.ICMP, destination=HOST, icmp_type=8)),
        exception(Selector(Protocol.SCTP, destination=HOST, dport=80)),
        exception(Selector(TCP, source=HOST, sport=80, established=True)),
        insertion(
            RulePlace("host", Backend.XT_NFT, "ip", "filter", "INPUT", 1), Selector(TCP, dport=1), VerdictKind.DROP
        ),
        exception(Selector(TCP, destination=HOST, dport=9090), index=0),
        deletion(0),
        deletion(1),
    ],
)
def test_what_ufw_can_t_say_or_says_of_more_has_no_words(change: Change) -> None:
    assert typed(ufw_host(), change) == []


@pytest.mark.parametrize("name", FIREWALLD_SAYS)
def test_firewalld_gets_a_rich_rule_that_asks_what_the_fix_s_rule_asks_now_and_for_good(name: str) -> None:
    change = FIREWALLD_SAYS[name]
    assert isinstance(change, InsertRule)
    now, good = typed(docker_world().snapshot(), change)
    assert good.replace("--permanent ", "") == now
    asks, element = said(change.rule), " ".join(recorded()[now])
    assert asks is not None
    for end, address in (("source", asks.source), ("destination", asks.destination)):
        assert (f'<{end} address="{address}"/>' in element) is bool(address)
    assert f'<port port="{asks.port}" protocol="{asks.protocol}"/>' in element
    assert "<accept/>" in element


def test_firewalld_has_no_words_for_a_rule_that_goes_or_is_of_another_table() -> None:
    snapshot, selector = docker_world().snapshot(), Selector(TCP, destination=HOST, dport=9090)
    rule = insertion(place("filter_IN_public"), selector).rule
    assert typed(snapshot, DeleteRule(place("filter_IN_public_deny"), rule)) == []
    assert typed(snapshot, insertion(place("filter_FWD_public"), selector)) == []
    assert typed(snapshot, insertion(place("filter_IN_public"), replace(selector, iif="up0"))) == []


@pytest.mark.parametrize("name", NMCLI_SAYS)
def test_networkmanager_has_the_route_or_the_address_in_its_profile(name: str) -> None:
    change = NMCLI_SAYS[name]
    ((*_, script),) = lasting(managed(), [change]).commands
    profile, words = script.split('"$(nmcli -g GENERAL.CON-UUID device show up0)" ')
    assert profile == "nmcli connection modify "
    line, *_ = recorded()[f"nmcli connection modify up0 {words}"]
    assert line.startswith("-" if isinstance(change, DeleteRoute | DeleteAddress) else "+")
    assert str(change.route.destination if isinstance(change, AddRoute | DeleteRoute) else change.address) in line


@pytest.mark.parametrize(
    ("snapshot", "change"),
    [
        (docker_world().snapshot(), NMCLI_SAYS["a route"]),
        (managed(), DeleteRoute("host", Route(FAR, protocol="dhcp", nexthops=BY))),
        (managed(), DeleteAddress("host", "up0", Address(UP0, HOST, 24, flags=frozenset({"noprefixroute"})))),
        (managed(), AddRoute("host", Route(FAR, kind="blackhole"))),
    ],
)
def test_what_networkmanager_does_not_have_is_not_told_to_it(snapshot: Snapshot, change: Change) -> None:
    assert typed(snapshot, change) == []


def test_a_kernel_s_own_route_with_a_metric_is_not_of_networkmanager() -> None:
    """systemd-networkd has the kernel add the route, with the metric that DHCP's routes get."""
    snapshot = docker_world().snapshot()
    host = snapshot.host_netns
    routes = tuple(replace(r, metric=100) if str(r.destination) == "10.77.0.0/24" else r for r in host.routes)
    cloud = replace(snapshot, namespaces=(replace(host, routes=routes), *snapshot.namespaces[1:]))
    assert typed(cloud, NMCLI_SAYS["a route"]) == []


def test_a_device_without_ipv6_gets_none_by_its_profile_which_would_refuse_it() -> None:
    snapshot = managed()
    off = {**snapshot.host_netns.sysctls, "net.ipv6.conf.up0.disable_ipv6": 1}
    here = replace(snapshot, namespaces=(replace(snapshot.host_netns, sysctls=off), *snapshot.namespaces[1:]))
    assert typed(here, NMCLI_SAYS["an address of IPv6"]) == []
