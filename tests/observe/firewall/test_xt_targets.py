"""Every target of iptables, and what it becomes."""

from __future__ import annotations

import pytest

from engine.model.firewall import Backend
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.observe.firewall.shown import shown

TARGETS = [
    ("-j ACCEPT", ["accept"]),
    ("-j DROP", ["drop"]),
    ("-j RETURN", ["return"]),
    ("", []),
    ("-j USER", ["jump USER"]),
    ("-g USER", ["goto USER"]),
    ("-j REJECT", ["reject port-unreachable"]),
    ("-j REJECT --reject-with icmp-net-unreachable", ["reject net-unreachable"]),
    ("-j REJECT --reject-with icmp-host-unreachable", ["reject host-unreachable"]),
    ("-j REJECT --reject-with icmp-proto-unreachable", ["reject proto-unreachable"]),
    ("-j REJECT --reject-with icmp-net-prohibited", ["reject net-prohibited"]),
    ("-j REJECT --reject-with icmp-host-prohibited", ["reject host-prohibited"]),
    ("-j REJECT --reject-with icmp-admin-prohibited", ["reject admin-prohibited"]),
    ("-j REJECT --reject-with tcp-reset", ["reject tcp-reset"]),
    ("-j REJECT --reject-with icmp6-no-route", ["reject net-unreachable"]),
    ("-j REJECT --reject-with icmp6-adm-prohibited", ["reject admin-prohibited"]),
    ("-j REJECT --reject-with icmp6-addr-unreachable", ["reject host-unreachable"]),
    ("-j REJECT --reject-with icmp6-port-unreachable", ["reject port-unreachable"]),
    ("-j DNAT --to-destination 172.17.0.2:80", ["dnat 172.17.0.2:80"]),
    ("-j DNAT --to-destination 1.2.3.4", ["dnat 1.2.3.4"]),
    ("-j DNAT --to-destination :8080", ["dnat :8080"]),
    ("-j DNAT --to-destination 1.2.3.4-1.2.3.9:80-90 --random --persistent",
     ["dnat 1.2.3.4-1.2.3.9:80-90 persistent,random"]),
    ("-j DNAT --to-destination [fd00::1]:80", ["dnat fd00::1:80"]),
    ("-j DNAT --to-destination fd00::1", ["dnat fd00::1"]),
    ("-j DNAT --to-destination 1.2.3.4:1000-2000/1500", ["opaque -j DNAT --to-destination 1.2.3.4:1000-2000/1500"]),
    ("-j SNAT --to-source 1.2.3.4-1.2.3.5", ["snat 1.2.3.4-1.2.3.5"]),
    ("-j MASQUERADE", ["masquerade"]),
    ("-j MASQUERADE --to-ports 1024-65535 --random-fully", ["masquerade :1024-65535 fully-random"]),
    ("-j REDIRECT", ["redirect"]),
    ("-j REDIRECT --to-ports 8080", ["redirect :8080"]),
    ("-j NETMAP --to 10.1.0.0/24", ["netmap 10.1.0.0-10.1.0.255"]),
    ("-j MARK --set-mark 0x1", ["mark = mark&0x0 ^ 0x1"]),
    ("-j MARK --set-mark 0x1/0xf0", ["mark = mark&0xffffff0e ^ 0x1"]),
    ("-j MARK --set-xmark 0x5/0xf", ["mark = mark&0xfffffff0 ^ 0x5"]),
    ("-j MARK --and-mark 0xf", ["mark = mark&0xf ^ 0x0"]),
    ("-j MARK --or-mark 0x4", ["mark = mark&0xfffffffb ^ 0x4"]),
    ("-j MARK --xor-mark 0x4", ["mark = mark&0xffffffff ^ 0x4"]),
    ("-j CONNMARK --set-xmark 0x1/0xf", ["ct mark = ct mark&0xfffffff0 ^ 0x1"]),
    ("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff", ["ct mark = ct mark&0x0 ^ mark&0xffffffff"]),
    ("-j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf", ["mark = mark&0xffffff0f ^ ct mark&0xf"]),
    ("-j CONNMARK --restore-mark --mask 0xff", ["mark = mark&0xffffff00 ^ ct mark&0xff"]),
    ("-j CT --notrack", ["notrack"]),
    ("-j NOTRACK", ["notrack"]),
    ("-j CT --zone 5", ["zone 5 original reply"]),
    ("-j CT --helper ftp", ["note -j CT --helper ftp"]),
    ('-j LOG --log-prefix "[UFW BLOCK] "', ['note -j LOG --log-prefix "[UFW BLOCK] "']),
    ("-j NFLOG --nflog-group 5", ["note -j NFLOG --nflog-group 5"]),
    ("-j CHECKSUM --checksum-fill", ["note -j CHECKSUM --checksum-fill"]),
    ("-j TCPMSS --clamp-mss-to-pmtu", ["mss of the path"]),
    ("-j DSCP --set-dscp 0x2e", ["tos = tos&0x3 ^ 184"]),
    ("-j TOS --set-tos 0x10/0x10", ["tos = tos&0xef ^ 16"]),
    ("-j TCPMSS --set-mss 500", ["mss 500"]),
    ("-j SET --add-set seen src --exist", ["note -j SET --add-set seen src --exist"]),
    ("-j NFQUEUE --queue-num 3", ["queue 3-3"]),
    ("-j NFQUEUE --queue-balance 0:3 --queue-bypass", ["queue 0-3 bypass"]),
    ("-j TPROXY --on-port 80 --tproxy-mark 0x1/0x1", ["tproxy here:80 mark&0xfffffffe^0x1"]),
    ("-j TTL --ttl-set 5", ["ttl 5"]),
    ("-j TTL --ttl-dec 1", ["ttl -1"]),
    ("-j HL --hl-inc 2", ["ttl +2"]),
    ("-j NOSUCH", ["opaque -j NOSUCH"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), TARGETS, ids=[words or "no target" for words, _ in TARGETS])
def test_a_target_becomes_statements(words: str, expected: list[str]) -> None:
    text = f"*nat\n:PREROUTING ACCEPT [0:0]\n:USER - [0:0]\n-A PREROUTING {words}\nCOMMIT\n"
    (table,) = parse_xt_save(text, Backend.XT_LEGACY, "ip")
    assert shown(table.chains[0].rules[0].statements) == expected


def test_a_chain_with_the_name_of_a_target_is_a_chain() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n:LOG - [0:0]\n-A INPUT -j LOG\nCOMMIT\n"
    (table,) = parse_xt_save(text, Backend.XT_LEGACY, "ip")
    assert shown(table.chains[0].rules[0].statements) == ["jump LOG"]
