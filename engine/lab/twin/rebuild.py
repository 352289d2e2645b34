"""A snapshot becomes a plan: everything that decides a packet, in the order in which the kernel can take it.

Namespaces, then devices level by level, then each namespace's own: settings, what devices are told, addresses, routes,
rules of routing, neighbours; then firewalls, flows, and programs. Nothing of the machine's own network is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from engine.apply.kinds import VLAN_FILTERING
from engine.change.batch import Batch, line_of
from engine.change.namespace import CreateNetns
from engine.change.program import PROGRAMS
from engine.change.sysctl import SetSysctls
from engine.lab.errors import LabError
from engine.lab.twin import addresses as addressing
from engine.lab.twin import flows, sockets
from engine.lab.twin.beyond import Beyond, beyond
from engine.lab.twin.firewall.rules import rules
from engine.lab.twin.ipsec import policies
from engine.lab.twin.left_out import LeftOut, Omissions
from engine.lab.twin.link_words import MADE
from engine.lab.twin.links import LinkPlanner, Stub, bridge_settings, settings_of
from engine.lab.twin.namespaces import TwinNode, nodes_of
from engine.lab.twin.policy_rules import policy_rules
from engine.lab.twin.routes import routes
from engine.lab.twin.settings import NEW_DEVICES, settings
from engine.model.address import IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.plan import Change, Plan
from engine.records import dataclass, field

#: More namespaces than a machine builds in a reasonable time.
MOST = 5000


@dataclass(frozen=True, slots=True)
class TwinOptions:
    """How a snapshot is rebuilt. `lacks` are kinds of device that the kernel does not have, with the reason; `clients`
    who asks from beyond a device: the id of its namespace, its name, and an address."""

    lacks: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[tuple[str, str, IPAddress], ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A twin before it is built: the plan, its nodes with what they stand for, those beyond, and what is left out."""

    snapshot: Snapshot
    plan: Plan
    nodes: tuple[TwinNode, ...]
    beyond: tuple[Beyond, ...]
    left_out: tuple[LeftOut, ...]


