"""Names that the tools print for numbers, and the answers of REJECT.

Only names that stand for a number on the wire are here; values that are names in the model too ("established",
"local") stay as they are. Every table is read by both parsers. Numbers: IANA registries, <linux/if_ether.h>,
<linux/icmp.h>, <linux/icmpv6.h>; the names are those of iptables 1.8, nftables 1.1 and /etc/protocols.
"""

from __future__ import annotations

from engine.model.firewall import RejectKind

PROTOCOLS: dict[str, int] = {
    "ip": 0, "hopopt": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9,
    "pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37,
    "idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "esp": 50,
    "ah": 51, "skip": 57, "icmpv6": 58, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73,
    "vmtp": 81, "eigrp": 88, "ospf": 89, "ospfigp": 89, "ax.25": 93, "ipip": 94, "etherip": 97, "encap": 98,
    "pim": 103, "comp": 108, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "sctp": 132, "fc": 133,
    "mobility-header": 135, "ipv6-mh": 135, "mh": 135, "udplite": 136, "mpls-in-ip": 137, "manet": 138,
    "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143, "mptcp": 262,
}  # fmt: skip

ICMP_TYPES: dict[str, int] = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip

ICMP_CODES: dict[str, int] = {
    "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
    "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
}  # fmt: skip

ICMPV6_TYPES: dict[str, int] = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133, "router-solicitation": 133,
    "nd-router-advert": 134, "router-advertisement": 134, "nd-neighbor-solicit": 135, "neighbour-solicitation": 135,
    "neighbor-solicitation": 135, "nd-neighbor-advert": 136, "neighbour-advertisement": 136,
    "neighbor-advertisement": 136, "nd-redirect": 137, "redirect": 137, "router-renumbering": 138,
    "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip

ICMPV6_CODES: dict[str, int] = {
    "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
    "reject-route": 6,
}  # fmt: skip

ETHER_TYPES: dict[str, int] = {
    "ip": 0x0800, "arp": 0x0806, "ip6": 0x86DD, "vlan": 0x8100, "8021q": 0x8100, "8021ad": 0x88A8,
}  # fmt: skip

#: RFC 826 and RFC 903, by nft's names.
ARP_OPERATIONS: dict[str, int] = {
    "request": 1, "reply": 2, "rrequest": 3, "rreply": 4, "inrequest": 8, "inreply": 9, "nak": 10,
}  # fmt: skip

#: RFC 9293, 3.1, and RFC 3168 for the last two.
TCP_FLAGS: dict[str, int] = {
    "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128,
}  # fmt: skip

#: <linux/if_arp.h>, by nft's names.
HARDWARE_TYPES: dict[str, int] = {
    "ether": 1, "ppp": 512, "ipip": 768, "ipip6": 769, "loopback": 772, "sit": 776, "ipgre": 778,
}  # fmt: skip

#: The name that every host has for a group of devices (/etc/iproute2/group).
DEVICE_GROUPS: dict[str, int] = {"default": 0}

#: RFC 2474, RFC 2597, RFC 3246, RFC 8622, by the names of nft and iptables.
DSCP_CLASSES: dict[str, int] = {
    **{f"cs{number}": number << 3 for number in range(8)},
    **{f"af{number}{drop}": number << 3 | drop << 1 for number in range(1, 5) for drop in range(1, 4)},
    "be": 0, "df": 0, "lephb": 1, "voice-admit": 44, "va": 44, "ef": 46,
}  # fmt: skip

#: RFC 3168, by the names of nft.
ECN_CODES: dict[str, int] = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}

#: Options of TCP that are understood, by number, with nft's names (RFC 9293, 2018, 7323, 2385, 8684, 7413).
TCP_OPTIONS: dict[int, str] = {
    2: "maxseg", 3: "window", 4: "sack-perm", 5: "sack", 8: "timestamp", 19: "md5sig", 30: "mptcp", 34: "fastopen",
}  # fmt: skip

#: Options of IPv4 and extension headers of IPv6, by nft's names.
IP_OPTIONS = ("lsrr", "rr", "ssrr", "ra")
EXTENSIONS = ("frag", "hbh", "rt", "dst", "mh", "srh")

