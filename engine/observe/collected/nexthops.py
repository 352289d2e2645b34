"""`ip -d -j nexthop` as nexthop objects, and `ip -o route show cache` as what the kernel learned of destinations.

The cache is read as text: the JSON of iproute2 leaves out that an MTU is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from itertools import pairwise

from engine.model.route import TABLE_NAMES, NextHop, NextHopObject, RouteException
from engine.observe.collected.reading import Row, rows
from engine.observe.collected.routes import number

#: Types of routes that `ip route` writes in front; only unicast routes, which it does not name, are learned.
_KINDS = frozenset({"local", "broadcast", "multicast", "anycast", "unreachable", "prohibit", "blackhole", "throw"})


def parse_objects(text: str, indexes: Mapping[str, int]) -> tuple[NextHopObject, ...]:
    """The nexthop objects; `indexes` has the devices' by name."""
    return tuple(_object(row, indexes) for row in rows(text))


def _object(row: Row, indexes: Mapping[str, int]) -> NextHopObject:
    key, fdb = int(row["id"]), "fdb" in row
    if "group" in row:
        group = tuple((int(each["id"]), int(each.get("weight", 1))) for each in row["group"])
        return NextHopObject(key, group=group, fdb=fdb)
    gateway = row.get("gateway") or (row.get("via") or {}).get("host")
    if "blackhole" in row or not ("dev" in row or gateway):
        return NextHopObject(key, blackhole="blackhole" in row, fdb=fdb)
    return NextHopObject(
        key,
        NextHop(
            indexes.get(row["dev"]) if "dev" in row else None,
            ip_address(gateway) if gateway else None,
            1,
            frozenset(map(str, row.get("flags") or ())),
            str(row.get("encap", "")),
        ),
        fdb=fdb,
    )


def parse_learned(text: str, indexes: Mapping[str, int]) -> tuple[RouteException, ...]:
    """The learned unicast routes, each once."""
    lines = (line.replace("\\", " ").split() for line in text.splitlines())
    found = (_learned(words, indexes) for words in lines if words and words[0] not in _KINDS)
    return tuple(dict.fromkeys(found))


def _learned(words: list[str], indexes: Mapping[str, int]) -> RouteException:
    told = dict(pairwise(words))
    locked = told.get("mtu") == "lock"
    mtu = told.get("lock") if locked else told.get("mtu")
    via = words[words.index("via") + 1 :] if "via" in words else []
    gateway = next((ip_address(word) for word in via if word not in ("inet", "inet6")), None)
    link = indexes.get(told["dev"]) if "dev" in told else None
    shown = [words[0], *(["via", str(gateway)] if gateway is not None else [])]
    shown += ["dev", told["dev"]] if "dev" in told else []
    shown += ["mtu", *(["lock"] if locked else []), mtu] if mtu is not None else []
    return RouteException(
        destination=ip_address(words[0]),
        source=ip_address(told["from"]) if "from" in told else None,
        link=link,
        gateway=gateway,
        mtu=int(mtu) if mtu is not None else None,
        locked=locked,
        table=number(told.get("table", 254), TABLE_NAMES),
        text=" ".join(shown),
    )
