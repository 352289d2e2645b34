"""The command lines of changes, run as a person would run them, and what the kernel has afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from engine.change.address import AddAddress
from engine.change.link import SetArp, SetLink
from engine.change.namespace import CreateBridge, CreateVeth
from engine.change.neighbour import DeleteNeighbour
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.ruleset import LoadRules
from engine.change.sysctl import SetSysctl
from engine.explain.fixes.persistence import lasting
from engine.model.firewall import Backend, Rule
from engine.model.host import Netns as HostNetns
from engine.model.host import Snapshot
from engine.model.link import Address
from engine.model.plan import Change
from engine.model.route import NextHop, Route
from engine.model.where import RulePlace, Where, named
from tests.harness.needs import require
from tests.harness.netns import CommandFailed, End, Netns, World, run

require("ip", "nft", "iptables-nft", "iptables-legacy", "sysctl", root=True)

XT = pytest.mark.parametrize("backend", [Backend.XT_NFT, Backend.XT_LEGACY])
SAVE = {Backend.XT_NFT: "iptables-nft-save", Backend.XT_LEGACY: "iptables-legacy-save"}
ONE, TWO, THREE = (f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in (1, 2, 3))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def netns(world: World) -> Netns:
    return world.netns("commands")


def do(change: Change, where: Where | None = None) -> None:
    for argv in change.argv(where or named()):
        run(argv)


def load(netns: Netns, backend: Backend, *rules: str) -> None:
    do(LoadRules(netns.name, backend, "\n".join(["*filter", ":INPUT ACCEPT [0:0]", *rules, "COMMIT", ""])))


def saved(netns: Netns, backend: Backend) -> list[str]:
    return [line for line in netns.run(SAVE[backend]).splitlines() if line.startswith("-A")]


def place(netns: Netns, backend: Backend, index: int) -> RulePlace:
    return RulePlace(netns.name, backend, "ip", "filter", "INPUT", index)


@XT
def test_rules_are_loaded_into_the_backend_that_was_named_and_no_other(netns: Netns, backend: Backend) -> None:
    load(netns, backend, ONE)
    other = ({Backend.XT_NFT, Backend.XT_LEGACY} - {backend}).pop()
    assert saved(netns, backend) == [ONE]
    assert saved(netns, other) == []


@XT
@pytest.mark.parametrize("index", [0, 1, 2])
def test_an_inserted_rule_is_at_its_index(netns: Netns, backend: Backend, index: int) -> None:
    load(netns, backend, ONE, TWO)
    do(InsertRule(place(netns, backend, index), Rule(index, (), ""), tuple(THREE.split()[2:])))
    assert saved(netns, backend).index(THREE) == index


@XT
def test_a_replaced_rule_is_the_one_at_the_index(netns: Netns, backend: Backend) -> None:
    load(netns, backend, ONE, TWO)
    do(ReplaceRule(place(netns, backend, 1), Rule(1, (), ""), tuple(THREE.split()[2:])))
    assert saved(netns, backend) == [ONE, THREE]


@XT
def test_a_rule_is_deleted_by_its_words_though_its_number_has_changed(netns: Netns, backend: Backend) -> None:
    load(netns, backend, ONE, TWO)
    delete = DeleteRule(place(netns, backend, 1), Rule(1, (), saved(netns, backend)[1]))
    do(InsertRule(place(netns, backend, 0), Rule(0, (), ""), tuple(THREE.split()[2:])))
    do(delete)
    assert saved(netns, backend) == [THREE, ONE]
    with pytest.raises(CommandFailed):
        do(delete)


@XT
@pytest.mark.parametrize(
    "rule",
    [
        '-A INPUT -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp --dport 80 -m comment --comment "let \\"me\\" in" -j DROP',
        "-A INPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DROP",
        "-A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -m multiport --dports 80,443 -j REJECT"
        " --reject-with tcp-reset",
        "-A INPUT -m mark --mark 0x1/0xff -j ACCEPT",
    ],
)
def test_whatever_a_rule_says_its_saved_line_deletes_it(netns: Netns, backend: Backend, rule: str) -> None:
    load(netns, backend, rule)
    (line,) = saved(netns, backend)
    do(DeleteRule(place(netns, backend, 0), Rule(0, (), line)))
    assert saved(netns, backend) == []


def nft_rules(netns: Netns) -> tuple[Rule, ...]:
    lines = netns.run("nft", "-a", "list", "chain", "inet", "fw", "input").splitlines()
    rows = [line.strip().split(" # handle ") for line in lines if "dport" in line]
    return tuple(Rule(index, (), text, handle=int(handle)) for index, (text, handle) in enumerate(rows))


def texts(netns: Netns) -> list[str]:
    return [rule.text for rule in nft_rules(netns)]


@pytest.fixture
def fw(netns: Netns) -> RulePlace:
    text = "table inet fw {\n chain input {\n type filter hook input priority 0;\n"
    do(LoadRules(netns.name, Backend.NFT, f"{text} tcp dport 1 accept\n tcp dport 2 drop\n }}\n}}\n"))
    return RulePlace(netns.name, Backend.NFT, "inet", "fw", "input", 0)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_an_nft_rule_is_inserted_by_the_handle_of_the_rule_that_is_there(
    netns: Netns, fw: RulePlace, index: int
) -> None:
    seen = nft_rules(netns)
    where = replace(named(), rules=lambda _: seen)
    do(InsertRule(replace(fw, index=index), Rule(index, (), ""), ("tcp", "dport", "3", "accept")), where)
    assert texts(netns).index("tcp dport 3 accept") == index


@pytest.mark.parametrize("index", [0, 1])
def test_an_nft_rule_is_inserted_by_index_where_no_handle_is_known(netns: Netns, fw: RulePlace, index: int) -> None:
    do(InsertRule(replace(fw, index=index), Rule(index, (), ""), ("tcp", "dport", "3", "accept")))
    assert texts(netns).index("tcp dport 3 accept") == index


def test_nft_rules_are_replaced_and_deleted_by_handle(netns: Netns, fw: RulePlace) -> None:
    one, two = nft_rules(netns)
    do(ReplaceRule(replace(fw, index=1), two, ("tcp", "dport", "2", "accept")))
    assert texts(netns) == ["tcp dport 1 accept", "tcp dport 2 accept"]
    do(DeleteRule(fw, one))
    assert texts(netns) == ["tcp dport 2 accept"]


def test_links_addresses_routes_and_sysctls_are_as_the_commands_say(world: World, netns: Netns) -> None:
    other = world.netns("other")
    do(CreateBridge(netns.name, "br0"))
    do(CreateVeth(netns.name, "v0.7", other.name, "eth0", master="br0"))
    do(AddAddress(netns.name, "br0", Address(0, IPv4Address("10.9.0.1"), 24, broadcast=IPv4Address("10.9.0.255"))))
    do(AddAddress(other.name, "eth0", Address(0, IPv4Address("10.9.0.2"), 24)))
    do(SetSysctl(netns.name, "net.ipv4.conf.v0.7.rp_filter", 2))
    port = netns.ip_json("link show v0.7")[0]
    assert port["master"] == "br0"
    assert "UP" in port["flags"]
    assert netns.ip_json("address show br0")[0]["addr_info"][0]["broadcast"] == "10.9.0.255"
    assert netns.read_sysctl("net/ipv4/conf/v0.7/rp_filter") == 2

    index = other.ip_json("link show eth0")[0]["ifindex"]
    where = replace(named(), device=lambda _netns, number: {index: "eth0"}[number])
    hop = NextHop(index, IPv4Address("10.9.0.1"))
    default = Route(ip_network("0.0.0.0/0"), metric=50, preferred_source=IPv4Address("10.9.0.2"), nexthops=(hop,))
    do(AddRoute(other.name, default), where)
    (route,) = other.ip_json("route show default")
    assert (route["gateway"], route["dev"], route["metric"], route["prefsrc"]) == ("10.9.0.1", "eth0", 50, "10.9.0.2")
    do(DeleteRoute(other.name, default), where)
    assert other.ip_json("route show default") == []

    other.ip("neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev eth0")
    do(DeleteNeighbour(other.name, "eth0", IPv4Address("10.9.0.9")))
    assert "10.9.0.9" not in other.run("ip", "neigh", "show")

    for on in (False, True):
        do(SetArp(other.name, "eth0", on))
        assert ("NOARP" in other.ip_json("link show eth0")[0]["flags"]) is not on

    do(SetLink(netns.name, "v0.7", up=False, master=""))
    port = netns.ip_json("link show v0.7")[0]
    assert "master" not in port
    assert "UP" not in port["flags"]


def test_the_file_of_a_lasting_sysctl_is_one_that_sysctl_reads(world: World, netns: Netns, tmp_path: Path) -> None:
    other = world.netns("other")
    world.veth(End(netns, "eth0.100"), End(other, "eth0"))
    snapshot = Snapshot("host", (HostNetns("host"),))
    name = "net.ipv4.conf.eth0.100.rp_filter"
    ((*shell, script),) = lasting(snapshot, [SetSysctl("host", name, 2)]).commands
    run([*shell, script.replace("/etc/sysctl.d", str(tmp_path))])
    netns.run("sysctl", "-p", str(next(tmp_path.iterdir())))
    assert netns.run("cat", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter").strip() == "2"
