"""One visit to a namespace: a thread enters it and brings back all that the kernel knows of it.

A visit reads the network stack over netlink, then sysctls, firewall, listeners and tracked flows. Each source
fails on its own: what is missing is a gap, the rest is there. A namespace that may not be entered is a
visit that brings back nothing but one gap; one that has ended since it was found was never there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.firewall import Firewall
from engine.model.host import Gap
from engine.model.traffic import ConntrackEntry, Listener
from engine.observe.conntrack import read_conntrack
from engine.observe.errors import gap
from engine.observe.firewall.read import read_firewall
from engine.observe.namespaces import Place, enter
from engine.observe.sockets import read_listeners
from engine.observe.stack import Stack, read_stack
from engine.observe.sysctls import read_sysctls

#: How many flows a namespace tracks; absent where the kernel has no connection tracking.
COUNT = "net.netfilter.nf_conntrack_count"


@dataclass(frozen=True, slots=True)
class Visit:
    """All that one visit brought back. Listeners have no process yet, links no peer."""

    stack: Stack = field(default_factory=Stack)
    sysctls: Mapping[str, int] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)
    listeners: tuple[Listener, ...] = ()
    conntrack: tuple[ConntrackEntry, ...] = ()
    gaps: tuple[Gap, ...] = ()


def visit(place: Place, netns: str) -> Visit | None:
    """Enters a namespace and reads it; None when it is gone by now. Raises nothing."""
    try:
        enter(place)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Visit(gaps=(gap("namespace", netns, error),))
    stack = read_stack(netns)
    settings, unread = read_sysctls(netns)
    for each in stack.links:
        settings.update(each.sysctls)
    firewall, unfiltered = read_firewall(netns)
    listeners, unheard = read_listeners(netns)
    flows, untold = read_conntrack(netns, settings.get(COUNT, 0))
    gaps = (*stack.gaps, *unread, *unfiltered, *unheard, *untold)
    return Visit(stack, settings, firewall, listeners, flows, gaps)
