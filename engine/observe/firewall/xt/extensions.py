"""The extensions of xtables, one row each: matches (`-m NAME`) and targets (`-j NAME`).

A row has what the words of iptables-save mean, and, where it is read without that tool, the words of its struct by
revision. What stands in no row is not understood: a rule with it keeps its text.
Source: iptables-extensions(8), include/uapi/linux/netfilter/xt_*.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.model.firewall import NatKind, NoTrack, Statement, SynProxy
from engine.observe.firewall.symbols import ICMP_TYPES, ICMPV6_TYPES, TCP_FLAGS
from engine.observe.firewall.xt import actions, options, structs, together
from engine.observe.firewall.xt.actions import Build
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.options import Builder
from engine.observe.firewall.xt.structs import Show
from engine.observe.firewall.xt.words import Option
from engine.records import dataclass, field


@dataclass(frozen=True, slots=True)
class MatchExtension:
    """A match: its options that mean something alone, or what all of them mean `together`."""

    options: Mapping[str, Builder] = field(default_factory=dict)
    together: Callable[[XtContext, Sequence[Option]], Sequence[Statement]] | None = None
    structs: Mapping[int, Show] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetExtension:
    """A target. Where its options have no meaning here, a `note` says that it leaves the packet on its way: it writes,
    counts, or changes what neither routing nor rules look at. Structs are by family and revision."""

    build: Build | None = None
    note: bool = False
    structs: Mapping[tuple[str, int], Show] = field(default_factory=dict)


#: By name; "" are the options before the first module.
MATCHES: dict[str, MatchExtension] = {
    "": MatchExtension(
        {
            "-s": options.address("saddr"),
            "-d": options.address("daddr"),
            "-p": options.protocol,
            "-i": options.device("meta iifname"),
            "-o": options.device("meta oifname"),
            "-f": options.fragment,
        }
    ),
    "comment": MatchExtension(
        {"--comment": options.nothing},
        structs={0: structs.comment},
    ),
    "tcp": MatchExtension(
        {
            "--sport": options.span("tcp sport"),
            "--dport": options.span("tcp dport"),
            "--tcp-flags": options.tcp_flags,
            "--syn": options.syn,
            "--tcp-option": options.tcp_option,
        },
        structs={0: structs.tcp},
    ),
    "ecn": MatchExtension(
        {
            "--ecn-ip-ect": options.ecn,
            "--ecn-tcp-cwr": options.bit("tcp flags", TCP_FLAGS["cwr"]),
            "--ecn-tcp-ece": options.bit("tcp flags", TCP_FLAGS["ecn"]),
        }
    ),
    "tcpmss": MatchExtension({"--mss": options.span("tcp option maxseg size or none")}),
    "udp": MatchExtension(
        {
            "--sport": options.span("udp sport"),
            "--dport": options.span("udp dport"),
        },
        structs={0: structs.udp},
    ),
    "sctp": MatchExtension(
        {
            "--sport": options.span("sctp sport"),
            "--dport": options.span("sctp dport"),
        }
    ),
    "icmp": MatchExtension(
        {"--icmp-type": options.icmp("icmp", ICMP_TYPES)},
        structs={0: structs.icmp},
    ),
    "icmp6": MatchExtension({"--icmpv6-type": options.icmp("icmpv6", ICMPV6_TYPES)}),
    "multiport": MatchExtension(
        {
            "--sports": options.ports("th sport"),
            "--dports": options.ports("th dport"),
            "--ports": options.either_port,
        },
        structs={1: structs.multiport},
    ),
    "state": MatchExtension({"--state": options.names("ct state")}),
    "conntrack": MatchExtension(
        {
            "--ctstate": options.names("ct state"),
            "--ctstatus": options.names("ct status"),
            "--ctdir": options.names("ct direction"),
            "--ctproto": options.protocol_of_connection,
            "--ctorigsrc": options.tuple_address("original", "saddr"),
            "--ctorigdst": options.tuple_address("original", "daddr"),
            "--ctreplsrc": options.tuple_address("reply", "saddr"),
            "--ctrepldst": options.tuple_address("reply", "daddr"),
            "--ctorigsrcport": options.span("ct original proto-src"),
            "--ctorigdstport": options.span("ct original proto-dst"),
            "--ctreplsrcport": options.span("ct reply proto-src"),
            "--ctrepldstport": options.span("ct reply proto-dst"),
        },
        structs={3: structs.conntrack},
    ),
    "mark": MatchExtension(
        {"--mark": options.masked("meta mark")},
        structs={1: structs.mark_match},
    ),
    "connmark": MatchExtension({"--mark": options.masked("ct mark")}),
    "realm": MatchExtension({"--realm": options.masked("rt classid")}),
    "iprange": MatchExtension(
        {
            "--src-range": options.addresses("saddr"),
            "--dst-range": options.addresses("daddr"),
        }
    ),
    "mac": MatchExtension({"--mac-source": options.mac_address}),
    "devgroup": MatchExtension(
        {
            "--src-group": options.group("meta iifgroup"),
            "--dst-group": options.group("meta oifgroup"),
        }
    ),
    "dscp": MatchExtension({"--dscp": options.dscp}),
    "tos": MatchExtension({"--tos": options.tos}),
    "helper": MatchExtension({"--helper": options.helper}),
    "pkttype": MatchExtension({"--pkt-type": options.names("meta pkttype")}),
    "length": MatchExtension({"--length": options.span("meta length")}),
    "ttl": MatchExtension(
        {
            "--ttl-eq": options.span("ip ttl"),
            "--ttl-lt": options.less("ip ttl"),
            "--ttl-gt": options.more("ip ttl"),
        }
    ),
    "hl": MatchExtension(
        {
            "--hl-eq": options.span("ip6 hoplimit"),
            "--hl-lt": options.less("ip6 hoplimit"),
            "--hl-gt": options.more("ip6 hoplimit"),
        }
    ),
    "addrtype": MatchExtension(together=together.addrtype, structs={1: structs.addrtype}),
    "rpfilter": MatchExtension(together=together.rpfilter),
    "owner": MatchExtension(together=together.owner),
    "physdev": MatchExtension(together=together.physdev),
    "set": MatchExtension(together=together.ipset),
    "time": MatchExtension(together=together.time),
    "connbytes": MatchExtension(together=together.connbytes),
    "connlabel": MatchExtension(together=together.connlabel),
    "policy": MatchExtension(together=together.policy),
    "socket": MatchExtension(together=together.socket),
    "statistic": MatchExtension(structs={0: structs.statistic}),
}

TARGETS: dict[str, TargetExtension] = {
    "REJECT": TargetExtension(
        actions.reject, structs={("ip", 0): structs.reject("ip"), ("ip6", 0): structs.reject("ip6")}
    ),
    "DNAT": TargetExtension(
        actions.nat(NatKind.DNAT, "--to-destination"),
        structs={
            ("ip", 2): structs.range2("--to-destination", 4),
            ("ip6", 2): structs.range2("--to-destination", 16),
            ("ip", 0): structs.ranges("--to-destination"),
        },
    ),
    "SNAT": TargetExtension(
        actions.nat(NatKind.SNAT, "--to-source"), structs={("ip", 0): structs.ranges("--to-source")}
    ),
    "MASQUERADE": TargetExtension(actions.own_address(NatKind.MASQUERADE), structs={("ip", 0): structs.own_address}),
    "REDIRECT": TargetExtension(actions.own_address(NatKind.REDIRECT), structs={("ip", 0): structs.own_address}),
    "NETMAP": TargetExtension(actions.netmap),
    "MARK": TargetExtension(actions.mark, structs={("ip", 2): structs.mark, ("ip6", 2): structs.mark}),
    "CONNMARK": TargetExtension(actions.connmark),
    "CT": TargetExtension(actions.ct),
    "TPROXY": TargetExtension(actions.tproxy),
    "NFQUEUE": TargetExtension(actions.queue),
    "TCPMSS": TargetExtension(actions.tcpmss, note=True),
    "DSCP": TargetExtension(actions.dscp, note=True),
    "TOS": TargetExtension(actions.tos, note=True),
    "TTL": TargetExtension(actions.ttl("ttl")),
    "HL": TargetExtension(actions.ttl("hl")),
    "TCPOPTSTRIP": TargetExtension(actions.strip),
    "SYNPROXY": TargetExtension(lambda _options: SynProxy()),
    "NOTRACK": TargetExtension(lambda _options: NoTrack()),
    "LOG": TargetExtension(note=True),
    "NFLOG": TargetExtension(note=True),
    "ULOG": TargetExtension(note=True),
    "AUDIT": TargetExtension(note=True),
    "TRACE": TargetExtension(note=True),
    "CHECKSUM": TargetExtension(note=True),
    "CLASSIFY": TargetExtension(note=True),
    "ECN": TargetExtension(note=True),
    "SET": TargetExtension(note=True),
    "SECMARK": TargetExtension(note=True),
    "CONNSECMARK": TargetExtension(note=True),
    "IDLETIMER": TargetExtension(note=True),
    "LED": TargetExtension(note=True),
    "RATEEST": TargetExtension(note=True),
    "TEE": TargetExtension(note=True),
    "NFACCT": TargetExtension(note=True),
    "CONTINUE": TargetExtension(note=True),
}
