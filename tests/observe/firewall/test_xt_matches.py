"""Every match option of iptables that is modelled, and what it becomes."""

from __future__ import annotations

import pytest

from engine.model.firewall import Backend, Interval, Match, NamedSet, Rule
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.observe.firewall.shown import shown

SETS = (
    NamedSet("addresses", ("ip",)),
    NamedSet("services", ("ip", "proto", "port")),
    NamedSet("ports", ("port",)),
    NamedSet("places", ("net", "iface")),
    NamedSet("strange", ("opaque",)),
)


def rule(words: str, family: str = "ip") -> Rule:
    text = f"*filter\n:INPUT ACCEPT [0:0]\n:USER - [0:0]\n[3:180] -A INPUT {words} -j ACCEPT\nCOMMIT\n"
    (table,) = parse_xt_save(text, Backend.XT_NFT, family, SETS)
    return table.chains[0].rules[0]


def conditions(words: str, family: str = "ip") -> list[str]:
    found = shown(rule(words, family).statements)
    assert found[-1] == "accept"
    return found[:-1]


EXACT = [
    ("-s 10.0.0.0/8", ["ip saddr in 10.0.0.0-10.255.255.255"]),
    ("! -d 1.2.3.4/32", ["not ip daddr in 1.2.3.4"]),
    ("-s 10.0.0.0/255.0.255.0", ["ip saddr&0xff00ff00 in 10.0.0.0"]),
    ("-s 10.1.0.0/255.255.0.0", ["ip saddr in 10.1.0.0-10.1.255.255"]),
    ("-i lo", ["meta iifname in lo"]),
    ("! -i docker0 -o veth+", ["not meta iifname in docker0", "meta oifname in veth*"]),
    ("-p tcp", ["meta l4proto in 6"]),
    ("! -p udp", ["not meta l4proto in 17"]),
    ("-p 47", ["meta l4proto in 47"]),
    ("-p all", []),
    ("-p tcp -m tcp --dport 80", ["meta l4proto in 6", "tcp dport in 80"]),
    (
        "-p tcp -m tcp --sport 1000:2000 ! --dport 80",
        ["meta l4proto in 6", "tcp sport in 1000-2000", "not tcp dport in 80"],
    ),
    ("-p udp -m udp --sport 1024:65535", ["meta l4proto in 17", "udp sport in 1024-65535"]),
    ("-p sctp -m sctp --dport 80", ["meta l4proto in 132", "sctp dport in 80"]),
    ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", ["meta l4proto in 6", "tcp flags&0x17 in 2"]),
    ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", ["meta l4proto in 6", "not tcp flags&0x17 in 2"]),
    ("-p tcp -m tcp --tcp-flags ALL NONE", ["meta l4proto in 6", "tcp flags&0x3f in 0"]),
    ("-p tcp -m tcp --syn", ["meta l4proto in 6", "tcp flags&0x17 in 2"]),
    ("-p icmp -m icmp --icmp-type 8", ["meta l4proto in 1", "icmp type in 8"]),
    ("-p icmp -m icmp --icmp-type echo-request", ["meta l4proto in 1", "icmp type in 8"]),
    ("-p icmp -m icmp --icmp-type 3/1", ["meta l4proto in 1", "icmp type . icmp code in 3/1"]),
    ("-p icmp -m icmp --icmp-type any", ["meta l4proto in 1"]),
    ("-p tcp -m multiport --dports 80,443,1000:2000", ["meta l4proto in 6", "th dport in 80,443,1000-2000"]),
    ("-p tcp -m multiport ! --sports 80,443", ["meta l4proto in 6", "not th sport in 80,443"]),
    ("-p udp -m multiport --ports 53", ["meta l4proto in 17", "th sport . th dport in 53/0-65535,0-65535/53"]),
    ("-m state --state NEW,RELATED", ["ct state in new,related"]),
    ("-m conntrack --ctstate RELATED,ESTABLISHED", ["ct state in related,established"]),
    ("-m conntrack ! --ctstate INVALID,DNAT", ["not ct state in invalid,dnat"]),
    ("-m conntrack --ctstatus ASSURED,SEEN_REPLY", ["ct status in assured,seen-reply"]),
    ("-m conntrack --ctdir ORIGINAL", ["ct direction in original"]),
    ("-m conntrack --ctproto 6 --ctorigdst 1.2.3.4", ["ct protocol in 6", "ct original ip daddr in 1.2.3.4"]),
    ("-m conntrack ! --ctorigsrc 10.0.0.0/8", ["not ct original ip saddr in 10.0.0.0-10.255.255.255"]),
    ("-m conntrack --ctorigdstport 80:90", ["ct original proto-dst in 80-90"]),
    ("-m conntrack --ctreplsrc 1.1.1.1", ["ct reply ip saddr in 1.1.1.1"]),
    ("-m addrtype --dst-type LOCAL", ["fib daddr type in local"]),
    ("-m addrtype ! --src-type LOCAL,BROADCAST", ["not fib saddr type in local,broadcast"]),
    ("-m addrtype --dst-type LOCAL --limit-iface-in", ["fib daddr . iif type in local"]),
    ("-m addrtype --dst-type LOCAL --limit-iface-out", ["fib daddr . oif type in local"]),
    ("-m mark --mark 0x1", ["meta mark in 1"]),
    ("-m mark ! --mark 0x1/0xff", ["not meta mark&0xff in 1"]),
    ("-m connmark --mark 0x2/0xf", ["ct mark&0xf in 2"]),
    ("-m iprange --src-range 1.1.1.1-1.1.1.9", ["ip saddr in 1.1.1.1-1.1.1.9"]),
    ("-m mac --mac-source 00:00:00:00:01:02", ["ether saddr in 258"]),
    ("-m physdev --physdev-in eth+", ["physdev in in eth*"]),
    ("-m physdev ! --physdev-out eth0", ["not physdev out in eth0"]),
    ("-m physdev --physdev-is-bridged", ["not physdev out in "]),
    ("-m physdev ! --physdev-is-in", ["physdev in in "]),
    ("-m owner --uid-owner 1000", ["meta skuid in 1000"]),
    ("-m owner ! --uid-owner 1000-1010", ["not owner uid in 1000-1010"]),
    ("-m devgroup --src-group 0x7", ["meta iifgroup in 7"]),
    ("-m devgroup ! --dst-group 0x1/0xff", ["not meta oifgroup&0xff in 1"]),
    ("-m devgroup --src-group default", ["meta iifgroup in 0"]),
    ("-m helper ! --helper ftp", ["not ct helper or none in ftp"]),
    ("-p tcp -m tcpmss ! --mss 536:65535", ["meta l4proto in 6", "not tcp option maxseg size or none in 536-65535"]),
    ("-m dscp ! --dscp 0x2e", ["not ip dscp in 46"]),
    ("-m tos --tos 0x10/0x3f", ["ip tos&0x3f in 16"]),
    (
        "-m connbytes ! --connbytes 1000:2000 --connbytes-mode avgpkt --connbytes-dir reply",
        ["not ct reply avgpkt in 1000-2000"],
    ),
    ("-m connbytes --connbytes 9 --connbytes-mode packets --connbytes-dir both", ["ct packets in 9-"]),
    ("-p tcp -m socket --nowildcard", ["meta l4proto in 6", "socket or wildcard in exists"]),
    ("-m socket --transparent", ["socket in exists", "socket transparent in 1"]),
    ("-m ecn --ecn-ip-ect 1", ["ip ecn in 1"]),
    ("-p tcp -m ecn ! --ecn-tcp-cwr", ["meta l4proto in 6", "not tcp flags&0x80 in 128"]),
    ("-p tcp -m tcp ! --tcp-option 2", ["meta l4proto in 6", "not tcp option maxseg in exists"]),
    ("-m time --timestart 10:00:00 --timestop 12:00:00", ["clock second in 36000-43200"]),
    (
        "-m time --timestart 22:00:00 --timestop 02:00:00 --weekdays Mon,Sun ! --monthdays 1,31",
        ["clock second in 79200-,0-7200", "clock weekday in 1,7", "not clock day in 1,31"],
    ),
    ("-m time --datestart 2030-01-01T00:00:00 --datestop 2038-01-19T03:14:07", ["clock in 1893456000-2147483647"]),
    (
        "-m time --timestart 10:00:00 --timestop 12:00:00 --datestop 2038-01-19T03:14:07 --kerneltz",
        ["zoned in 0-2147483647", "zoned second in 36000-43200"],
    ),
    (
        "-m time --timestart 22:00:00 --timestop 02:00:00 ! --weekdays Mon,Tue,Wed,Thu,Fri --contiguous",
        ["clock second . clock weekday in 79200-/6,0-7200/7,79200-/7,0-7200/1"],
    ),
    ("-m pkttype --pkt-type broadcast", ["meta pkttype in broadcast"]),
    ("-m length --length 100:200", ["meta length in 100-200"]),
    ("-m ttl --ttl-eq 1", ["ip ttl in 1"]),
    ("-m ttl --ttl-lt 5", ["ip ttl in 0-4"]),
    ("-m ttl --ttl-gt 5", ["ip ttl in 6-"]),
    ("-m rpfilter", ["fib saddr . iif oif in exists"]),
    ("-m rpfilter --loose --validmark --invert", ["fib saddr . mark oif in missing"]),
    ("-m rpfilter --accept-local", ["fib saddr . iif oif or local in exists"]),
    ("-m owner --socket-exists", ["owner socket in exists"]),
    ("-m policy --dir in --pol none", ["ipsec in in missing"]),
    ("-m policy --dir out --pol ipsec --reqid 3", ["ipsec out in exists", "unknown xt policy"]),
    ("-m realm ! --realm 0x5/0xff", ["not rt classid&0xff in 5"]),
    ("-m connlabel --label 3", ["ct label&0x8 in 8"]),
    ("-m connlabel ! --label 3", ["not ct label or none&0x8 in 8"]),
    ("-m set --match-set addresses src", ["ip saddr in @addresses"]),
    ("-m set ! --match-set services dst,dst", ["not ip daddr . meta l4proto . th dport in @services"]),
    ("-m set --match-set ports src", ["th sport in @ports"]),
    ("-m set --match-set places src,dst", ["ip saddr . meta oifname in @places"]),
    (
        "-m addrtype --src-type LOCAL -m addrtype --dst-type LOCAL",
        ["fib saddr type in local", "fib daddr type in local"],
    ),
]


