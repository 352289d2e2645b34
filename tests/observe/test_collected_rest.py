"""What a collected file tells of nexthop objects, learned routes, VLANs, forwarding entries, and what it leaves out."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from engine.model.container import Attachment, PublishedPort
from engine.model.firewall import Backend, BaseChain, Opaque, RuleVerdict, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.link import BridgeVlan, Program
from engine.model.packet import Protocol
from engine.model.route import NextHop, NextHopObject
from engine.observe.collected.listeners import parse_cgroups
from engine.observe.collected.nexthops import parse_learned, parse_objects
from engine.observe.collected.snapshot import loads
from tests.observe.test_collected_files import FACTS, HOST, document, section

PORT = (
    '{"ifindex":3,"ifname":"p0","flags":["UP"],"master":"br0","linkinfo":{"info_kind":"veth","info_slave_kind":"bridge",'
    '"info_slave_data":{"backup_port":"p1"}},"xdp":{"mode":2,"prog":{"id":12}}}'
)
BRIDGE = (
    '{"ifindex":2,"ifname":"br0","flags":["UP"],"linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":1}}}'
)
OTHER = '{"ifindex":4,"ifname":"p1","flags":[]}'
LEG = (
    '{"ifindex":5,"ifname":"leg","flags":[],"linkinfo":{"info_slave_kind":"bond",'
    '"info_slave_data":{"state":"BACKUP","mii_status":"UP","queue_id":0}}}'
)
LINKS = section("links", f"[{BRIDGE},{PORT},{OTHER},{LEG}]", HOST)


def told(*sections: str) -> Snapshot:
    return loads(document(FACTS, *sections))


def host(*sections: str) -> Netns:
    return told(LINKS, *sections).host_netns


def test_nexthop_objects_are_ways_out_groups_blackholes_and_remotes() -> None:
    text = (
        '[{"id":1,"gateway":"10.9.0.2","dev":"p0","scope":"link","flags":["onlink"]},{"id":5,"blackhole":null,"flags":[]},'
        '{"id":10,"group":[{"id":1,"weight":3},{"id":2}],"flags":[]},{"id":7,"gateway":"10.1.1.1","fdb":null}]'
    )
    assert parse_objects(text, {"p0": 3}) == (
        NextHopObject(1, NextHop(3, IPv4Address("10.9.0.2"), 1, frozenset({"onlink"}))),
        NextHopObject(5, blackhole=True),
        NextHopObject(10, group=((1, 3), (2, 1))),
        NextHopObject(7, NextHop(None, IPv4Address("10.1.1.1")), fdb=True),
    )


def test_objects_are_kept_where_a_route_or_an_entry_names_one() -> None:
    objects = section("nexthops", '[{"id":1,"blackhole":null}]', HOST)
    entry = section("fdb", '[{"mac":"02:00:00:00:00:02","ifname":"p0","nhid":1,"flags":["self"]}]', HOST)
    assert host(objects).nexthops == ()
    assert host(objects, entry).nexthops == (NextHopObject(1, blackhole=True),)


def test_learned_routes_have_their_gateway_and_a_locked_mtu() -> None:
    text = (
        "10.1.1.1 via 10.0.0.1 dev p0 table 100 \\    cache expires 595sec mtu lock 1300 \n"
        "fd00::9 from fd00::1 via inet6 fe80::1 dev p0 metric 1024 expires 5sec mtu 1400 pref medium\n"
        "local 10.1.1.2 dev p0 \\    cache <local> \n"
    )
    locked, plain = parse_learned(text, {"p0": 3})
    assert (locked.destination, locked.gateway, locked.link, locked.table) == (
        IPv4Address("10.1.1.1"),
        IPv4Address("10.0.0.1"),
        3,
        100,
    )
    assert (locked.mtu, locked.locked, locked.text) == (1300, True, "10.1.1.1 via 10.0.0.1 dev p0 mtu lock 1300")
    assert (plain.source, plain.gateway) == (IPv6Address("fd00::1"), IPv6Address("fe80::1"))
    assert (plain.mtu, plain.locked) == (1400, False)


def test_ports_have_their_vlans_backup_and_programs_and_legs_their_state() -> None:
    vlans = section(
        "vlans",
        '[{"ifname":"p0","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]},{"vlan":10,"vlanEnd":11}]}]',
        HOST,
    )
    links = host(vlans).links_by_name
    assert links["p0"].vlans == (BridgeVlan(1, True, True), BridgeVlan(10), BridgeVlan(11))
    assert links["p0"].programs == (Program("xdp", "generic", number=12),)
    assert links["p0"].port is not None
    assert links["p0"].port.backup == 4
    assert links["leg"].slave == {"state": "BACKUP", "mii_status": "UP"}


@pytest.mark.parametrize("entry", ['{"vlan":10,"vlanEnd":9}', '{"vlan":1,"vlanEnd":99999999999}', '{"vlan":"x"}'])
def test_vlans_that_make_no_sense_are_a_gap(entry: str) -> None:
    vlans = section("vlans", f'[{{"ifname":"p0","vlans":[{entry}]}}]', HOST)
    assert [gap.source for gap in told(LINKS, vlans).gaps] == ["vlans"]


def test_forwarding_entries_of_a_vxlan_have_all_that_says_where_they_lead() -> None:
    text = (
        '[{"mac":"02:00:00:00:00:02","ifname":"p0","dst":"10.1.1.1","port":4790,"vni":7,"viaIf":"br0",'
        '"flags":["self","extern_learn"],"state":"static"}]'
    )
    (entry,) = host(section("fdb", text, HOST)).fdb
    assert (entry.port, entry.vni, entry.via, entry.flags) == (4790, 7, 2, frozenset({"extern_learn", "static"}))


def test_listeners_of_sctp_are_those_of_its_endpoints() -> None:
    text = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n f00 f01 2   10  1    7   0 4711 10.0.0.1 "
    (listener,) = host(section("sctp", text, HOST)).listeners
    assert (listener.protocol, listener.address, listener.port, listener.inode) == (
        Protocol.SCTP,
        IPv4Address("10.0.0.1"),
        7,
        4711,
    )


def test_a_process_is_in_the_container_that_its_cgroup_names() -> None:
    assert parse_cgroups(f"/proc/17/cgroup:0::/system.slice/docker-{'a1' * 32}.scope\n/proc/18/cgroup:0::/x") == {
        17: "a1" * 32
    }


@pytest.mark.parametrize(
    ("seen", "source", "words"),
    [
        (section("tasks", "k8s.io"), "containerd", "namespace k8s.io"),
        (section("disciplines", '[{"kind":"clsact","dev":"p0"}]', HOST), "traffic control", "classifiers of p0"),
        (section("ebtables", "ebtable_nat", HOST), "ebtables-legacy", "ebtable_nat"),
        (section("arptables", "filter", HOST), "arptables-legacy", "the tables filter"),
        (
            section("ipvs", "TCP  0A600001:0050 rr \n  -> 0A000102:0050      Masq    1      0          0\n", HOST),
            "IPVS",
            "10.96.0.1:80/tcp",
        ),
        (section("sysctls", "netfilter/nf_conntrack_count:3", HOST), "conntrack", "3 flows"),
        (section("routes", '[{"dst":"10.0.0.0/8","dev":"p0","metrics":[{"mtu":1300}]}]', HOST), "routes", "locked"),
        (section("disciplines", "", HOST, 127, "tc is not installed"), "disciplines", "tc is not installed"),
    ],
    ids=lambda value: value if isinstance(value, str) and " begin " not in value else "",
)
def test_what_is_there_and_not_gathered_is_a_gap(seen: str, source: str, words: str) -> None:
    (gap,) = told(LINKS, seen).gaps
    assert gap.source == source
    assert words in gap.reason


def test_a_machine_without_any_of_it_has_no_gap() -> None:
    quiet = (
        section("tasks", ""),
        section("ipvs", "IP Virtual Server version 1.2.1 (size=4096)", HOST),
        section("disciplines", '[{"kind":"noqueue","dev":"lo"}]', HOST),
    )
    assert told(LINKS, *quiet, section("ebtables", "", HOST), section("arptables", "", HOST)).gaps == ()


def test_the_rules_of_arptables_are_those_that_the_kernel_s_entries_give() -> None:
    text = (
        "Chain INPUT (policy DROP 3 packets, 84 bytes)\n"
        "-j mine -i eth+ -o * -s 10.0.0.0/8 ! --dst-mac 02:00:00:00:00:00/ff:00:00:00:00:00 --opcode 1 "
        ", pcnt=2 -- bcnt=56 \n"
        "-j mangle -i * -o * --mangle-ip-s 10.9.9.9 --mangle-target DROP , pcnt=0 -- bcnt=0 \n\n"
        "Chain mine (1 references)\n-i * -o * , pcnt=0 -- bcnt=0 \n"
    )
    (table,) = host(section("arptables-rules", text, HOST)).firewall.tables
    assert (table.backend, table.family, table.name) == (Backend.XT_LEGACY, "arp", "filter")
    first, mine = table.chains
    assert first.base == BaseChain("filter", "input", 0, VerdictKind.DROP)
    asked = "--opcode 1 -s 10.0.0.0/255.0.0.0 ! --destination-mac 02:00:00:00:00:00/ff:00:00:00:00:00 -i eth+"
    assert [(rule.text, rule.packets, rule.bytes) for rule in first.rules] == [
        (f"-A INPUT {asked} -j mine", 2, 56),
        ("-A INPUT -j mangle", 0, 0),
    ]
    assert first.rules[0].statements[-1] == RuleVerdict(VerdictKind.JUMP, "mine")
    assert first.rules[1].statements == (Opaque("-A INPUT -j mangle"),)
    assert (mine.base, mine.rules[0].statements, mine.rules[0].text) == (None, (), "-A mine")
    for wrong in (
        "-j DROP -i *",
        "Chain INPUT (policy DROP)\n-j DROP --strange 1",
        "Chain A (1 references)\n--opcode 1",
    ):
        assert [gap.source for gap in told(LINKS, section("arptables-rules", wrong, HOST)).gaps] == ["arptables-rules"]


def test_containers_of_containerd_are_those_of_their_configurations() -> None:
    one = (
        '{"namespace":"k8s.io","id":"aa","pid":7,"annotations":{"io.kubernetes.cri.sandbox-name":"web-0"},'
        '"linux":{"namespaces":[{"type":"network","path":"/var/run/netns/cni-1"}]}}'
    )
    gone = one.replace('"aa","pid":7', '"bb","pid":8')
    result = (
        '{"kind":"cniCacheV1","containerId":"aa","ifName":"eth0","networkName":"pods","config":"e30=",'
        '"capabilityArgs":{"portMappings":[{"HostPort":8080,"ContainerPort":80,"Protocol":"tcp"}]},'
        '"result":{"ips":[{"address":"10.22.0.2/16","gateway":"10.22.0.1"}]}}'
    )
    machine = (
        section("owners", "4026532001 7"),
        section("processes", "7 (sh) S 1 7 7 0 -1 0"),
        section("namespaces", "4026532001 /run/netns/cni-1"),
    )
    known = told(*machine, section("containerd", f"{one}\n{gone}"), section("cni", result))
    (pod,) = known.containers
    assert (pod.name, pod.pod, pod.engine, pod.netns, pod.command) == (
        "web-0",
        "web-0",
        "containerd",
        "cni-1",
        ("crictl",),
    )
    assert pod.attachments == (Attachment("pods", IPv4Address("10.22.0.2"), gateway=IPv4Address("10.22.0.1")),)
    assert pod.published == (PublishedPort(Protocol.TCP, None, 8080, 80),)
    assert [network.name for network in known.networks] == ["pods"]
    assert [gap.source for gap in told(*machine, section("containerd", one)).gaps] == ["containerd"]


def test_programs_are_those_that_bpftool_and_tc_tell() -> None:
    attached = (
        '[{"xdp":[],"tc":[{"devname":"p0","ifindex":3,"kind":"tcx/egress","prog_id":7,"prog_flags":[]},'
        '{"devname":"p1","kind":"netkit/peer","prog_id":8},{"devname":"p1","kind":"clsact/ingress","prog_id":9}]}]'
    )
    classifiers = (
        'p1 ingress\n[{"protocol":"all","pref":1,"kind":"bpf","chain":0},{"protocol":"all","kind":"bpf",'
        '"options":{"handle":"0x1","bpf_name":"x","prog":{"id":9}}},{"kind":"u32","options":{"fh":"800:"}}]\n\n'
        "p1 egress\n[]\n"
    )
    disciplines = section("disciplines", '[{"kind":"clsact","dev":"p1"}]', HOST)
    sections = (disciplines, section("bpf", attached, HOST), section("classifiers", classifiers, HOST))
    seen = told(LINKS, *sections)
    links = {each.name: each.programs for each in seen.host_netns.links}
    assert links["p0"] == (Program("xdp", "generic", number=12), Program("egress", "tcx", number=7))
    assert links["p1"] == (
        Program("ingress", "netkit", number=8),
        Program("ingress", "bpf", "x", 9),
        Program("ingress", "u32"),
    )
    assert seen.gaps == ()
    assert [gap.source for gap in told(section("bpf", "", 0, 127, "bpftool is not installed")).gaps] == ["bpf"]
