"""The vocabulary of field names: what a `Match` of any backend can look at, and in which form its values come.

Laws of the table (`FIELDS`), which the parsers and the path model share:
1. Names follow nftables. iptables' options become the same names: `-s` is "ip saddr" or "ip6 saddr", `-p`
   "meta l4proto", `-i` "meta iifname", `--dst-type` "fib daddr type", `--ctstate` "ct state".
2. A field has one form. NUMBER, ADDRESS and MAC values are `Interval`s of integers (an IPv4 address as a 32-bit,
   an IPv6 address as a 128-bit, a MAC as a 48-bit integer); NAME values are `Name`s. DEVICE values are `Name`s
   with a possible final `*`, or `Interval`s of interface indexes where the kernel knows no such device any more.
3. `absent` says what the kernel does where the packet has no such field (the wrong family or protocol, no
   connection, no socket). NEVER: the match does not hold, and negation does not help (`tcp dport != 80` is not
   about UDP). EMPTY: the value is the name "" (no such device), and negation holds.
4. `exact` says whether a parsed match means just what the kernel does. A field that is not in the table, or not
   exact, is answered "unknown": `lookup` returns such a field's form as NAME, and its element is the tool's own text.
5. A field mask is applied before comparing (only NUMBER, ADDRESS and MAC fields have one).
6. A SET-like field has several values at once ("ct state", "ct status", "tcp flags" by mask): see `Match`.

Sources: nft(8), iptables-extensions(8), and the kernel's net/netfilter/nft_{meta,payload,ct,fib}.c and xt_*.c.
"""

from __future__ import annotations

from enum import StrEnum

from engine.observe.firewall.symbols import EXTENSIONS, IP_OPTIONS
from engine.records import dataclass


class Form(StrEnum):
    """How the values of a field are written in an element."""

    NUMBER = "number"
    ADDRESS = "address"
    ADDRESS6 = "address6"
    MAC = "mac"
    NAME = "name"
    DEVICE = "device"


