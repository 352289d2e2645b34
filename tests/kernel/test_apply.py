"""Plans carried out on real namespaces: what is there afterwards, what an undo leaves, and whose things are spared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from engine.apply.errors import BuildError
from engine.apply.inverse import DropNetns
from engine.apply.journal import Journal
from engine.apply.run import apply, build_lab, down, sweep
from engine.change.address import AddAddress
from engine.change.link import SetLink
from engine.change.listener import Listen
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.port import SetPort
from engine.change.program import Serve
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.ruleset import LoadRules
from engine.change.set_element import DeleteElement
from engine.change.sysctl import SetSysctl
from engine.model.address import Family
from engine.model.firewall import Backend, Interval, Rule
from engine.model.link import Address
from engine.model.packet import Protocol
from engine.model.plan import Change, Plan
from engine.model.route import NextHop, PolicyRule, Route
from engine.model.traffic import Listener
from engine.model.where import RulePlace, named
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, Netns, World
from tests.harness.probe import probe

require("ip", "ipset", "nft", "iptables-nft", "iptables-legacy", root=True)

FORWARD = "net.ipv4.ip_forward"
ONE, TWO, THREE = (f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in (1, 2, 3))
RULES = "\n".join(["*filter", ":INPUT ACCEPT [0:0]", ONE, TWO, "COMMIT", ""])


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def netns(world: World) -> Netns:
    found = world.netns("host")
    found.ip("link add d0 type veth peer name d0p")
    found.ip("link set d0 up")
    found.ip("link set d0p up")
    found.address("d0", "10.9.0.1/24")
    return found


@pytest.fixture
def lab(world: World) -> str:
    return f"{world.prefix}l"


def plan(*changes: Change) -> Plan:
    return Plan("a test", changes)


def state(netns: Netns) -> list[str]:
    """All that a fix could change in a namespace, in words, without what the kernel counts."""
    commands = (
        "ip -4 address",
        "ip -4 route show table all",
        "ip -br link",
        "iptables-legacy-save",
        "ip rule",
        "bridge -d link",
        "ipset save",
    )
    lines = [line for command in commands for line in netns.run(*command.split()).splitlines()]
    lines += [line.partition(" # handle")[0] for line in netns.run("nft", "-a", "list", "ruleset").splitlines()]
    return [*(line.partition(" [")[0] for line in lines if not line.startswith("#")), str(netns.read_sysctl(FORWARD))]


def fixes(netns: Netns, rules: tuple[Rule, ...]) -> list[Change]:
    xt = RulePlace(netns.name, Backend.XT_NFT, "ip", "filter", "INPUT", 1)
    legacy = replace(xt, backend=Backend.XT_LEGACY)
    nft = RulePlace(netns.name, Backend.NFT, "inet", "fw", "input", 0)
    link = netns.ip_json("link show d0")[0]["ifindex"]
    new = Rule(0, (), "")
    words = tuple(THREE.split()[2:])
    native = ("tcp", "dport", "3", "accept")
    return [
        SetSysctl(netns.name, FORWARD, 1),
        InsertRule(xt, new, words),
        InsertRule(legacy, new, words),
        ReplaceRule(xt, new, words),
        ReplaceRule(legacy, new, words),
        DeleteRule(xt, Rule(1, (), TWO)),
        DeleteRule(legacy, Rule(1, (), TWO)),
        InsertRule(nft, new, native),
        InsertRule(replace(nft, index=2), new, native),
        ReplaceRule(nft, rules[0], native),
        DeleteRule(nft, rules[0]),
        DeleteRule(replace(nft, index=1), rules[1]),
        AddRoute(netns.name, Route(ip_network("10.8.0.0/16"), nexthops=(NextHop(link, IPv4Address("10.9.0.9")),))),
        AddRoute(netns.name, Route(ip_network("10.7.0.0/16"), nexthops=(NextHop(link),), table=77, metric=5)),
        AddRoute(netns.name, Route(ip_network("10.6.0.0/16"), kind="blackhole")),
        DeleteRoute(netns.name, Route(ip_network("10.5.0.0/16"), nexthops=(NextHop(link, IPv4Address("10.9.0.5")),))),
        AddAddress(netns.name, "d0", Address(0, IPv4Address("10.9.1.1"), 24)),
        SetLink(netns.name, "d1", up=True, master="br9"),
        CreateBridge(netns.name, "br0"),
        DeletePolicyRule(netns.name, PolicyRule(Family.INET, 99, text="99: from 10.0.0.0/8 fwmark 0x1 lookup 77")),
        AddPolicyRule(netns.name, PolicyRule(Family.INET, 98, text="98: from all to 10.9.0.0/16 lookup main")),
        SetPort(netns.name, "d2", "hairpin", 1),
        SetPort(netns.name, "d2", "learning", 0),
        DeleteElement(netns.name, "inet", "fw", "bad", BANNED, "10.9.0.2"),
        DeleteElement(netns.name, "", "", "bad", BANNED, "10.9.0.2"),
    ]


FIX_COUNT = 25
BANNED = (Interval(0x0A090002, 0x0A090002),)


@pytest.mark.parametrize("number", range(FIX_COUNT))
def test_a_fix_changes_the_host_and_its_undo_makes_it_as_it_was(netns: Netns, number: int) -> None:
    netns.run("iptables-nft-restore", stdin=RULES)
    netns.run("iptables-legacy-restore", stdin=RULES)
    netns.run("nft", "add table inet fw; add chain inet fw input; add rule inet fw input tcp dport 1 accept")
    netns.run("nft", "add rule inet fw input tcp dport 2 drop")
    netns.run("nft", "add set inet fw bad { type ipv4_addr; elements = { 10.9.0.2, 10.9.0.3 }; }")
    netns.run("ipset", "restore", stdin="create bad hash:ip hashsize 1024 maxelem 65536\nadd bad 10.9.0.2\n")
    netns.ip("route add 10.5.0.0/16 via 10.9.0.5")
    netns.ip("link add br9 address 02:00:00:00:00:09 type bridge")
    netns.ip("link add d1 type veth peer name d1p")
    netns.ip("link add d2 master br9 type veth peer name d2p")
    netns.ip("rule add pref 99 from 10.0.0.0/8 fwmark 1 lookup 77")
    lines = netns.run("nft", "-a", "list", "chain", "inet", "fw", "input").splitlines()
    rows = [line.strip().split(" # handle ") for line in lines if "dport" in line]
    rules = tuple(Rule(index, (), text, handle=int(handle)) for index, (text, handle) in enumerate(rows))
    xt_rules = (Rule(0, (), ONE), Rule(1, (), TWO))
    links = {link["ifindex"]: link["ifname"] for link in netns.ip_json("link show")}
    where = replace(
        named(),
        rules=lambda place: rules if place.backend is Backend.NFT else xt_rules,
        device=lambda _netns, index: links[index],
    )
    changes = fixes(netns, rules)
    assert len(changes) == FIX_COUNT
    before = state(netns)
    applied = apply(plan(changes[number]), where)
    assert state(netns) != before
    assert applied.undo() == ()
    assert state(netns) == before
    assert applied.undo() == ()


def test_when_a_change_is_refused_those_before_it_are_undone_and_the_command_is_named(netns: Netns) -> None:
    before = state(netns)
    refused = AddAddress(netns.name, "nolink", Address(0, IPv4Address("10.1.1.1"), 24))
    with pytest.raises(BuildError) as caught:
        apply(plan(SetSysctl(netns.name, FORWARD, 1), CreateBridge(netns.name, "br0"), refused), named())
    assert str(caught.value) == (
        f"nsenter --net=/run/netns/{netns.name} ip addr add 10.1.1.1/24 dev nolink: there is no link nolink"
    )
    assert state(netns) == before


def test_a_program_that_must_listen_is_not_for_us_to_start(netns: Netns) -> None:
    listen = Listen(netns.name, Listener(Protocol.TCP, Family.INET, None, 80))
    with pytest.raises(BuildError, match="its owner must see to that"):
        apply(plan(listen), named())


def test_text_is_loaded_only_into_namespaces_that_the_plan_makes(netns: Netns) -> None:
    with pytest.raises(BuildError, match="only into namespaces of the lab"):
        apply(plan(LoadRules(netns.name, Backend.NFT, "flush ruleset")), named())


def test_rules_that_the_backend_refuses_are_told_in_its_words_and_leave_no_lab(lab: str, tmp_path: Path) -> None:
    name = f"{lab}-a"
    with pytest.raises(BuildError, match="syntax error"):
        build_lab(plan(CreateNetns(name), LoadRules(name, Backend.NFT, "nonsense")), lab, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_listen_undoes_the_lab(lab: str, tmp_path: Path) -> None:
    name = f"{lab}-a"
    serve = Serve(name, Protocol.TCP, IPv4Address("10.1.1.1"), 80, "web")
    with pytest.raises(BuildError, match=r"web cannot listen on 10\.1\.1\.1:80/tcp .*Cannot assign"):
        build_lab(plan(CreateNetns(name), serve), lab, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lab_with_an_uplink_to_a_foreign_namespace_takes_back_its_link_and_sysctl_there(
    netns: Netns, lab: str, tmp_path: Path
) -> None:
    name = f"{lab}-a"
    before = state(netns)
    changes = (
        CreateNetns(name),
        CreateBridge(netns.name, "labbr"),
        CreateVeth(netns.name, "uplink", name, "eth0", master="labbr"),
        AddAddress(netns.name, "labbr", Address(0, IPv4Address("10.44.0.1"), 24)),
        AddAddress(name, "eth0", Address(0, IPv4Address("10.44.0.2"), 24)),
        SetSysctl(netns.name, FORWARD, 1),
        Serve(name, Protocol.UDP, IPv4Address("10.44.0.2"), 53, "dns"),
    )
    applied = build_lab(plan(*changes), lab, directory=tmp_path)
    assert probe(netns.path, "10.44.0.2", 53, "udp").answer.startswith("dns saw 10.44.0.1:")
    aliases = {link["ifname"]: link.get("ifalias", "") for link in netns.ip_json("link show")}
    assert aliases["uplink"].startswith(f"portscope:{lab}:")
    assert aliases["labbr"] == aliases["uplink"]
    assert applied.undo() == ()
    assert state(netns) == before


def test_a_namespace_that_is_there_already_is_refused_and_stays(netns: Netns, lab: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is there already, and is not this lab's"):
        build_lab(plan(CreateNetns(netns.name)), lab, directory=tmp_path)
    assert Path(netns.path).exists()
    assert netns.ip_json("link show d0")


def test_a_strangers_namespace_and_link_under_our_names_are_left_and_named(
    world: World, lab: str, tmp_path: Path
) -> None:
    mine = f"{lab}-a"
    applied = build_lab(plan(CreateNetns(mine)), lab, directory=tmp_path)
    assert applied.undo() == ()
    stranger = world.netns("stranger")
    journal = Journal.create(tmp_path, lab)
    journal.made(journal.will(DropNetns(stranger.name)))
    journal.close()
    (said,) = sweep(directory=tmp_path)
    assert said.startswith(f"namespace {stranger.name} does not carry the mark portscope:{lab}:")
    assert stranger.run("ip", "-br", "link", "show", "lo").startswith("lo")
    assert list(tmp_path.iterdir()) == []


def test_a_lab_that_is_in_use_is_not_taken_down_from_beside_it(lab: str, tmp_path: Path) -> None:
    with build_lab(plan(CreateNetns(f"{lab}-a")), lab, directory=tmp_path):
        assert sweep(directory=tmp_path) == ()
        with pytest.raises(BuildError, match=f"lab {lab} is in use"):
            down(lab, directory=tmp_path)
        assert (NETNS_FOLDER / f"{lab}-a").exists()
    assert down(lab, directory=tmp_path) == ()


def test_a_broken_journal_is_named_and_does_not_stop_the_sweep(lab: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "journal.jsonl").write_text("nonsense\n")
    (tmp_path / lab).mkdir()
    (said,) = sweep(directory=tmp_path)
    assert said.startswith("lab broken: line 1 of the journal is not readable")
    assert not (tmp_path / lab).exists()
