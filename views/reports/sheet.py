"""A snapshot as tables: what a document shows beside its picture.

Pure. A `Sheet` is a title, a sentence that says what it tells, columns and rows of plain text; Markdown, HTML, text and
JSON all write the same sheets. Rows are in the snapshot's order, which is the kernel's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.model.container import Container
from engine.model.firewall import Firewall
from engine.model.host import Netns, Snapshot
from engine.model.route import NextHop, table_name
from engine.model.traffic import Listener
from engine.records import dataclass, field
from views.nat.rows import ChainRow, RuleRow
from views.nat.rows import rows as firewall_rows
from views.nat.words import action

Row = tuple[str, ...]
#: The table of rules, and its column that a chain's own row leaves empty.
FIREWALL, CHAIN_NUMBER = "firewall", 2


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. `name` is its stable id (an HTML anchor, a JSON key).

    `notes` explain single cells, by row and column: a page shows them when asked. `heads` are rows that stand above
    others, as a chain does above its rules.
    """

    name: str
    title: str
    tells: str
    columns: Row
    rows: tuple[Row, ...]
    notes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    heads: frozenset[int] = frozenset()


def sheets(snapshot: Snapshot) -> tuple[Sheet, ...]:
    """All tables that have a row, in the order in which one reads."""
    made = (_sheet(tuple(rows(snapshot)), name, title, tells, columns) for name, title, tells, columns, rows in TABLES)
    return tuple(sheet for sheet in made if sheet.rows)


def _sheet(rows: tuple[Row, ...], name: str, title: str, tells: str, columns: Row) -> Sheet:
    heads = {number for number, row in enumerate(rows) if name == FIREWALL and not row[CHAIN_NUMBER]}
    return Sheet(name, title, tells, columns, rows, heads=frozenset(heads))


def _published(snapshot: Snapshot) -> Iterator[Row]:
    """Each published port, and what really listens at the port that it is meant to lead to."""
    for container in snapshot.containers:
        for port in container.published:
            where = str(port.host_address or "*")
            host = f"[{where}]" if ":" in where else where
            yield (
                f"{host}:{port.host_port}/{port.protocol}",
                container.name,
                f"{port.container_port}/{port.protocol}",
                _really_listens(snapshot, container, port.container_port, str(port.protocol)),
            )


def _really_listens(snapshot: Snapshot, container: Container, port: int, protocol: str) -> str:
    netns = snapshot.by_id.get(container.netns or "")
    if netns is None:
        return f"nothing: the container is {container.state}"
    found = [one for one in netns.listeners if one.port == port and str(one.protocol) == protocol]
    if not found:
        others = sorted({f"{one.port}/{one.protocol}" for one in netns.listeners})
        return f"no listener; it listens on {', '.join(others)}" if others else "no listener"
    return "; ".join(_holder(one) for one in found)


def _holder(listener: Listener) -> str:
    return f"{listener} {listener.process.name}" if listener.process else str(listener)


def _containers(snapshot: Snapshot) -> Iterator[Row]:
    for one in snapshot.containers:
        addresses = [str(each) for at in one.attachments for each in (at.address, at.address6) if each is not None]
        networks = ", ".join(at.network for at in one.attachments) or one.network_mode
        compose = f"{one.project}/{one.service}" if one.project else ""
        yield one.name, one.engine, one.state, one.image, networks, ", ".join(addresses), compose


def _networks(snapshot: Snapshot) -> Iterator[Row]:
    for one in snapshot.networks:
        kind = f"{one.driver}, internal" if one.internal else one.driver
        yield one.name, one.engine, kind, one.bridge, ", ".join(one.subnets)


def _links(snapshot: Snapshot) -> Iterator[Row]:
    for netns in snapshot.namespaces:
        for link in netns.links:
            own = ", ".join(str(address) for address in netns.addresses if address.link == link.index)
            master = netns.links_by_index.get(link.master) if link.master is not None else None
            state = "up" if link.works else "no carrier" if link.up else "down"
            leads = f"port of {master.name}" if master else ""
            if link.peer is not None and not leads:
                leads = _far_end(snapshot, link.peer.netns, link.peer.index)
            yield netns.id, link.name, link.kind or "device", state, str(link.mtu), own, leads