#: By nft's names, as the kernel counts them (nft_meta_weekday).
WEEKDAYS: dict[str, int] = {
    "Sunday": 0, "Monday": 1, "Tuesday": 2, "Wednesday": 3, "Thursday": 4, "Friday": 5, "Saturday": 6,
}  # fmt: skip

#: The realm that every host has a name for (/etc/iproute2/rt_realms).
REALMS: dict[str, int] = {"cosmos": 0}

#: What the numbers of a field may be called.
NUMBER_NAMES: dict[str, dict[str, int]] = {
    "ip protocol": PROTOCOLS,
    "ip6 nexthdr": PROTOCOLS,
    "meta l4proto": PROTOCOLS,
    "ct protocol": PROTOCOLS,
    "icmp type": ICMP_TYPES,
    "icmp code": ICMP_CODES,
    "icmpv6 type": ICMPV6_TYPES,
    "icmpv6 code": ICMPV6_CODES,
    "ether type": ETHER_TYPES,
    "meta protocol": ETHER_TYPES,
    "arp ptype": ETHER_TYPES,
    "arp operation": ARP_OPERATIONS,
    "tcp flags": TCP_FLAGS,
    "ip dscp": DSCP_CLASSES,
    "ip6 dscp": DSCP_CLASSES,
    "ip ecn": ECN_CODES,
    "ip6 ecn": ECN_CODES,
    "meta day": WEEKDAYS,
    "rt classid": REALMS,
    "meta rtclassid": REALMS,
    "meta iifgroup": DEVICE_GROUPS,
    "meta oifgroup": DEVICE_GROUPS,
    "meta iiftype": HARDWARE_TYPES,
    "meta oiftype": HARDWARE_TYPES,
}

#: nft's names for one user-visible value that has two.
SYNONYMS: dict[str, dict[str, str]] = {"meta pkttype": {"host": "unicast"}}

#: `REJECT --reject-with`, both families. Policy failure and reject route give the client the same error as
#: a prohibition (net/ipv6/icmp.c, tab_unreach).
XT_REJECTS: dict[str, RejectKind] = {
    "icmp-net-unreachable": RejectKind.NET_UNREACHABLE,
    "icmp-host-unreachable": RejectKind.HOST_UNREACHABLE,
    "icmp-proto-unreachable": RejectKind.PROTO_UNREACHABLE,
    "icmp-port-unreachable": RejectKind.PORT_UNREACHABLE,
    "icmp-net-prohibited": RejectKind.NET_PROHIBITED,
    "icmp-host-prohibited": RejectKind.HOST_PROHIBITED,
    "icmp-admin-prohibited": RejectKind.ADMIN_PROHIBITED,
    "icmp6-no-route": RejectKind.NET_UNREACHABLE,
    "icmp6-adm-prohibited": RejectKind.ADMIN_PROHIBITED,
    "icmp6-addr-unreachable": RejectKind.HOST_UNREACHABLE,
    "icmp6-port-unreachable": RejectKind.PORT_UNREACHABLE,
    "icmp6-policy-fail": RejectKind.ADMIN_PROHIBITED,
    "icmp6-reject-route": RejectKind.ADMIN_PROHIBITED,
    "tcp-reset": RejectKind.TCP_RESET,
}

#: nft's `reject with icmp|icmpv6|icmpx NAME`.
NFT_REJECTS: dict[str, RejectKind] = {
    "net-unreachable": RejectKind.NET_UNREACHABLE,
    "host-unreachable": RejectKind.HOST_UNREACHABLE,
    "prot-unreachable": RejectKind.PROTO_UNREACHABLE,
    "port-unreachable": RejectKind.PORT_UNREACHABLE,
    "net-prohibited": RejectKind.NET_PROHIBITED,
    "host-prohibited": RejectKind.HOST_PROHIBITED,
    "admin-prohibited": RejectKind.ADMIN_PROHIBITED,
    "no-route": RejectKind.NET_UNREACHABLE,
    "addr-unreachable": RejectKind.HOST_UNREACHABLE,
    "policy-fail": RejectKind.ADMIN_PROHIBITED,
    "reject-route": RejectKind.ADMIN_PROHIBITED,
}
