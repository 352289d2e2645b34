"""`ip -d -j route` and `ip -d -j rule` as routes and policy rules.

Both are asked with -N, so that tables, origins and scopes are numbers whatever names the machine has for them; an
`ip` without -N prints the names of its files, of which the usual ones are known. The lines that people read are written
by the writers of the netlink readers, which want to know which attributes there were.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from engine.model.address import Family, IPAddress, IPNetwork
from engine.model.route import TABLE_NAMES, NextHop, PolicyRule, Route
from engine.observe.collected.reading import Row, rows
from engine.observe.netlink.addresses import SCOPES
from engine.observe.netlink.policy_rule_text import IP_PROTOCOLS, rule_text
from engine.observe.netlink.policy_rules import ACTIONS
from engine.observe.netlink.route_text import PREFERENCES, PROTOCOLS, route_text
from engine.observe.netlink.routes import DEAD_ENDS, KINDS
from engine.records import replace

_RTA_OIF, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_PREF, _RTA_NH_ID, _FRA_PROTOCOL = 4, 6, 9, 20, 30, 21


def named(value: object, names: Mapping[int, str]) -> str:
    """A name of a table of numbers, from either."""
    word = str(value)
    return names.get(int(word), word) if word.isdecimal() else word


def number(value: object, names: Mapping[int, str]) -> int:
    """A number of a table of names, from either. Raises ValueError for an unknown name."""
    word = str(value)
    known = {name: key for key, name in names.items()}
    return known[word] if word in known else int(word, 0)


def parse_routes(text: str, family: Family, indexes: Mapping[str, int]) -> tuple[Route, ...]:
    """The routes of one family; `indexes` has the devices' by name."""
    devices = {index: name for name, index in indexes.items()}
    return tuple(_route(row, family, indexes, devices) for row in rows(text))


def _route(row: Row, family: Family, indexes: Mapping[str, int], devices: Mapping[int, str]) -> Route:
    kind = named(row.get("type", "unicast"), KINDS)
    found = {_RTA_PRIORITY: b""} if "metric" in row else {}
    if row.get("nexthops"):
        found[_RTA_MULTIPATH] = b""
    if "dev" in row:
        found[_RTA_OIF] = struct.pack("=I", indexes.get(row["dev"], 0))
    if "pref" in row:
        found[_RTA_PREF] = bytes([number(row["pref"], PREFERENCES)])
    if "nhid" in row:
        found[_RTA_NH_ID] = struct.pack("=I", int(row["nhid"]))
    hops = tuple(_hop(each, indexes) for each in row.get("nexthops") or ([row] if "dev" in row or _via(row) else []))
    route = Route(
        destination=_destination(row["dst"], family),
        table=number(row.get("table", 254), TABLE_NAMES),
        kind=kind,
        metric=int(row.get("metric", 0)),
        tos=int(str(row.get("tos", 0)), 0),
        scope=named(row.get("scope", "global"), SCOPES),
        protocol=named(row.get("protocol", "boot"), PROTOCOLS),
        preferred_source=ip_address(row["prefsrc"]) if "prefsrc" in row else None,
        nexthops=() if kind in DEAD_ENDS else hops,
        source=ip_network(row["from"]) if "from" in row else None,
        preference=named(row.get("pref", "medium"), PREFERENCES),
        nexthop=int(row["nhid"]) if "nhid" in row else None,
        mtu=_metric(row, "mtu"),
        advmss=_metric(row, "advmss"),
    )
    return replace(route, text=route_text(route, found, devices))


def _metric(row: Row, name: str) -> int | None:
    return next((int(each[name]) for each in row.get("metrics") or () if name in each), None)


def _destination(word: str, family: Family) -> IPNetwork:
    if word == "default":
        return ip_network("0.0.0.0/0" if family is Family.INET else "::/0")
    return ip_network(word)


def _via(row: Row) -> IPAddress | None:
    gateway = row.get("gateway") or (row.get("via") or {}).get("host")
    return ip_address(gateway) if gateway else None


