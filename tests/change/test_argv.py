"""Every change as command lines: exact words, for a looked-at host and for named namespaces."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest

from engine.change.address import AddAddress, DeleteAddress
from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.batch import Batch
from engine.change.chain_policy import SetPolicy
from engine.change.conntrack import DeleteFlow
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.fdb import AddForwarding, DeleteForwarding
from engine.change.link import DeleteBridge, DeleteLink, SetArp, SetLink
from engine.change.listener import Listen, StopListening
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth, DeleteNetns
from engine.change.namespace_file import WriteNetnsFile
from engine.change.neighbour import DeleteNeighbour
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.port import ForwardOnPort, SetPort, SetSpanningTree
from engine.change.program import AnswerNames, Command, RelayPort, Serve, Shape, SocketManner, Start
from engine.change.restore import NFT, Restore
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.ruleset import LoadRules
from engine.change.set_element import AddElement, DeleteElement
from engine.change.sysctl import SetSysctl, SetSysctls
from engine.change.words import rule_spec, sysctl_path
from engine.model.address import Family
from engine.model.application.lab_resolver import NameDoor
from engine.model.application.naming import NameRecord, Zone
from engine.model.application.proxy import ConfigPlace, ProxyKind
from engine.model.firewall import Backend, Chain, Firewall, Interval, Rule, Table, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.route import NextHop, PolicyRule, Route
from engine.model.traffic import ConntrackEntry, Listener, Tuple4
from engine.model.where import RulePlace, Where, named, seen
from tests.harness.changes import KINDS

DROP = Rule(0, (), "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP")
NFT_RULES = (Rule(0, (), "accept", handle=5), Rule(1, (), "tcp dport 80 drop", handle=9))
NFT_TABLE = Table(Backend.NFT, "inet", "fw", (Chain("forward", NFT_RULES),))
HOST = Netns("host", links=(Link(2, "docker0"),), firewall=Firewall((NFT_TABLE,)))
WEB = Netns("web", path="/proc/812/ns/net", links=(Link(7, "eth0"),))
LAN = Netns("lan", path="/run/netns/lan")
SEEN = seen(Snapshot("host", (HOST, WEB, LAN, Netns("root", pids=(1, 9)), Netns("sealed"))))
NAMED = named()
IN_LAN = ("nsenter", "--net=/run/netns/lan")
V4, V6 = (IPv4Address("10.0.0.9"), IPv4Address("10.0.0.1")), (IPv6Address("fd00::9"), IPv6Address("fd00::1"))
STALE = ConntrackEntry(Protocol.UDP, Tuple4(*V4, 40, 53), Tuple4(V4[1], V4[0], 5353, 40), frozenset({"dnat"}))
PING = ConntrackEntry(Protocol.ICMPV6, Tuple4(*V6, None, None), Tuple4(V6[1], V6[0], None, None), zone=7)


def place(backend: Backend, index: int = 0, netns: str = "host", family: str = "ip") -> RulePlace:
    return RulePlace(netns, backend, family, "filter", "DOCKER-USER", index)


def nft_place(index: int) -> RulePlace:
    return RulePlace("host", Backend.NFT, "inet", "fw", "forward", index)


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


XT_NFT, XT_LEGACY = Backend.XT_NFT, Backend.XT_LEGACY
ACCEPT = words("-p tcp --dport 80 -j ACCEPT")
DEFAULT = ip_network("0.0.0.0/0")

CASES: list[tuple[Change, Where, list[str]]] = [
    (SetSysctl("host", "net.ipv4.ip_forward", 1), SEEN, ["sysctl -w net.ipv4.ip_forward=1"]),
    (
        SetSysctl("web", "net.ipv4.conf.eth0.100.rp_filter", 2),
        SEEN,
        ["nsenter --net=/proc/812/ns/net sysctl -w net/ipv4/conf/eth0.100/rp_filter=2"],
    ),
    (
        InsertRule(place(XT_NFT), DROP, ACCEPT),
        SEEN,
        ["iptables-nft -t filter -I DOCKER-USER 1 -p tcp --dport 80 -j ACCEPT"],
    ),
    (
        InsertRule(place(XT_LEGACY, 2), DROP, ACCEPT),
        SEEN,
        ["iptables-legacy -w -t filter -I DOCKER-USER 3 -p tcp --dport 80 -j ACCEPT"],
    ),
    (
        ReplaceRule(place(XT_NFT, 1, family="ip6"), DROP, ACCEPT),
        SEEN,
        ["ip6tables-nft -t filter -R DOCKER-USER 2 -p tcp --dport 80 -j ACCEPT"],
    ),
    (
        DeleteRule(place(XT_NFT, 3, "lan"), DROP),
        SEEN,
        ["nsenter --net=/run/netns/lan iptables-nft -t filter -D DOCKER-USER -p tcp -m tcp --dport 80 -j DROP"],
    ),
    (InsertRule(nft_place(0), DROP, ("accept",)), SEEN, ["nft insert rule inet fw forward accept"]),
    (InsertRule(nft_place(1), DROP, ("accept",)), SEEN, ["nft insert rule inet fw forward handle 9 accept"]),
    (InsertRule(nft_place(2), DROP, ("accept",)), SEEN, ["nft add rule inet fw forward accept"]),
    (
        InsertRule(nft_place(1), DROP, ("accept",)),
        NAMED,
        ["nsenter --net=/run/netns/host nft insert rule inet fw forward index 1 accept"],
    ),
    (ReplaceRule(nft_place(1), NFT_RULES[1], ("accept",)), SEEN, ["nft replace rule inet fw forward handle 9 accept"]),
    (ReplaceRule(nft_place(1), DROP, ("accept",)), SEEN, ["nft replace rule inet fw forward handle 9 accept"]),
    (DeleteRule(nft_place(1), NFT_RULES[1]), SEEN, ["nft delete rule inet fw forward handle 9"]),
    (
        AddRoute("web", Route(DEFAULT, nexthops=(NextHop(7, IPv4Address("172.17.0.1")),))),
        SEEN,
        ["nsenter --net=/proc/812/ns/net ip route add default via 172.17.0.1 dev eth0"],
    ),
    (
        DeleteRoute("host", Route(IPv4Network("10.9.0.0/16"), table=100, kind="blackhole", metric=20, mtu=1400)),
        SEEN,
        ["ip route del blackhole 10.9.0.0/16 table 100 metric 20"],
    ),
    (
        DeleteRoute("host", Route(IPv4Network("10.9.0.0/16"), metric=5, nexthops=(NextHop(2),), nexthop=10)),
        SEEN,
        ["ip route del 10.9.0.0/16 nhid 10 metric 5"],
    ),
    (
        DeleteRoute("host", Route(IPv4Network("10.9.0.0/16"), kind="blackhole", nexthop=5)),
        SEEN,
        ["ip route del 10.9.0.0/16 nhid 5"],
    ),
    (
        DeleteRoute("host", Route(IPv6Network("fd09::/64"), kind="blackhole", nexthop=6)),
        SEEN,
        ["ip -6 route del blackhole fd09::/64 nhid 6"],
    ),
    (
        AddRoute("host", Route(IPv6Network("fd00::/64"), metric=1024, protocol="static", nexthops=(NextHop(2),))),
        SEEN,
        ["ip -6 route add fd00::/64 dev docker0 proto static metric 1024"],
    ),
    (
        AddRoute(
            "host",
            Route(
                DEFAULT, nexthops=(NextHop(2, IPv4Address("10.0.0.1")), NextHop(2, IPv4Address("10.0.0.2"), weight=3))
            ),
        ),
        SEEN,
        ["ip route add default nexthop via 10.0.0.1 dev docker0 weight 1 nexthop via 10.0.0.2 dev docker0 weight 3"],
    ),
    (
        AddAddress("lan", "eth0", Address(0, IPv4Address("10.77.0.2"), 24, broadcast=IPv4Address("10.77.0.255"))),
        NAMED,
        ["nsenter --net=/run/netns/lan ip addr add 10.77.0.2/24 broadcast 10.77.0.255 dev eth0"],
    ),
    (
        AddAddress("host", "docker0", Address(2, IPv6Address("fd00::1"), 64, flags=frozenset({"nodad", "permanent"}))),
        SEEN,
        ["ip addr add fd00::1/64 nodad dev docker0"],
    ),
    (
        DeleteAddress("lan", "eth0", Address(2, IPv4Address("10.77.0.2"), 24)),
        NAMED,
        ["nsenter --net=/run/netns/lan ip addr del 10.77.0.2/24 dev eth0"],
    ),
    (
        DeletePolicyRule(
            "lan", PolicyRule(Family.INET, 100, text="100: not from 10.0.0.0/8 iif x [detached] lookup 7")
        ),
        NAMED,
        ["nsenter --net=/run/netns/lan ip rule del pref 100 not from 10.0.0.0/8 iif x lookup 7"],
    ),
    (
        DeletePolicyRule("host", PolicyRule(Family.INET6, 1000, text="1000: from all lookup [l3mdev-table]")),
        SEEN,
        ["ip -6 rule del pref 1000 from all l3mdev"],
    ),
    (
        AddPolicyRule("host", PolicyRule(Family.INET, 5200, text="5200:\tfrom all to 172.17.0.0/16 lookup main")),
        SEEN,
        ["ip rule add pref 5200 from all to 172.17.0.0/16 lookup main"],
    ),
    (SetPort("host", "veth1", "hairpin", 1), SEEN, ["bridge link set dev veth1 hairpin on"]),
    (DeleteBridge("host", "docker0"), SEEN, ["ip link del docker0"]),
    (ForwardOnPort("host", "veth1"), SEEN, ["bridge link set dev veth1 state forwarding"]),
    (SetSpanningTree("host", "docker0", False), SEEN, ["ip link set docker0 type bridge stp_state 0"]),
    (
        SetPolicy(place(Backend.XT_LEGACY), VerdictKind.ACCEPT),
        SEEN,
        ["iptables-legacy -w -t filter -P DOCKER-USER ACCEPT"],
    ),
    (SetPolicy(nft_place(0), VerdictKind.DROP), SEEN, ["nft chain inet fw forward { policy drop; }"]),
    (SetPort("host", "veth1", "isolated", 0), SEEN, ["bridge link set dev veth1 isolated off"]),
    (
        SetContainer("c0ffee", ("docker", "-H", "unix:///x.sock"), ("unpause", "web"), "running"),
        SEEN,
        ["docker -H unix:///x.sock unpause web"],
    ),
    (
        ConnectNetwork("a99", "app", "back", "br-back", ("docker", "-H", "unix:///x.sock")),
        SEEN,
        ["docker -H unix:///x.sock network connect back app"],
    ),
    (
        CreateNetwork("app-net", "docker", ("docker",), "docker0"),
        SEEN,
        ["docker network create app-net"],
    ),
    (DeleteHostsLine("host", "", "/etc/hosts", 7), SEEN, ["sed -i 7d /etc/hosts"]),
    (
        AddHostsLine("app", "a99", "/etc/hosts", ip_address("172.17.0.1"), "nas", ("docker", "exec", "app")),
        SEEN,
        ['docker exec app sh -c echo "172.17.0.1 nas" >> /etc/hosts'],
    ),
    (
        DeleteHostsLine("app", "a99", "/etc/hosts", 7, ("docker", "exec", "app")),
        SEEN,
        ['docker exec app sh -c kept=$(sed 7d /etc/hosts) && echo "$kept" > /etc/hosts'],
    ),
    (
        SetUpstream("web", 9, ConfigPlace("/etc/x.conf", 3), ("app", 81), ("app", 80), "/srv/x.conf"),
        SEEN,
        [
            r"sh -c new=$(sed '3s#app\(:81\)\{0,1\}\([/;[:space:]]\|$\)#app:80\2#' /srv/x.conf)"
            r""" && printf '%s\n' "$new" > /srv/x.conf"""
        ],
    ),
    (
        LetIn("web", 9, ConfigPlace("/etc/x.conf", 3), ip_address("10.0.0.9"), "/srv/x.conf"),
        SEEN,
        [
            r"sh -c new=$(sed '3s#\(^\|[;{[:space:]]\)deny\([[:space:]]\)#\1allow 10.0.0.9; deny\2#' /srv/x.conf)"
            r""" && printf '%s\n' "$new" > /srv/x.conf"""
        ],
    ),
    (
        ReloadProxy(ProxyKind.NGINX, "web", 9, ("docker", "exec", "web", "nginx", "-s", "reload")),
        SEEN,
        ["docker exec web nginx -s reload"],
    ),
    (
        DeleteElement("lan", "inet", "f2b-table", "addr-set-web", (Interval(5, 5),), "0.0.0.5"),
        NAMED,
        ["nsenter --net=/run/netns/lan nft delete element inet f2b-table addr-set-web { 0.0.0.5 }"],
    ),
    (DeleteElement("host", "", "", "f2b-web", (Interval(5, 5),), "0.0.0.5"), SEEN, ["ipset del f2b-web 0.0.0.5"]),
    (AddElement("host", "", "", "f2b-web", (Interval(5, 5),), "0.0.0.5"), SEEN, ["ipset add f2b-web 0.0.0.5"]),
    (DeleteNeighbour("host", "docker0", IPv4Address("172.17.0.2")), SEEN, ["ip neigh del 172.17.0.2 dev docker0"]),
    (
        DeleteFlow("host", STALE),
        SEEN,
        ["conntrack -D -f ipv4 -p udp --orig-src 10.0.0.9 --orig-dst 10.0.0.1 --orig-port-src 40 --orig-port-dst 53"],
    ),
    (
        DeleteFlow("lan", PING),
        NAMED,
        ["nsenter --net=/run/netns/lan conntrack -D -f ipv6 -p icmpv6 --orig-src fd00::9 --orig-dst fd00::1 --zone 7"],
    ),
    (SetLink("host", "docker0", up=True), SEEN, ["ip link set docker0 up"]),
    (SetLink("host", "veth1", up=False, master="docker0"), SEEN, ["ip link set veth1 master docker0 down"]),
    (SetLink("host", "veth1", master=""), SEEN, ["ip link set veth1 nomaster"]),
    (SetLink("host", "veth1"), SEEN, []),
    (SetArp("host", "veth1", True), SEEN, ["ip link set veth1 arp on"]),
    (
        AddForwarding("host", "vx1", "00:00:00:00:00:00", IPv4Address("10.0.0.2")),
        SEEN,
        ["bridge fdb append 00:00:00:00:00:00 dev vx1 dst 10.0.0.2"],
    ),
    (
        DeleteForwarding("host", "vx1", "00:00:00:00:00:00", IPv4Address("10.0.0.2")),
        SEEN,
        ["bridge fdb del 00:00:00:00:00:00 dev vx1 dst 10.0.0.2"],
    ),
    (Listen("web", Listener(Protocol.TCP, Family.INET, None, 80)), SEEN, []),
    (StopListening("web", Listener(Protocol.TCP, Family.INET, None, 80)), SEEN, []),
    (CreateNetns("lan"), NAMED, ["ip netns add lan", "nsenter --net=/run/netns/lan ip link set lo up"]),
    (CreateBridge("host", "br0"), SEEN, ["ip link add br0 type bridge", "ip link set br0 up"]),
    (
        CreateVeth("host", "veth1", "lan", "eth0", master="docker0"),
        SEEN,
        [
            "ip link add veth1 type veth peer name eth0 netns lan",
            "ip link set veth1 master docker0 up",
            "nsenter --net=/run/netns/lan ip link set eth0 up",
        ],
    ),
    (
        CreateVeth("web", "eth1", "host", "veth2"),
        SEEN,
        [
            "ip link add veth2 type veth peer name eth1 netns /proc/812/ns/net",
            "nsenter --net=/proc/812/ns/net ip link set eth1 up",
            "ip link set veth2 up",
        ],
    ),
    (
        Serve("lan", Protocol.UDP, IPv4Address("10.77.0.2"), 53, "dns"),
        NAMED,
        ["python3 -P -m engine.apply.server /run/netns/lan udp 10.77.0.2 53 dns"],
    ),
    (
        RelayPort("lan", Protocol.TCP, IPv4Address("0.0.0.0"), 8080, IPv4Address("172.17.0.2"), 80),
        NAMED,
        ["python3 -P -m engine.apply.relay portscope-relay /run/netns/lan tcp 0.0.0.0 8080 172.17.0.2 80"],
    ),
    (
        RelayPort("lan", Protocol.TCP, IPv4Address("0.0.0.0"), 8080, holder="conmon"),
        NAMED,
        ["python3 -P -m engine.apply.relay conmon /run/netns/lan tcp 0.0.0.0 8080"],
    ),
    (
        RelayPort("lan", Protocol.TCP, IPv6Address("::"), 8080, IPv4Address("172.17.0.2"), 80, both=True, free=True),
        NAMED,
        ["python3 -P -m engine.apply.relay portscope-relay /run/netns/lan tcp * 8080 172.17.0.2 80 free"],
    ),
    (
        Serve("lan", Protocol.TCP, IPv6Address("::"), 80, "web", SocketManner(v6only=True, device="eth0", backlog=0)),
        NAMED,
        ["python3 -P -m engine.apply.server /run/netns/lan tcp :: 80 web free=1 v6only=1 backlog=1 device=eth0"],
    ),
    (
        Batch("lan", ("ip", "-6"), ("route append fd00::/64 dev eth0", "rule add pref 5 lookup 7")),
        NAMED,
        [
            "nsenter --net=/run/netns/lan sh -c ip -6 -force -batch - <<'END'\n"
            "route append fd00::/64 dev eth0\nrule add pref 5 lookup 7\nEND"
        ],
    ),
    (
        SetSysctls("lan", (("ipv4/ip_forward", "1"), ("ipv4/ip_local_port_range", "1024 2048"))),
        NAMED,
        [
            "nsenter --net=/run/netns/lan sh -c sysctl -q -e -p - <<'END'\n"
            "net/ipv4/ip_forward = 1\nnet/ipv4/ip_local_port_range = 1024 2048\nEND"
        ],
    ),
    (
        Restore("lan", NFT, ("table ip t {", "}")),
        NAMED,
        ["nsenter --net=/run/netns/lan sh -c nft -f - <<'END'\ntable ip t {\n}\nEND"],
    ),
    (
        AnswerNames(
            "host",
            (Zone("front", records=(NameRecord("web", (IPv4Address("172.18.0.2"),)),)),),
            (NameDoor("lan", IPv4Address("127.0.0.11"), ("front",), closed=True),),
        ),
        NAMED,
        [
            'python3 -P -m engine.apply.names {"table": "front", "names": {"web": ["172.18.0.2"]}, "clients": []} '
            '{"door": "/run/netns/lan", "address": "127.0.0.11", "tables": ["front"], "closed": true}'
        ],
    ),
    (
        WriteNetnsFile("lan", "resolv.conf", "nameserver 127.0.0.11\n"),
        NAMED,
        ["sh -c install -D -m 644 /dev/stdin /etc/netns/lan/resolv.conf <<'END'\nnameserver 127.0.0.11\nEND"],
    ),
    (WriteNetnsFile("lan", "nginx/nginx.conf", None), NAMED, ["rm -f /etc/netns/lan/nginx/nginx.conf"]),
    (Start("lan", ("sleep", "9"), "web"), NAMED, ["nsenter --net=/run/netns/lan sleep 9"]),
    (CreateBridge("host", "br0", 1400), SEEN, ["ip link add br0 mtu 1400 type bridge", "ip link set br0 up"]),
    (DeleteNetns("lan"), NAMED, ["ip netns del lan"]),
    (DeleteLink("host", "veth1"), SEEN, ["ip link del veth1"]),
    (
        Command("lan", ("iptables-nft", "-P", "INPUT", "DROP")),
        NAMED,
        ["nsenter --net=/run/netns/lan iptables-nft -P INPUT DROP"],
    ),
    (
        Shape("lan", "eth0", 10**6),
        NAMED,
        ["nsenter --net=/run/netns/lan tc qdisc replace dev eth0 root tbf rate 1000000bit burst 1600 latency 50ms"],
    ),
    (
        Shape("host", "up0", 10**6, 20.0, 0.5),
        SEEN,
        ["tc qdisc replace dev up0 root netem delay 20ms loss 0.5% rate 1000000bit"],
    ),
]


@pytest.mark.parametrize(("change", "where", "lines"), CASES)
def test_a_change_is_these_command_lines(change: Change, where: Where, lines: list[str]) -> None:
    assert [" ".join(argv) for argv in change.argv(where)] == lines


def test_every_kind_of_change_has_an_entry() -> None:
    assert {type(change) for change, _, _ in CASES} | {LoadRules} == KINDS


def test_loading_rules_feeds_the_restore_program_of_the_backend() -> None:
    text = "*nat\n-A PREROUTING -j DOCKER\nCOMMIT\n"
    (argv,) = LoadRules("lan", XT_LEGACY, text).argv(NAMED)
    assert argv == (*IN_LAN, "sh", "-c", f"iptables-legacy-restore -w --noflush <<'END'\n{text}END")
    (six,) = LoadRules("lan", XT_NFT, text, family="ip6").argv(NAMED)
    assert six[-1].startswith("ip6tables-nft-restore --noflush ")
    (nft,) = LoadRules("lan", Backend.NFT, "table ip t {}").argv(NAMED)
    assert nft[-1] == "nft -f - <<'END'\ntable ip t {}\nEND"


def test_rules_that_replace_others_flush_what_their_text_names() -> None:
    (legacy,) = LoadRules("lan", XT_LEGACY, "*nat\nCOMMIT\n", replace=True).argv(NAMED)
    assert legacy[-1].startswith("iptables-legacy-restore -w <<")
    (nft,) = LoadRules("lan", Backend.NFT, "table ip my-t {\n}\n", replace=True).argv(NAMED)
    assert nft[-1] == "nft -f - <<'END'\ntable ip my-t\ndelete table ip my-t\ntable ip my-t {\n}\nEND"


def test_a_rule_with_counters_and_a_quoted_comment_is_deleted_by_its_words() -> None:
    rule = Rule(0, (), '[3:180] -A INPUT -m comment --comment "let \\"me\\" in" -j ACCEPT')
    assert rule_spec(rule, "INPUT") == ("-m", "comment", "--comment", 'let "me" in', "-j", "ACCEPT")


def test_a_rule_of_another_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of chain OUTPUT"):
        rule_spec(DROP, "OUTPUT")


@pytest.mark.parametrize(
    "change",
    [
        DeleteRule(nft_place(7), Rule(7, (), "drop")),
        AddRoute("web", Route(DEFAULT, nexthops=(NextHop(99),))),
        SetSysctl("nowhere", "net.ipv4.ip_forward", 1),
        SetSysctl("sealed", "net.ipv4.ip_forward", 1),
    ],
)
def test_what_the_world_does_not_have_is_an_error(change: Change) -> None:
    with pytest.raises(ValueError, match=r"no handle|no name|no namespace|no file enters"):
        change.argv(SEEN)


def test_the_namespace_of_pid_1_needs_no_entering() -> None:
    assert SetLink("root", "eth0", up=True).argv(SEEN) == (("ip", "link", "set", "eth0", "up"),)


def test_a_snapshot_is_taken_as_it_is() -> None:
    snapshot = Snapshot("host", (HOST,))
    assert SetLink("host", "docker0", up=True).argv(seen(snapshot)) == (("ip", "link", "set", "docker0", "up"),)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.all.rp_filter", "net/ipv4/conf/all/rp_filter"),
        ("net.ipv6.conf.eth0.1.2.forwarding", "net/ipv6/conf/eth0.1.2/forwarding"),
    ],
)
def test_a_sysctl_name_is_a_path(name: str, path: str) -> None:
    assert sysctl_path(name) == path


@pytest.mark.parametrize(
    "name",
    [
        "net.ipv4.conf.../../../kernel.panic",
        "net.ipv4.conf.../../../../../tmp.x",
        "net.ipv4.conf...rp_filter",
        "net.ipv4.conf./etc/passwd.x",
        "net.ipv4/../../kernel/panic.x",
        "net..ipv4",
        "net",
        "net.x",
        "kernel.panic",
        "",
        "net.ipv4.x\n",
    ],
)
def test_a_sysctl_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a setting of a network namespace"):
        sysctl_path(name)


@pytest.mark.parametrize("name", ["", ".", "..", "../etc/passwd", "a/b", "a\0b"])
def test_a_namespace_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name for a namespace"):
        named().enter(name)
