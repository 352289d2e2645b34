"""All about a node of the topology, as rows: what the snapshot says of it, and what has to be thought about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event

from engine.model.host import Netns, Snapshot
from engine.model.ref import Ref, RefKind
from views.describe.container import container_lines
from views.describe.device import device_lines
from views.describe.namespace import namespace_lines
from views.describe.page import Facts
from views.text import Line
from workbench.session.messages import Told
from workbench.session.stopping import ReportProgress, until_stopped


class Described(Told):
    """Rows at a width."""

    def __init__(self, lay: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self.lay = lay


def describe(snapshot: Snapshot, ref: Ref, cut_off: tuple[str, ...], told: ReportProgress, stop: Event) -> Described:
    """The page of a namespace or of a device. Raises `Stopped`."""
    from engine.explain.board import board  # noqa: PLC0415 - the first picture comes first
    from engine.explain.evidence.naming import naming_rules  # noqa: PLC0415

    step = until_stopped(told, stop)

    netns = snapshot.by_id[ref.netns]
    link = netns.links_by_index.get(int(ref.key[0])) if ref.kind is RefKind.LINK else None
    host = snapshot.host_netns
    if link is not None:
        own = [each.address for each in netns.addresses if each.link == link.index]
        rules = tuple(naming_rules(netns, own, (link.name,)))
        return Described(partial(device_lines, snapshot, netns, link, Facts(rules, (), cut_off)))
    inside = snapshot.containers_in(netns.id)
    if inside and netns is not host:
        rows = board(snapshot, step, {each.name for each in inside})
        facts = Facts(_about(host, netns), rows, cut_off)
        return Described(partial(container_lines, snapshot, netns, facts))
    rows = () if netns is host else board(snapshot, step, {netns.id})
    facts = Facts(() if netns is host else _about(host, netns), rows, cut_off)
    return Described(partial(namespace_lines, snapshot, netns, facts))


def _about(host: Netns, netns: Netns) -> tuple[Ref, ...]:
    """The host's rules that name one of the addresses of a namespace, or a device of the host that leads there."""
    from engine.explain.evidence.naming import naming_rules  # noqa: PLC0415

    addresses = [each.address for each in netns.addresses if not each.address.is_loopback]
    devices = [link.name for link in host.links if link.peer is not None and link.peer.netns == netns.id]
    return tuple(naming_rules(host, addresses, devices))
