"""nft rules loaded into a real kernel and read back: they mean what was loaded, and are told in nft's own words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model.firewall import Backend, RuleVerdict, VerdictKind
from tests.harness.needs import require
from tests.harness.netns import CommandFailed, Netns, World
from tests.kernel.firewalls import seen, unmodelled
from tests.observe.firewall.nft_document import HOOKS, RULES
from tests.observe.firewall.shown import shown

require("nft", "ip", "nsenter", root=True)

BASE = """
table inet t {
  set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.5-192.168.1.9 } }
  set tm { type ipv4_addr; flags timeout,dynamic; timeout 1h; }
  set c { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 80 } }
  set ifs { type ifname; flags interval; elements = { "eth0", "veth*" } }
  map vm { type ifname : verdict; elements = { "eth0" : jump ch } }
  map pm { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.2 . 8080 } }
  map am { type ipv4_addr : ipv4_addr; flags interval; elements = { 10.0.0.0/8 : 1.2.3.4 } }
  map mm { type ipv4_addr : mark; elements = { 1.1.1.1 : 0x5 } }
  chain ch {
  }
"""
#: Rules that older kernels or nft versions do not know are left out of the comparison, but never many of them.
MAY_BE_MISSING = 12


@pytest.fixture
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("nft")


def test_every_rule_of_the_collection_is_read_as_it_was_loaded(netns: Netns) -> None:
    chains = (
        f"  chain {name} {{\n    type {kind} hook {hook} priority {priority}\n  }}\n"
        for name, (kind, hook, priority) in HOOKS.items()
    )
    netns.run("nft", "-f", "-", stdin=BASE + "".join(chains) + "}\n")
    loaded = []
    for known in RULES:
        try:
            netns.run("nft", f"add rule inet t {known['chain']} {known['rule']}")
            loaded.append(known)
        except CommandFailed:
            continue
    assert len(loaded) >= len(RULES) - MAY_BE_MISSING
    table = seen(netns).table(Backend.NFT, "inet", "t")
    assert table is not None
    read = {(chain.name, rule.text): shown(rule.statements) for chain in table.chains for rule in chain.rules}
    assert read == {(known["chain"], known["rule"]): known["means"] for known in loaded}


DOCKER = """
table ip docker-bridges {
  map filter-forward-in-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-in__docker0 } }
  map filter-forward-out-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-out__docker0 } }
  map nat-postrouting-in-jumps { type ifname : verdict; elements = { "docker0" : jump nat-postrouting-in__docker0 } }
  map nat-postrouting-out-jumps { type ifname : verdict; elements = { "docker0" : jump nat-postrouting-out__docker0 } }
  chain filter-FORWARD {
    type filter hook forward priority filter; policy accept;
    oifname vmap @filter-forward-in-jumps
    iifname vmap @filter-forward-out-jumps
  }
  chain nat-OUTPUT {
    type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local counter jump nat-prerouting-and-output
  }
  chain nat-POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    iifname vmap @nat-postrouting-out-jumps
    oifname vmap @nat-postrouting-in-jumps
  }
  chain nat-PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local counter jump nat-prerouting-and-output
  }
  chain nat-prerouting-and-output {
    iifname != "docker0" tcp dport 8080 counter dnat to 172.17.0.2:80 comment "DNAT"
  }
  chain raw-PREROUTING {
    type filter hook prerouting priority raw; policy accept;
    ip daddr 172.17.0.2 iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"
  }
  chain filter-forward-in__docker0 {
    ct state established,related counter accept
    iifname "docker0" counter accept comment "ICC"
    ip daddr 172.17.0.2 tcp dport 80 counter accept
    counter drop comment "UNPUBLISHED PORT DROP"
  }
  chain filter-forward-out__docker0 {
    ct state established,related counter accept
    counter accept comment "OUTGOING"
  }
  chain nat-postrouting-in__docker0 {
  }
  chain nat-postrouting-out__docker0 {
    oifname != "docker0" ip saddr 172.17.0.0/16 counter masquerade comment "MASQUERADE"
  }
}
"""


def test_docker_s_own_nft_tables_are_exact(netns: Netns) -> None:
    netns.run("nft", "-f", "-", stdin=DOCKER)
    firewall = seen(netns)
    assert unmodelled(firewall.tables) == set()
    table = firewall.table(Backend.NFT, "ip", "docker-bridges")
    assert table is not None
    rules = {chain.name: [shown(rule.statements) for rule in chain.rules] for chain in table.chains}
    assert rules["filter-FORWARD"] == [
        ["meta oifname vmap @filter-forward-in-jumps"],
        ["meta iifname vmap @filter-forward-out-jumps"],
    ]
    assert rules["nat-prerouting-and-output"] == [
        ["not meta iifname in docker0", "tcp dport in 8080", "dnat 172.17.0.2:80"]
    ]
    jumps = next(named for named in table.sets if named.name == "filter-forward-in-jumps")
    assert [entry.value for entry in jumps.entries] == [RuleVerdict(VerdictKind.JUMP, "filter-forward-in__docker0")]
    direct = table.chain("raw-PREROUTING")
    assert direct is not None
    assert direct.rules[0].comment == "DROP DIRECT ACCESS"
    assert direct.rules[0].text == 'ip daddr 172.17.0.2 iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"'


NETAVARK = """
table inet netavark {
  chain INPUT {
    type filter hook input priority filter; policy accept;
    ip saddr 10.89.0.0/24 meta l4proto { tcp, udp } th dport 53 accept
  }
  chain FORWARD {
    type filter hook forward priority filter; policy accept;
    ct state invalid drop
    jump NETAVARK-ISOLATION-1
    ip daddr 10.89.0.0/24 ct state established,related accept
    ip saddr 10.89.0.0/24 accept
  }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x00002000 == 0x00002000 masquerade
    ip saddr 10.89.0.0/24 jump nv_net
  }
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump NETAVARK-HOSTPORT-DNAT
  }
  chain OUTPUT {
    type nat hook output priority dstnat; policy accept;
    fib daddr type local jump NETAVARK-HOSTPORT-DNAT
  }
  chain NETAVARK-HOSTPORT-DNAT {
    tcp dport 8080 jump nv_net_dnat
  }
  chain NETAVARK-HOSTPORT-SETMARK {
    meta mark set meta mark | 0x00002000
  }
  chain NETAVARK-ISOLATION-1 {
    iifname "podman1" oifname != "podman1" jump NETAVARK-ISOLATION-2
  }
  chain NETAVARK-ISOLATION-2 {
    oifname "podman1" drop
  }
  chain nv_net {
    ip daddr 10.89.0.0/24 accept
    ip daddr != 224.0.0.0/4 masquerade
  }
  chain nv_net_dnat {
    ip saddr 10.89.0.0/24 tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK
    ip saddr 127.0.0.1 tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK
    tcp dport 8080 dnat ip to 10.89.0.2:80
  }
}
"""

FIREWALLD = """
table inet firewalld {
  chain mangle_PREROUTING {
    type filter hook prerouting priority mangle + 10; policy accept;
  }
  chain filter_PREROUTING {
    type filter hook prerouting priority filter + 10; policy accept;
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable
    jump filter_FORWARD_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT_ZONES {
    iifname "eth0" goto filter_IN_public
    goto filter_IN_public
  }
  chain filter_FORWARD_ZONES {
    iifname "eth0" goto filter_FWD_public
  }
  chain filter_IN_public {
    tcp dport 22 accept
    ip6 daddr fe80::/64 udp dport 546 accept
    meta l4proto { icmp, ipv6-icmp } accept
    jump filter_IN_public_log
  }
  chain filter_IN_public_log {
    limit rate 10/minute log prefix "denied: "
  }
  chain filter_FWD_public {
    tcp flags syn / syn,rst tcp option maxseg size set rt mtu
    oifname "docker0" accept
  }
}
"""


def test_netavark_s_nft_table_is_exact(netns: Netns) -> None:
    netns.run("nft", "-f", "-", stdin=NETAVARK)
    assert unmodelled(seen(netns).tables) == set()


def test_of_firewalld_s_rules_only_the_rate_of_its_log_is_unknown(netns: Netns) -> None:
    netns.run("nft", "-f", "-", stdin=FIREWALLD)
    firewall = seen(netns)
    assert unmodelled(firewall.tables) == {"nft limit"}
    priorities = {chain.base.priority for table in firewall.tables for chain in table.chains if chain.base}
    assert priorities == {-140, 10}


def test_ingress_chains_name_the_devices_of_the_kernel(netns: Netns) -> None:
    netns.run(
        "nft",
        "-f",
        "-",
        stdin="table netdev n {\n chain c {\n type filter hook ingress device lo priority 0\n drop\n }\n}\n",
    )
    (table,) = seen(netns).tables
    base = table.chains[0].base
    assert base is not None
    assert (base.hook, base.devices) == ("ingress", ("lo",))


def test_rules_of_several_tables_are_told_in_nft_s_own_words(netns: Netns) -> None:
    for family, name in (("ip", "one"), ("ip6", "two-b"), ("ip", "nat")):
        rules = 'chain c { oifname "eth0" counter accept; tcp dport 80 drop comment "x"; }'
        netns.run("nft", f"table {family} {name} {{ {rules}; }}")
    texts = {(table.name, rule.text) for table in seen(netns).tables for chain in table.chains for rule in chain.rules}
    assert texts == {
        (name, text)
        for name in ("one", "two-b", "nat")
        for text in ('oifname "eth0" counter accept', 'tcp dport 80 drop comment "x"')
    }