@pytest.mark.parametrize(("words", "expected"), EXACT, ids=[words for words, _ in EXACT])
def test_an_exact_match_becomes_fields_and_values(words: str, expected: list[str]) -> None:
    assert conditions(words) == expected


EXACT6 = [
    ("-s fe80::/10", ["ip6 saddr in fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type 135", ["meta l4proto in 58", "icmpv6 type in 135"]),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type neighbour-solicitation", ["meta l4proto in 58", "icmpv6 type in 135"]),
    ("-m hl --hl-eq 255", ["ip6 hoplimit in 255"]),
    ("-m addrtype --dst-type LOCAL", ["fib daddr type in local"]),
    ("-m addrtype --dst-type UNICAST", ["not ip6 daddr in ::,::ffff:0:0-::ffff:ffff:ffff,ff00::-"]),
    ("-m addrtype ! --dst-type UNICAST,LOCAL", ["unknown xt addrtype"]),
    ("-m addrtype --dst-type UNREACHABLE --limit-iface-in", ["unknown xt addrtype"]),
    ("-m addrtype --src-type MULTICAST,ANYCAST", ["ip6 saddr in ff00::-", "fib saddr type in anycast"]),
    ("-m addrtype ! --dst-type UNREACHABLE", ["not fib daddr type in unreachable,blackhole,prohibit"]),
    ("-m conntrack --ctorigdst fd00::1/128", ["ct original ip6 daddr in fd00::1"]),
]


@pytest.mark.parametrize(("words", "expected"), EXACT6, ids=[words for words, _ in EXACT6])
def test_ip6tables_has_the_same_matches_on_its_own_fields(words: str, expected: list[str]) -> None:
    assert conditions(words, "ip6") == expected


UNKNOWN = [
    ("-m limit --limit 5/min --limit-burst 10", "limit"),
    ("-m recent --update --seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource", "recent"),
    ("-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr", "connlimit"),
    ("-m hashlimit --hashlimit-above 5/sec --hashlimit-burst 5 --hashlimit-name foo", "hashlimit"),
    ("-m time --timestart 22:00:00 --timestop 02:00:00 --monthdays 1 --contiguous", "time"),
    ('-m string --string "foo bar" --algo bm', "string"),
    ("-m statistic --mode random --probability 0.50000000000", "statistic"),
    ('-m u32 --u32 "0x0&0xffff=0x100:0xffff"', "u32"),
    ('-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"', "bpf"),
    ("-m socket --transparent --restore-skmark", "socket"),
    ("-m connlabel ! --label 3 --set", "connlabel"),
    ("-m set --match-set strange src", "set"),
    ("-m set --match-set absent src", "set"),
    ("-m set --match-set services src", "set"),
    ("-m set --match-set addresses src --packets-gt 5", "set"),
    ("-m something --of-tomorrow", "something"),
]


@pytest.mark.parametrize(("words", "module"), UNKNOWN, ids=[words for words, _ in UNKNOWN])
def test_a_match_without_exact_meaning_is_unknown_and_keeps_its_text(words: str, module: str) -> None:
    (found, _) = rule(words).statements
    assert isinstance(found, Match)
    assert [field.name for field in found.fields] == [f"xt {module}"]
    assert words.rpartition(" ")[2].strip('"').split()[-1] in found.text


def test_an_unknown_option_of_a_known_module_stays_beside_the_exact_ones() -> None:
    assert conditions("-p tcp -m tcp --dport 80 --tcp-option 77") == [
        "meta l4proto in 6",
        "tcp dport in 80",
        "unknown xt tcp",
    ]


def test_the_fragment_flag_asks_for_a_later_fragment() -> None:
    assert conditions("-f") == ["ip fragment in later"]


def test_a_comment_is_no_condition_and_keeps_blanks_and_escapes() -> None:
    found = rule(r'-p tcp -m comment --comment "a b \"q\" \'x\'" -m tcp --dport 22')
    assert found.comment == "a b \"q\" 'x'"
    assert shown(found.statements) == ["meta l4proto in 6", "tcp dport in 22", "accept"]


def test_a_comment_that_looks_like_an_option_is_still_a_comment() -> None:
    assert rule("-m comment --comment -j").comment == "-j"
    assert rule('-m comment --comment "!"').comment == "!"


def test_a_rule_keeps_its_line_without_the_counters_and_the_counts_apart() -> None:
    found = rule("-s 10.0.0.0/8")
    assert found.text == "-A INPUT -s 10.0.0.0/8 -j ACCEPT"
    assert (found.packets, found.bytes, found.index) == (3, 180, 0)


def test_a_match_says_what_it_is_in_the_words_of_its_tool() -> None:
    found = [part.text for part in rule("! -i lo -p tcp -m tcp ! --dport 80").statements if isinstance(part, Match)]
    assert found == ["! -i lo", "-p tcp", "! --dport 80"]


@pytest.mark.parametrize("words", ["-s nowhere", "-p", "-m tcp --dport http:", "stray", "-d 1.2.3.4/33", "--dport 9:1"])
def test_a_rule_that_cannot_be_understood_stays_in_its_place_as_text(words: str) -> None:
    found = rule(words)
    if words == "--dport 9:1":
        assert shown(found.statements)[0] == "unknown xt option"
    else:
        assert shown(found.statements) == [f"opaque -A INPUT {words} -j ACCEPT"]


def test_intervals_of_ports_are_inclusive() -> None:
    (_, found, _) = rule("-p tcp -m tcp --dport 80:90").statements
    assert isinstance(found, Match)
    assert found.elements == ((Interval(80, 90),),)
