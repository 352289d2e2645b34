"""`ip -j address`, `ip -j neighbour` and `bridge -j fdb` as addresses, neighbours and forwarding entries."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from engine.model.link import Address, FdbEntry, Neighbour
from engine.observe.collected.reading import Row, rows
from engine.observe.collected.routes import named
from engine.observe.netlink.addresses import FLAGS, SCOPES

#: What `ip -j` says instead of a flag's name: "dynamic" stands for an address that is not permanent.
_NAMES = frozenset(name for _, name in FLAGS) | {"secondary", "temporary"}
#: Words of bridge(8) that the model keeps as flags.
_WORDS = frozenset({"static", "extern_learn", "offload", "sticky", "locked"})


#: What an entry of a bridge or a vxlan has.
_KEPT = frozenset({"master", "dst", "nhid"})


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The addresses of all links, IPv4 before IPv6 as the kernel tells them."""
    found = [(int(row["ifindex"]), each) for row in rows(text) for each in row.get("addr_info") or () if each]
    return tuple(
        _address(link, each) for family in ("inet", "inet6") for link, each in found if each.get("family") == family
    )


def _address(link: int, row: Row) -> Address:
    flags = {name for name in _NAMES if row.get(name) is True}
    if not row.get("dynamic") and not row.get("tentative"):
        flags.add("permanent")
    return Address(
        link=link,
        address=ip_address(row["local"]),
        prefixlen=int(row["prefixlen"]),
        scope=named(row.get("scope", "global"), SCOPES),
        peer=ip_address(row["address"]) if "address" in row else None,
        broadcast=ip_address(row["broadcast"]) if "broadcast" in row else None,
        flags=frozenset(flags),
    )


def parse_neighbours(text: str, indexes: Mapping[str, int]) -> tuple[Neighbour, ...]:
    """The neighbours, or the proxies."""
    return tuple(
        Neighbour(
            link=indexes[row["dev"]],
            address=ip_address(row["dst"]),
            mac=row.get("lladdr"),
            state="permanent" if "proxy" in row else str((row.get("state") or ["none"])[0]).lower(),
            proxy="proxy" in row,
        )
        for row in rows(text)
        if row.get("dev") in indexes
    )


def parse_fdb(text: str, indexes: Mapping[str, int]) -> tuple[FdbEntry, ...]:
    """The forwarding entries of bridges and vxlans; a plain device's multicast filter is left out."""
    kept = [row for row in rows(text) if row.get("ifname") in indexes and not _KEPT.isdisjoint(row)]
    return tuple(
        FdbEntry(
            link=indexes[row["ifname"]],
            master=indexes.get(row.get("master", "")),
            mac=str(row["mac"]),
            vlan=int(row["vlan"]) if "vlan" in row else None,
            local="master" in row and row.get("state") == "permanent",
            destination=ip_address(row["dst"]) if "dst" in row else None,
            port=int(row["port"]) if "port" in row else None,
            vni=int(row["vni"]) if "vni" in row else None,
            via=indexes.get(row["viaIf"]) if "viaIf" in row else row.get("viaIfIndex"),
            nexthop=int(row["nhid"]) if "nhid" in row else None,
            flags=_WORDS.intersection((*row.get("flags", ()), row.get("state", ""))),
        )
        for row in kept
    )
