"""What each container engine writes into the host's firewall for the same networks and ports: one module a layout.

A layout is a function `rules(blueprint)` that gives restore texts by IP family, and the settings of the bridges that
go with them. `load` turns them into changes for the firewall tool that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.lab.blueprint import Blueprint
from engine.lab.layouts import docker26, docker28, docker29, podman
from engine.lab.layouts.names import BACKENDS
from engine.model.firewall import Backend
from engine.model.plan import LoadRules, SetSysctl

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


def settings(lab: Blueprint) -> tuple[SetSysctl, ...]:
    """What the engine sets in the host's namespace beside its rules."""
    found = [("net.ipv4.ip_forward", 1)]
    if any(bridge.subnet6 for bridge in lab.bridges):
        found += [("net.ipv6.conf.all.forwarding", 1), ("net.ipv6.conf.default.forwarding", 1)]
    ported = {port.end.bridge.link for port in lab.published}
    for bridge in lab.bridges:
        link = bridge.link
        if lab.spec.layout == "podman":
            found.append((f"net.ipv4.conf.{link}.rp_filter", 2))
            found += [(f"net.ipv4.conf.{link}.route_localnet", 1)] if link in ported else []
            found += [(f"net.ipv4.conf.{link}.forwarding", 0)] if bridge.internal else []
            found += [(f"net.ipv6.conf.{link}.accept_ra", 0)] if bridge.subnet6 else []
        else:
            found.append((f"net.ipv6.conf.{link}.accept_ra", 0))
            found += [] if lab.spec.proxy else [(f"net.ipv4.conf.{link}.route_localnet", 1)]
    return tuple(SetSysctl(lab.host, name, value) for name, value in found)