class Absent(StrEnum):
    """What a match on a field that the packet does not have does."""

    NEVER = "never"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field: its form, what its absence means, whether it is exact, and what it is."""

    form: Form
    about: str
    exact: bool = True
    absent: Absent = Absent.NEVER


_ENDS = (("saddr", "source address"), ("daddr", "destination address"))
_N, _A, _A6, _M, _S, _D = Form.NUMBER, Form.ADDRESS, Form.ADDRESS6, Form.MAC, Form.NAME, Form.DEVICE

FIELDS: dict[str, FieldInfo] = {
    # Network header. The field of one family is absent in a packet of the other.
    "ip version": FieldInfo(_N, "4 in IPv4"),
    "ip6 version": FieldInfo(_N, "6 in IPv6"),
    "ip hdrlength": FieldInfo(_N, "length of the IPv4 header in words of 32 bits: 5 without options"),
    **{f"ip option {name}": FieldInfo(_S, f"exists or missing: IPv4's option {name}") for name in IP_OPTIONS},
    **{f"exthdr {name}": FieldInfo(_S, f"exists or missing: IPv6's extension header {name}") for name in EXTENSIONS},
    "ip saddr": FieldInfo(_A, "source address, IPv4"),
    "ip daddr": FieldInfo(_A, "destination address, IPv4"),
    "ip protocol": FieldInfo(_N, "protocol number of the IPv4 header"),
    "ip frag-off": FieldInfo(_N, "fragment offset and flags, but for Don't Fragment: 0 in a whole packet"),
    "ip fragment": FieldInfo(_S, "first or later: iptables' `-f` asks for second and later fragments"),
    "ip ttl": FieldInfo(_N, "time to live"),
    "ip dscp": FieldInfo(_N, "DSCP of the IPv4 header"),
    "ip6 dscp": FieldInfo(_N, "DSCP of the IPv6 header"),
    "ip ecn": FieldInfo(_N, "ECN of the IPv4 header, the two bits beside DSCP"),
    "ip6 ecn": FieldInfo(_N, "ECN of the IPv6 header"),
    "ip tos": FieldInfo(_N, "the byte of DSCP and ECN (IPv4)"),
    "ip6 tos": FieldInfo(_N, "the byte of DSCP and ECN (IPv6, traffic class)"),
    "ip length": FieldInfo(_N, "total length of the IPv4 packet in bytes"),
    "ip6 length": FieldInfo(_N, "length of what is behind the header of IPv6, in bytes"),
    "ip6 saddr": FieldInfo(_A6, "source address, IPv6"),
    "ip6 daddr": FieldInfo(_A6, "destination address, IPv6"),
    "ip6 nexthdr": FieldInfo(_N, "next header of the IPv6 header (the protocol, where there is no extension header)"),
    "ip6 hoplimit": FieldInfo(_N, "hop limit"),
    # Transport header. "tcp dport" is absent in UDP; "th dport" is there for every protocol that has ports.
    "tcp sport": FieldInfo(_N, "TCP source port"),
    "tcp dport": FieldInfo(_N, "TCP destination port"),
    "tcp flags": FieldInfo(
        _N, "TCP flags byte (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32), nearly always with a mask"
    ),
    **{
        f"tcp option {name}": FieldInfo(_S, f"exists or missing: {about}")
        for name, about in (
            ("maxseg", "whether a packet announces the size of its segments"),
            ("sack-perm", "a SYN, or its answer, takes selective acknowledgements"),
            ("timestamp", "the time in a packet of TCP"),
            ("window", "a SYN, or its answer, scales its window"),
            ("sack", "what came behind a gap is acknowledged"),
            ("md5sig", "a packet is signed (RFC 2385)"),
            ("mptcp", "a connection may have several ways"),
            ("fastopen", "a SYN may carry data"),
        )
    },
    "tcp option maxseg size": FieldInfo(_N, "that size (MSS); absent but in a SYN or SYN/ACK"),
    "tcp option maxseg size or none": FieldInfo(
        _N, "as `tcp option maxseg size`; without one a negated match holds (xt tcpmss)", absent=Absent.EMPTY
    ),
    "udp sport": FieldInfo(_N, "UDP source port"),
    "udp dport": FieldInfo(_N, "UDP destination port"),
    "sctp sport": FieldInfo(_N, "SCTP source port"),
    "sctp dport": FieldInfo(_N, "SCTP destination port"),
    "th sport": FieldInfo(_N, "source port of any transport"),
    "th dport": FieldInfo(_N, "destination port of any transport"),
    "icmp type": FieldInfo(_N, "ICMP type"),
    "icmp code": FieldInfo(_N, "ICMP code"),
    "icmpv6 type": FieldInfo(_N, "ICMPv6 type"),
    "icmpv6 code": FieldInfo(_N, "ICMPv6 code"),
    # Link header. Absent in OUTPUT, and on devices without a link header.
    "ether saddr": FieldInfo(_M, "source MAC address of the frame that the packet came in"),
    "ether daddr": FieldInfo(_M, "destination MAC address of that frame"),
    "ether type": FieldInfo(_N, "EtherType (IPv4 0x0800, IPv6 0x86dd, ARP 0x0806)"),
    # ARP. Absent in packets of IP; a question has no MAC address of whom it is for.
    "arp htype": FieldInfo(_N, "hardware type of an ARP message (Ethernet 1)"),
    "arp ptype": FieldInfo(_N, "protocol that it asks about, as an EtherType (IPv4 0x0800)"),
    "arp hlen": FieldInfo(_N, "length of the hardware addresses in it (6)"),
    "arp plen": FieldInfo(_N, "length of the protocol addresses in it (4)"),
    "arp operation": FieldInfo(_N, "question (1) or answer (2)"),
    "arp saddr ip": FieldInfo(_A, "IPv4 address of who sends it"),
    "arp daddr ip": FieldInfo(_A, "IPv4 address that an ARP message asks for (ar_tip)"),
    "arp saddr ether": FieldInfo(_M, "MAC address of who sends it"),
    "arp daddr ether": FieldInfo(_M, "MAC address of the target (ar_tha); zeros in a request"),
    # What the kernel knows about the packet.
    "meta l4proto": FieldInfo(_N, "transport protocol number, behind IPv6 extension headers (`-p`)"),
    "meta nfproto": FieldInfo(_S, "family of the hook: ipv4, ipv6 (absent for others)"),
    "meta protocol": FieldInfo(_N, "EtherType of the packet (IPv4 0x0800, IPv6 0x86dd, ARP 0x0806)"),
    "meta iifname": FieldInfo(_D, "incoming device", absent=Absent.EMPTY),
    "meta oifname": FieldInfo(_D, "outgoing device", absent=Absent.EMPTY),
    "meta iif": FieldInfo(_D, "incoming device by index; shown by name while it exists", absent=Absent.EMPTY),
    "meta oif": FieldInfo(_D, "outgoing device by index; shown by name while it exists", absent=Absent.EMPTY),
    "meta iifkind": FieldInfo(_S, "kind of the incoming device (veth, bridge, wireguard, …)"),
    "meta oifkind": FieldInfo(_S, "kind of the outgoing device"),
    "meta iifgroup": FieldInfo(_N, "group of the incoming device (`devgroup --src-group`)"),
    "meta oifgroup": FieldInfo(_N, "group of the outgoing device"),
    "meta iiftype": FieldInfo(_N, "hardware type of the incoming device (ether 1, loopback 772)"),
    "meta oiftype": FieldInfo(_N, "hardware type of the outgoing device"),
    "meta ibrname": FieldInfo(_D, "bridge of the incoming port (bridge family)"),
    "meta obrname": FieldInfo(_D, "bridge of the outgoing port (bridge family)"),
    "physdev in": FieldInfo(_D, "bridge port that a bridged packet came in by", absent=Absent.EMPTY),
    "physdev out": FieldInfo(_D, "bridge port that a bridged packet leaves by", absent=Absent.EMPTY),
    "meta mark": FieldInfo(_N, "packet mark, 32 bits"),
    "meta length": FieldInfo(_N, "length of the packet in bytes, from the network header on"),
    "meta skuid": FieldInfo(_N, "user id of the sending socket (absent without one)"),
    "meta skgid": FieldInfo(_N, "group id of the sending socket (absent without one)"),
    "owner uid": FieldInfo(
        _N, "as `meta skuid`; without a socket a negated match holds (xt owner)", absent=Absent.EMPTY
    ),
    "owner gid": FieldInfo(
        _N, "as `meta skgid`; without a socket a negated match holds (xt owner)", absent=Absent.EMPTY
    ),
    "owner socket": FieldInfo(_S, "exists or missing: a sending socket (xt owner)"),
    "meta hour": FieldInfo(_N, "second of the day now, in the kernel's zone"),
    "meta day": FieldInfo(_N, "day of the week now, in the kernel's zone: Sunday 0 to Saturday 6"),
    "meta time": FieldInfo(_N, "now, in seconds since 1970"),
    "clock": FieldInfo(_N, "now, in seconds since 1970 (xt time)"),
    "clock second": FieldInfo(_N, "second of the day now (UTC)"),
    "clock weekday": FieldInfo(_N, "day of the week now (UTC): Monday 1 to Sunday 7"),
    "clock day": FieldInfo(_N, "day of the month now (UTC)"),
    **{
        f"zoned{part}": FieldInfo(_N, f"as `clock{part}`, in the kernel's zone (`--kerneltz`)")
        for part in ("", " second", " weekday", " day")
    },
    "meta pkttype": FieldInfo(_S, "who the frame is for: unicast (this host), broadcast, multicast, other"),
    # Connection tracking. "ct state" is always there (invalid without an entry); the others need an entry.
    "ct state": FieldInfo(_S, "new, established, related, invalid, untracked; xt's --ctstate adds snat and dnat"),
    "ct status": FieldInfo(_S, "dnat, snat, assured, confirmed, seen-reply, expected; several at once"),
    "ct direction": FieldInfo(_S, "original or reply"),
    "ct mark": FieldInfo(_N, "mark of the connection, 32 bits"),
    "ct label": FieldInfo(_N, "labels of the connection, 128 bits"),
    "ct label or none": FieldInfo(
        _N, "as `ct label`; without a connection a negated match holds (xt connlabel)", absent=Absent.EMPTY
    ),
    "ct zone": FieldInfo(_N, "zone that the connection is tracked in"),
    "ct l3proto": FieldInfo(_S, "family of the connection: ipv4, ipv6"),
    "ct protocol": FieldInfo(_N, "transport protocol number of the connection"),
    "ct original ip saddr": FieldInfo(_A, "source of the first packet before translation, IPv4"),
    "ct original ip daddr": FieldInfo(_A, "destination of the first packet before translation, IPv4"),
    "ct original ip6 saddr": FieldInfo(_A6, "source of the first packet before translation, IPv6"),
    "ct original ip6 daddr": FieldInfo(_A6, "destination of the first packet before translation, IPv6"),
    "ct original proto-src": FieldInfo(_N, "source port of the first packet before translation"),
    "ct original proto-dst": FieldInfo(_N, "destination port of the first packet before translation"),
    "ct reply ip saddr": FieldInfo(_A, "source that the replies carry, IPv4"),
    "ct reply ip daddr": FieldInfo(_A, "destination that the replies carry, IPv4"),
    "ct reply ip6 saddr": FieldInfo(_A6, "source that the replies carry, IPv6"),
    "ct reply ip6 daddr": FieldInfo(_A6, "destination that the replies carry, IPv6"),
    "ct reply proto-src": FieldInfo(_N, "source port that the replies carry"),
    "ct reply proto-dst": FieldInfo(_N, "destination port that the replies carry"),
    **{
        f"ct {direction}{what}": FieldInfo(_N, f"{about} of the connection so far, {way or 'both ways'}")
        for direction, way in (("", ""), ("original ", "there"), ("reply ", "back"))
        for what, about in (("bytes", "bytes"), ("packets", "packets"), ("avgpkt", "bytes in a packet on average"))
    },
    "ct helper": FieldInfo(_S, "helper of the connection that this one was expected by (absent without one)"),
    "ct helper or none": FieldInfo(
        _S, "as `ct helper`; without one a negated match holds (xt helper)", absent=Absent.EMPTY
    ),
    # Questions to the routing table. The part between the dots limits the question to a device or a mark.
    **{
        f"fib {end}{mark}{device} type": FieldInfo(_S, f"route type of the {about}: local, unicast, broadcast, …{by}")
        for end, about in _ENDS
        for mark in ("", " . mark")
        for device, by in (
            ("", ""),
            (" . iif", "; of local addresses, those of the incoming device"),
            (" . oif", "; of local addresses, those of the outgoing device"),
        )
    },
    **{
        f"fib {end}{mark}{device} {result}": FieldInfo(form, f"{what} the {about} is reached by{by}")
        for end, about in _ENDS
        for mark in ("", " . mark")
        for device, by in (("", ""), (" . iif", ", only if it is the incoming one"))
        for result, form, what in (
            ("oif", _S, "exists or missing: a device that"),
            ("oifname", _D, "the device that"),
            ("oif or local", _S, "as `oif`, addresses of one's own among them (xt rpfilter): a device that"),
        )
    },
    # The way that the packet has: absent before it is routed.
    "rt ip nexthop": FieldInfo(_A, "address of the next hop: the gateway, else the destination (IPv4)"),
    "rt ip6 nexthop": FieldInfo(_A6, "address of the next hop: the gateway, else the destination (IPv6)"),
    "rt mtu": FieldInfo(_N, "size of TCP's segments that fits into the ways on and back"),
    "rt classid": FieldInfo(_N, "realms of the way, that of the source in the upper 16 bits"),
    "meta rtclassid": FieldInfo(_N, "as `rt classid`"),
    # IPsec.
    "ipsec in": FieldInfo(_S, "exists or missing: whether the packet came by IPsec (xt policy)"),
    "ipsec out": FieldInfo(_S, "exists or missing: whether its way leads through IPsec (xt policy)"),
    "meta ipsec": FieldInfo(_S, "as `ipsec in`"),
    "rt ipsec": FieldInfo(_S, "as `ipsec out`; absent before the packet is routed"),
    # Known by name, answered "unknown".
    "nft limit": FieldInfo(_S, "rate limit", exact=False),
    "nft quota": FieldInfo(_S, "quota", exact=False),
    "nft ct count": FieldInfo(_S, "number of connections", exact=False),
    "nft numgen": FieldInfo(_S, "random or round robin number", exact=False),
    "nft hash": FieldInfo(_S, "hash of other fields", exact=False),
    "socket": FieldInfo(_S, "exists or missing: a socket that the packet belongs to, but for wildcard listeners (xt)"),
    "socket or wildcard": FieldInfo(_S, "as `socket`, wildcard listeners among them (`--nowildcard`)"),
    "socket transparent": FieldInfo(_N, "1 where that socket is a transparent proxy's"),
    "socket wildcard": FieldInfo(_N, "1 where that socket listens on any address"),
    "nft socket": FieldInfo(_S, "properties of the socket that the packet belongs to", exact=False),
    "xt statistic": FieldInfo(_S, "random or round robin choice", exact=False),
    "xt limit": FieldInfo(_S, "rate limit", exact=False),
    "xt hashlimit": FieldInfo(_S, "rate limit by address", exact=False),
    "xt recent": FieldInfo(_S, "list of recently seen addresses", exact=False),
    "xt connlimit": FieldInfo(_S, "number of connections", exact=False),
    "xt time": FieldInfo(_S, "days of the month whose night belongs to the day before", exact=False),
    "xt string": FieldInfo(_S, "payload search", exact=False),
    "xt set": FieldInfo(
        _S, "an ipset that has no exact form here (other options, unreadable, or mixed types)", exact=False
    ),
}


def form_of(name: str) -> Form:
    """The form of a field's values; NAME for a field that has no exact meaning here."""
    info = FIELDS.get(name)
    return info.form if info else Form.NAME


def is_exact(name: str) -> bool:
    """Whether a match on this field means just what the kernel does."""
    info = FIELDS.get(name)
    return info is not None and info.exact
