"""iptables rules of both backends loaded into a real kernel and read back, side by side with native nft."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model.firewall import Backend, NamedSet, Table
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.kernel.firewalls import look, seen
from tests.observe.firewall.shown import shown

require("nft", "iptables-nft", "iptables-legacy", "ip6tables-nft", "ipset", "ip", "nsenter", root=True)

TOOLS = {Backend.XT_NFT: "nft", Backend.XT_LEGACY: "legacy"}

RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:USER - [0:0]
-A INPUT -p tcp -m comment --comment "a b \\"q\\"" -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 3/1 -j ACCEPT
-A INPUT -p tcp -m multiport ! --dports 80,443,1000:2000 -j USER
-A INPUT -m conntrack --ctstate NEW,DNAT -j ACCEPT
-A INPUT -m addrtype ! --src-type LOCAL --limit-iface-in -j DROP
-A INPUT -m mark --mark 0x1/0xff -j ACCEPT
-A INPUT -m iprange --src-range 1.1.1.1-1.1.1.9 -j ACCEPT
-A INPUT -m limit --limit 5/min -j LOG --log-prefix "[UFW BLOCK] "
-A INPUT -s 10.0.0.0/8 ! -d 1.2.3.4/32 ! -i veth+ -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -m physdev --physdev-is-bridged -g USER
-A USER -m mac --mac-source 00:00:00:00:00:05 -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4-1.2.3.9:80-90 --random
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
*mangle
:OUTPUT ACCEPT [0:0]
-A OUTPUT -j MARK --set-xmark 0x5/0xf
-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -j CT --notrack
COMMIT
"""

MEANS = {
    ("filter", "INPUT"): [
        ["meta l4proto in 6", "tcp dport in 22", "tcp flags&0x17 in 2", "accept"],
        ["meta l4proto in 1", "icmp type . icmp code in 3/1", "accept"],
        ["meta l4proto in 6", "not th dport in 80,443,1000-2000", "jump USER"],
        ["ct state in new,dnat", "accept"],
        ["not fib saddr . iif type in local", "drop"],
        ["meta mark&0xff in 1", "accept"],
        ["ip saddr in 1.1.1.1-1.1.1.9", "accept"],
        ["unknown xt limit", 'note -j LOG --log-prefix "[UFW BLOCK] "'],
        [
            "ip saddr in 10.0.0.0-10.255.255.255",
            "not ip daddr in 1.2.3.4",
            "not meta iifname in veth*",
            "reject host-prohibited",
        ],
    ],
    ("filter", "FORWARD"): [["not physdev out in ", "goto USER"]],
    ("filter", "USER"): [["ether saddr in 5", "return"]],
    ("nat", "PREROUTING"): [["meta l4proto in 6", "tcp dport in 80", "dnat 1.2.3.4-1.2.3.9:80-90 random"]],
    ("nat", "POSTROUTING"): [["ip saddr in 172.17.0.0-172.17.255.255", "not meta oifname in docker0", "masquerade"]],
    ("mangle", "OUTPUT"): [["mark = mark&0xfffffff0 ^ 0x5"], ["mark = mark&0xffffff00 ^ ct mark&0xff"]],
    ("raw", "PREROUTING"): [["notrack"]],
}


@pytest.fixture
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("xt")


def meaning(tables: tuple[Table, ...], backend: Backend) -> dict[tuple[str, str], list[list[str]]]:
    return {
        (table.name, chain.name): [shown(rule.statements) for rule in chain.rules]
        for table in tables
        if table.backend is backend
        for chain in table.chains
        if chain.rules
    }


@pytest.mark.parametrize("backend", TOOLS)
def test_rules_are_read_as_they_were_loaded(netns: Netns, backend: Backend) -> None:
    netns.run(f"iptables-{TOOLS[backend]}-restore", stdin=RULES)
    assert meaning(seen(netns).tables, backend) == MEANS


@pytest.mark.parametrize("backend", TOOLS)
def test_base_chains_are_where_the_kernel_has_them(netns: Netns, backend: Backend) -> None:
    netns.run(f"iptables-{TOOLS[backend]}-restore", stdin=RULES)
    bases = {
        (table.name, chain.name): (chain.base.kind, chain.base.hook, chain.base.priority, str(chain.base.policy))
        for table in seen(netns).tables
        for chain in table.chains
        if chain.base
    }
    assert bases["filter", "FORWARD"] == ("filter", "forward", 0, "drop")
    assert bases["nat", "PREROUTING"] == ("nat", "prerouting", -100, "accept")
    assert bases["mangle", "OUTPUT"] == ("route", "output", -150, "accept")
    assert bases["raw", "PREROUTING"] == ("filter", "prerouting", -300, "accept")


