"""Which rules name an address or a device: those of Docker about one container, and by a set."""

from ipaddress import ip_address

from engine.explain.evidence.naming import naming_rules
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Firewall,
    Interval,
    MapElement,
    Match,
    NamedSet,
    Nat,
    NatKind,
    NatValue,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.host import Netns
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP

OURS, OTHER = ip_address("172.19.0.3"), ip_address("172.19.0.4")
DROP = RuleVerdict(VerdictKind.DROP)


def test_the_rules_of_docker_about_a_container() -> None:
    host = open_file(SHOP).host_netns
    found = [ref.text for ref in naming_rules(host, (OURS,), ())]
    assert len(found) == 3
    assert all("172.19.0.3" in text for text in found)
    assert {text.split()[text.split().index("-j") + 1] for text in found} == {"DNAT", "ACCEPT", "MASQUERADE"}


def test_the_rules_about_a_bridge_and_no_other_device() -> None:
    host = open_file(SHOP).host_netns
    found = [ref.text for ref in naming_rules(host, (), ("br-back",))]
    texts = [rule.text for table in host.firewall.tables for chain in table.chains for rule in chain.rules]
    assert found == [text for text in texts if "br-back" in text.split()]
    assert found


def netns(*rules: tuple[object, ...], sets: tuple[NamedSet, ...] = ()) -> Netns:
    made = tuple(Rule(number, statements, f"rule {number}") for number, statements in enumerate(rules))  # type: ignore[arg-type]
    chain = Chain("forward", made, BaseChain("filter", "forward", 0))
    return Netns("host", firewall=Firewall((Table(Backend.NFT, "inet", "t", (chain,), sets),)))


def one(value: int) -> tuple[Interval, ...]:
    return (Interval(value, value),)


def test_networks_other_families_and_other_fields_name_nothing() -> None:
    wide = Match((Field("ip daddr"),), ((Interval(int(OURS) - 3, int(OURS) + 3),),))
    six = Match((Field("ip6 daddr"),), (one(int(OURS)),))
    port = Match((Field("tcp dport"),), (one(int(OURS) & 0xFFFF),))
    assert list(naming_rules(netns((wide, DROP), (six, DROP), (port, DROP)), (OURS,), ("eth0",))) == []


def test_a_set_and_a_map_are_looked_into() -> None:
    banned = NamedSet("banned", ("ipv4_addr",), (one(int(OURS)),))
    doors = NamedSet("doors", ("inet_service",), entries=(MapElement(one(80), NatValue(OURS, OURS)),), is_map=True)
    by_set = Match((Field("ip saddr"),), lookup="banned")
    by_map = Nat(NatKind.DNAT, fields=(Field("tcp dport"),), lookup="doors")
    there = netns((by_set, DROP), (by_map,), (Nat(NatKind.DNAT, NatValue(OTHER, OTHER)),), sets=(banned, doors))
    assert [ref.text for ref in naming_rules(there, (OURS,), ())] == ["rule 0", "rule 1"]