def kinds_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The kinds of device that a kernel must have to build a snapshot, of those that are built at all."""
    links = [link for netns in snapshot.namespaces for link in netns.links]
    kinds = {link.kind for link in links} & MADE - {"bridge"}
    filtering = any(link.bridge is not None and link.bridge.vlan_filtering for link in links)
    return (*sorted(kinds), *([VLAN_FILTERING] if filtering else []))


def rebuild(whole: Snapshot, lab: str, options: TwinOptions) -> Rebuilt:
    """The twin of a snapshot, as a lab of this name. Raises LabError for one of too many namespaces."""
    if len(whole.namespaces) > MOST:
        problem = f"{len(whole.namespaces)} namespaces are more than the {MOST} that are built"
        raise LabError(f"{problem}; build what a question meets, with --only TARGET --from SOURCE")
    out = Omissions()
    _unbuilt(whole, out)
    nodes = nodes_of(whole, lab)
    planner = LinkPlanner(whole, nodes, options.lacks, out)
    devices = planner.plan()
    others = beyond(whole, devices.stubs, options.clients)
    named = {node.origin: node for node in nodes}
    builder = _Builder(whole, planner, devices.made, named, out)
    changes = [CreateNetns(node.netns) for node in (*nodes, *_stub_nodes(devices.stubs))]
    here = [*changes, *builder.before(), *devices.batches, *builder.first(devices.order)]
    for each in others:
        here += each.changes(whole)
    for origin in devices.order:
        here += builder.stack(whole.by_id[origin])
    for each in others:
        here += each.last(whole)
    here += builder.last()
    for origin in devices.order:
        here += builder.filters(whole.by_id[origin])
    title = f"twin {lab} of {whole.hostname or 'a host'}: {len(nodes)} namespaces"
    return Rebuilt(whole, Plan(title, tuple(_programs_last(here))), nodes, others, out.rows)


def _stub_nodes(stubs: Iterable[Stub]) -> Iterator[TwinNode]:
    return (stub.node for stub in stubs)


def _programs_last(changes: Iterable[Change]) -> list[Change]:
    rows = [*changes]
    return sorted(rows, key=lambda each: isinstance(each, PROGRAMS))


def _unbuilt(snapshot: Snapshot, out: Omissions) -> None:
    """What is of the whole snapshot and not rebuilt."""
    for each in snapshot.gaps:
        out.leave(each.netns, each.source, f"the snapshot does not have it: {each.reason}", "answers that rest on it")
    if snapshot.proxies:
        out.leave("", f"{len(snapshot.proxies)} proxies' sites", "no proxy runs in a twin", "questions for a URL")
    for netns in snapshot.namespaces:
        for learned in netns.exceptions:
            what = f"what was learned about {learned.destination}"
            out.leave(netns.id, what, "a kernel takes it from packets only", "large packets to it")


@dataclass(frozen=True, slots=True)
class _Builder:
    """What is done in the namespaces once all devices are there."""

    snapshot: Snapshot
    planner: LinkPlanner
    made: Collection[tuple[str, int]]
    nodes: Mapping[str, TwinNode]
    out: Omissions

    def before(self) -> Iterator[Change]:
        """What new devices begin with."""
        return (SetSysctls(node.netns, NEW_DEVICES) for node in self.nodes.values())

    def links(self, netns: Netns) -> dict[int, Link]:
        """The devices of a namespace that are there, by index."""
        return {
            link.index: link
            for link in netns.links
            if (netns.id, link.index) in self.made or (link.kind == "loopback" and link.index == 1)
        }

    @property
    def careful(self) -> bool:
        """Whether there are nexthop objects, or routes of several ways of which one is dead: each can be made only by a
        device with a carrier, so that all devices are up before any is made, and those that are down go down when all
        is built (net/ipv4/fib_semantics.c, fib_check_nh, fib_sync_down_dev)."""
        return any(
            netns.nexthops or any("dead" in hop.flags for route in netns.routes for hop in route.nexthops)
            for netns in self.snapshot.namespaces
        )

    def first(self, order: Iterable[str]) -> Iterator[Change]:
        """All devices up, where that has to be."""
        for netns in (self.snapshot.by_id[origin] for origin in order if self.careful):
            yield from self._batch(netns, ("ip",), settings_of(netns, self.made, self.planner, all_up=True))

    def last(self) -> Iterator[Change]:
        """Those that are down."""
        for netns in self.snapshot.namespaces if self.careful else ():
            down = [link for link in netns.links if not link.up and (netns.id, link.index) in self.made]
            yield from self._batch(netns, ("ip",), (["link", "set", "dev", link.name, "down"] for link in down))

    def stack(self, netns: Netns) -> Iterator[Change]:
        """Settings, devices, addresses, routes and neighbours of a namespace."""
        here, links = self.nodes[netns.id].netns, self.links(netns)
        if values := settings(netns, [link.name for link in links.values()], self.out):
            yield SetSysctls(here, values)
        told = () if self.careful else settings_of(netns, self.made, self.planner)
        first = (*told, *addressing.addresses(netns, links, self.out))
        ways = [*routes(netns, links, self.out), *policy_rules(netns, self.out)]
        rows = [
            *((False, words) for words in first),
            *addressing.nexthop_objects(netns, links, self.out),
            *((six, words) for six, words in ways if not six),
            *((False, words) for words in addressing.neighbours(netns, links)),
            *((False, words) for words in policies(netns, links, self.out)),
            *((six, words) for six, words in ways if six),
        ]
        for six, run in groupby(rows, key=lambda row: row[0]):
            yield from self._batch(netns, ("ip", "-6") if six else ("ip",), (words for _, words in run))
        yield from self._batch(netns, ("bridge",), bridge_settings(netns, self.made))

    def _batch(self, netns: Netns, program: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[Batch]:
        lines = []
        for words in rows:
            try:
                lines.append(line_of(words))
            except ValueError as error:
                self.out.leave(netns.id, f"{' '.join(program)} {' '.join(words)}", str(error))
        if lines:
            yield Batch(self.nodes[netns.id].netns, program, tuple(lines))

    def filters(self, netns: Netns) -> Iterator[Change]:
        """Firewall, forwarding entries, flows and programs of a namespace."""
        node = self.nodes[netns.id]
        yield from self._batch(netns, ("bridge",), addressing.forwarding(netns, self.links(netns)))
        yield from rules(netns, node.netns, self.out)
        if (tracked := flows.flows(netns, node.netns, self.out)) is not None:
            yield tracked
        yield from sockets.sockets(self.snapshot, netns, node, self.out)