def _hop(row: Row, indexes: Mapping[str, int]) -> NextHop:
    flow = row.get("flow") or {}
    return NextHop(
        indexes.get(row["dev"]) if "dev" in row else None,
        _via(row),
        int(row.get("weight", 1)),
        frozenset(map(str, row.get("flags") or ())),
        str(row.get("encap", "")),
        _realm(flow.get("from", 0), flow.get("to", 0)),
    )


def _realm(source: object, to: object) -> int:
    """Both realms; those that have a name in a file of the machine are left out."""
    low, high = (int(str(each)) if str(each).isdecimal() else 0 for each in (to, source))
    return high << 16 | low


def parse_rules(text: str, family: Family) -> tuple[PolicyRule, ...]:
    """The policy rules of one family."""
    return tuple(_rule(row, family) for row in rows(text))


def _rule(row: Row, family: Family) -> PolicyRule:
    found = {_FRA_PROTOCOL: bytes([number(row.get("protocol", 0), PROTOCOLS) & 0xFF])}
    uids = (int(row["uid_start"]), int(row["uid_end"])) if "uid_start" in row else None
    rule = PolicyRule(
        family=family,
        priority=int(row["priority"]),
        action=_action(row),
        table=number(row.get("table", 0), TABLE_NAMES),
        source=_prefix(row, "src", "srclen"),
        destination=_prefix(row, "dst", "dstlen"),
        iif=row.get("iif"),
        oif=row.get("oif"),
        fwmark=int(str(row["fwmark"]), 0) if "fwmark" in row else None,
        fwmask=int(str(row.get("fwmask", 0xFFFFFFFF)), 0),
        tos=int(str(row.get("tos", 0)), 0),
        ip_protocol=_ip_protocol(row["ipproto"]) if "ipproto" in row else None,
        sport=_range(row, "sport"),
        dport=_range(row, "dport"),
        uid_range=uids,
        suppress_prefixlength=int(row["suppress_prefixlen"]) if "suppress_prefixlen" in row else None,
        goto=int(row["goto"]) if str(row.get("goto", "")).isdecimal() else None,
        invert="not" in row,
        l3mdev="l3mdev" in row,
        unmodelled=_unmodelled(row),
        realm=_realm(row.get("flow_from", 0), row.get("flow_to", 0)),
    )
    return replace(rule, text=rule_text(rule, _flags(row), found))


def _action(row: Row) -> str:
    if "goto" in row:
        return "goto"
    if "nop" in row:
        return "nop"
    return named(row["action"], ACTIONS) if "action" in row else "table"


def _flags(row: Row) -> int:
    """What the text says in brackets (FIB_RULE_UNRESOLVED, …_IIF_DETACHED, …_OIF_DETACHED)."""
    return 0x4 * ("unresolved" in row) | 0x8 * ("iif_detached" in row) | 0x10 * ("oif_detached" in row)


def _prefix(row: Row, key: str, length: str) -> IPNetwork | None:
    word = row.get(key, "all")
    return None if word == "all" else ip_network(f"{word}/{row[length]}" if length in row else word)


def _ip_protocol(word: object) -> int:
    known = {name: key for key, name in IP_PROTOCOLS.items()}
    text = str(word).removeprefix("ipproto-")
    return known[text] if text in known else int(text)


def _range(row: Row, key: str) -> tuple[int, int] | None:
    if key in row:
        return int(row[key]), int(row[key])
    return (int(row[f"{key}_start"]), int(row[f"{key}_end"])) if f"{key}_start" in row else None


def _unmodelled(row: Mapping[str, Any]) -> tuple[str, ...]:
    masks = tuple(
        f"{name} {int(str(row[key]), 0):#x}"
        for key, name, empty in (("sport_mask", "sport mask", 0xFFFF), ("dport_mask", "dport mask", 0xFFFF))
        if key in row and int(str(row[key]), 0) != empty
    )
    others = (("tun_id", "tun_id"), ("suppress_ifgroup", "suppress_ifgroup"), ("flowlabel", "flowlabel"))
    return tuple(f"{name} {row[key]}" for key, name in others if key in row) + masks