def _far_end(snapshot: Snapshot, netns: str | None, index: int) -> str:
    there = snapshot.by_id.get(netns or "")
    link = there.links_by_index.get(index) if there else None
    return f"to {link.name} in {there.id}" if there and link else "to a namespace outside of the snapshot"


def _listeners(snapshot: Snapshot) -> Iterator[Row]:
    for netns in snapshot.namespaces:
        for one in netns.listeners:
            process = one.process
            yield netns.id, str(one), process.name if process else "", str(process.pid) if process else ""


def _routes(snapshot: Snapshot) -> Iterator[Row]:
    for netns in snapshot.namespaces:
        for route in netns.routes:
            if table_name(route.table) != "local":
                leads = "; ".join(_hop(netns, hop) for hop in route.nexthops)
                yield netns.id, table_name(route.table), str(route.destination), leads or route.kind


def _hop(netns: Netns, hop: NextHop) -> str:
    link = netns.links_by_index.get(hop.link or 0)
    words = (f"via {hop.gateway}" if hop.gateway else "", f"dev {link.name}" if link else "")
    return " ".join(word for word in words if word)


def _rules(snapshot: Snapshot) -> Iterator[Row]:
    for netns in snapshot.namespaces:
        yield from _firewall(netns.id, netns.firewall)


def _firewall(netns: str, firewall: Firewall) -> Iterator[Row]:
    """Chains and rules in the order in which a packet meets them; a chain's own row tells its hook and policy."""
    for row in firewall_rows(firewall):
        if isinstance(row, ChainRow):
            base = row.chain.base
            where = f"hook {base.hook}, priority {base.priority}, policy {base.policy}" if base else "chain"
            yield netns, f"{row.table.name}/{row.chain.name}", "", f"{where} ({row.table.backend})", "", ""
        elif isinstance(row, RuleRow):
            table, chain, index = row.key[2:]
            packets = "" if row.rule.packets is None else str(row.rule.packets)
            does, _ = action(row.rule, row.backend)
            yield netns, f"{table}/{chain}", str(index), row.rule.text, does, packets


def _gaps(snapshot: Snapshot) -> Iterator[Row]:
    for gap in snapshot.gaps:
        yield gap.source, gap.netns or "host", gap.reason


Maker = Callable[[Snapshot], Iterator[Row]]

TABLES: tuple[tuple[str, str, str, Row, Maker], ...] = (
    (
        "published",
        "Published ports",
        "Published ports as the engines have them, and the sockets that listen there.",
        ("At the host", "Container", "Container port", "Listener"),
        _published,
    ),
    (
        "containers",
        "Containers",
        "As their engines describe them.",
        ("Name", "Engine", "State", "Image", "Networks", "Addresses", "Compose"),
        _containers,
    ),
    (
        "networks",
        "Networks",
        "As the container engines describe them.",
        ("Name", "Engine", "Kind", "Bridge", "Subnets"),
        _networks,
    ),
    (
        "devices",
        "Devices and addresses",
        "Every device of every network namespace.",
        ("Namespace", "Device", "Kind", "State", "MTU", "Addresses", "Leads to"),
        _links,
    ),
    (
        "listeners",
        "Listening sockets",
        "Sockets that accept connections, with their addresses.",
        ("Namespace", "Listens at", "Process", "PID"),
        _listeners,
    ),
    (
        "routes",
        "Routes",
        "All tables but the local one, in the kernel's order.",
        ("Namespace", "Table", "Destination", "Leads to"),
        _routes,
    ),
    (
        FIREWALL,
        "NAT and filter rules",
        "In evaluation order: by hook, then by priority, all backends together.",
        ("Namespace", "Chain", "Rule", "Condition", "Action", "Packets"),
        _rules,
    ),
    (
        "gaps",
        "Not inspected",
        "Where a row is missing above, this may be why.",
        ("Source", "Where", "Reason"),
        _gaps,
    ),
)
