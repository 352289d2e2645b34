"""What each container engine writes into the host's firewall for the same networks and ports: one module a layout.

A layout is a function `rules(blueprint)` that gives restore texts by IP family; `load` turns them into changes for the
firewall tool that was asked for. What an engine sets for the host, its bridges and the containers' links is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.change.ruleset import LoadRules
from engine.change.sysctl import SetSysctl
from engine.lab.blueprint import Blueprint, Bridge, End, Node
from engine.lab.layouts import docker26, docker28, docker29, podman
from engine.lab.layouts.names import BACKENDS
from engine.model.firewall import Backend

Rules = Callable[[Blueprint], tuple[tuple[str, str], ...]]
#: By layout and firewall tool. Docker 29 without nftables writes what Docker 28 does.
WRITERS: Mapping[str, Rules] = {
    "docker-26": docker26.rules,
    "docker-28": docker28.rules,
    "docker-29": docker29.rules,
    "podman": podman.rules,
}


def load(lab: Blueprint) -> tuple[LoadRules, ...]:
    """The layout's rules as changes of the lab's host."""
    backend = BACKENDS[lab.backend]
    writer = WRITERS[lab.spec.layout]
    if writer is docker29.rules and backend is not Backend.NFT:
        writer = docker28.rules
    return tuple(LoadRules(lab.host, backend, text, family, replace=True) for family, text in writer(lab))


def host_settings(lab: Blueprint) -> tuple[SetSysctl, ...]:
    """What the engine sets in the host's namespace as a whole."""
    found = [("net.ipv4.ip_forward", 1)]
    if any(bridge.subnet6 for bridge in lab.bridges):
        found += [("net.ipv6.conf.all.forwarding", 1), ("net.ipv6.conf.default.forwarding", 1)]
    return _in(lab.host, found)


def bridge_settings(lab: Blueprint, bridge: Bridge) -> tuple[SetSysctl, ...]:
    """What the engine sets for a bridge before it comes up."""
    link = bridge.link
    if lab.spec.layout != "podman":
        local = [] if lab.spec.proxy else [(f"net.ipv4.conf.{link}.route_localnet", 1)]
        return _in(lab.host, [(f"net.ipv6.conf.{link}.accept_ra", 0), *local])
    found = [(f"net.ipv4.conf.{link}.rp_filter", 2)]
    ported = any(port.end.bridge.link == link for port in lab.published)
    found += [(f"net.ipv4.conf.{link}.route_localnet", 1)] if ported else []
    found += [(f"net.ipv4.conf.{link}.forwarding", 0)] if bridge.internal else []
    if bridge.subnet6:
        found += [(f"net.ipv6.conf.{link}.accept_dad", 0), (f"net.ipv6.conf.{link}.accept_ra", 0)]
    return _in(lab.host, found)


def container_settings(lab: Blueprint, node: Node, end: End) -> tuple[SetSysctl, ...]:
    """What the engine sets for a container's link before it comes up."""
    link = end.link
    if lab.spec.layout != "podman":
        return () if end.address6 else _in(node.netns, [(f"net.ipv6.conf.{link}.disable_ipv6", 1)])
    found = [(f"net.ipv6.conf.{link}.autoconf", 0), (f"net.ipv4.conf.{link}.arp_notify", 1)]
    found += [(f"net.ipv4.conf.{link}.rp_filter", 2)]
    found += [(f"net.ipv6.conf.{link}.accept_dad", 0)] if end.address6 else []
    return _in(node.netns, found)


def _in(netns: str, settings: Iterable[tuple[str, int]]) -> tuple[SetSysctl, ...]:
    return tuple(SetSysctl(netns, name, value) for name, value in settings)
