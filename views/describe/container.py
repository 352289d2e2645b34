"""A container on a page: what its engine says of it, and what its namespace holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.address import end_of
from engine.model.container import Container
from engine.model.host import Netns, Snapshot
from views.describe.namespace import missing, stack
from views.describe.page import Facts, Row, Section, alone, naming, page, pairs, reached
from views.text import Line, Role

#: Characters of an id.
SHORT = 12


def container_lines(snapshot: Snapshot, netns: Netns, facts: Facts, width: int) -> list[Line]:
    """The page of a namespace that containers live in; several share it in a pod, or by `container:NAME`."""
    inside = snapshot.containers_in(netns.id)
    first = inside[0]
    sections: list[Section] = []
    for each in inside:
        sections.append(Section(each.name if len(inside) > 1 else "", _container(each, netns)))
        sections.append(Section("Networks", list(_networks(snapshot, each))))
        sections.append(Section("Publishes", list(_published(each))))
    sections += [reached(facts), *stack(snapshot, netns), naming(facts), alone(facts), *missing(snapshot, netns)]
    mark = "●" if first.state == "running" else "○"
    return page(mark, " + ".join(each.name for each in inside), f"container · {first.state}", sections, width)


def _container(each: Container, netns: Netns) -> tuple[Row, ...]:
    compose = " · ".join(filter(None, (f"project {each.project}" if each.project else "", each.service)))
    return pairs(
        ("image", each.image),
        ("engine", each.engine),
        ("id", each.id[:SHORT]),
        ("compose", compose),
        ("pod", each.pod),
        ("mode", each.network_mode),
        ("pid", each.pid),
        ("namespace", f"{netns.id}  {netns.path or ''}".rstrip()),
    )


def _networks(snapshot: Snapshot, each: Container) -> Iterator[Row]:
    known = {network.name: network for network in snapshot.networks if network.engine == each.engine}
    for place in each.attachments:
        network = known.get(place.network)
        gateways = " ".join(str(one) for one in (place.gateway, place.gateway6) if one is not None)
        parts = (
            " ".join(str(one) for one in (place.address, place.address6) if one is not None) or "no address",
            f"gateway {gateways}" if gateways else "",
            f"bridge {network.bridge}" if network is not None and network.bridge else "",
            "internal" if network is not None and network.internal else "",
            place.mac,
        )
        yield Row(place.network, "  ".join(filter(None, parts)))


def _published(each: Container) -> Iterator[Row]:
    for port in each.published:
        at = end_of(port.host_address, port.host_port) if port.host_address else f":{port.host_port}"
        private = port.host_address is not None and port.host_address.is_loopback
        only = "  for the host alone" if private else ""
        yield Row(at, f"→ {port.container_port}/{port.protocol}{only}", Role.WARN if private else Role.PLAIN)