def test_all_backends_are_seen_together_each_under_its_name(netns: Netns) -> None:
    for tool in ("iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"):
        netns.run(tool, "-A", "FORWARD", "-p", "tcp", "-j", "DROP")
    netns.run("nft", "table inet mine { chain f { type filter hook forward priority 0; tcp dport 5 accept; }; }")
    found = {(table.backend, table.family, table.name) for table in seen(netns).tables}
    assert found == {
        (Backend.XT_NFT, "ip", "filter"),
        (Backend.XT_NFT, "ip6", "filter"),
        (Backend.XT_LEGACY, "ip", "filter"),
        (Backend.XT_LEGACY, "ip6", "filter"),
        (Backend.NFT, "inet", "mine"),
    }


def test_rules_of_iptables_nft_have_the_handles_that_nft_deletes_them_by(netns: Netns) -> None:
    for port in ("1", "2", "3"):
        netns.run("iptables-nft", "-I", "FORWARD", "-p", "tcp", "--dport", port, "-j", "DROP")
    (table,) = seen(netns).tables
    forward = table.chain("FORWARD")
    assert forward is not None
    netns.run("nft", f"delete rule ip filter FORWARD handle {forward.rules[1].handle}")
    (table,) = seen(netns).tables
    forward = table.chain("FORWARD")
    assert forward is not None
    assert [rule.text.split()[7] for rule in forward.rules] == ["3", "1"]


NATIVE = """
table ip filter {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport { 22, 80 } drop
  }
}
table ip6 filter {
  chain INPUT {
    type filter hook input priority 0; policy drop;
    tcp dport vmap { 80 : accept }
  }
}
table ip nat {
  chain PREROUTING {
    type nat hook prerouting priority -100;
    tcp dport 80 dnat to 10.0.0.1:80
  }
}
"""


def test_native_tables_with_iptables_names_are_not_lost(netns: Netns) -> None:
    netns.run("nft", "-f", "-", stdin=NATIVE)
    tables = seen(netns).tables
    assert {table.backend for table in tables} == {Backend.NFT}
    found = meaning(tables, Backend.NFT)
    assert found["filter", "input"] == [["tcp dport in 22,80", "drop"]]
    assert found["filter", "INPUT"] == [["tcp dport vmap {80: accept}"]]
    assert found["nat", "PREROUTING"] == [["tcp dport in 80", "dnat 10.0.0.1:80"]]
    texts = {rule.text for table in tables for chain in table.chains for rule in chain.rules}
    assert {"tcp dport { 22, 80 } drop", "tcp dport 80 dnat to 10.0.0.1:80"} <= texts


def test_an_ipset_is_read_when_a_rule_looks_it_up(netns: Netns) -> None:
    netns.run("ipset", "create", "web", "hash:ip,port")
    netns.run("ipset", "add", "web", "0.0.0.9,80")
    assert seen(netns).ipsets == ()
    netns.run("iptables-nft", "-A", "INPUT", "-m", "set", "--match-set", "web", "dst,dst", "-j", "DROP")
    firewall = seen(netns)
    assert [named.fields for named in firewall.ipsets] == [("ip", "proto", "port")]
    assert isinstance(firewall.ipsets[0], NamedSet)
    assert meaning(firewall.tables, Backend.XT_NFT)["filter", "INPUT"] == [
        ["ip daddr . meta l4proto . th dport in @web", "drop"]
    ]


def test_looking_changes_no_table_of_any_backend(netns: Netns) -> None:
    def state() -> tuple[str, ...]:
        names = [netns.run("cat", f"/proc/thread-self/net/{name}") for name in ("ip_tables_names", "ip6_tables_names")]
        return netns.run("nft", "-s", "list", "ruleset"), netns.run("nft", "-j", "list", "tables"), *names

    untouched = state()
    look(netns)
    assert state() == untouched
    netns.run("iptables-nft", "-A", "FORWARD", "-j", "ACCEPT")
    netns.run("iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-j", "ACCEPT")
    loaded = state()
    look(netns)
    assert state() == loaded


def test_an_empty_namespace_has_an_empty_firewall_and_starts_no_tool(
    netns: Netns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.observe.firewall.tools.run", lambda commands: pytest.fail(f"started {commands}"))
    firewall, gaps = look(netns)
    assert (firewall.tables, firewall.ipsets, gaps) == ((), (), ())
