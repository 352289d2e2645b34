"""What Docker Engine 26 writes into iptables: filter and nat, IPv4 only (its ip6tables is off by default). Pure.

A network's FORWARD rules are inserted at the top, so the newest network comes first; what it appends (no
inter-container traffic, published ports) comes in order of time. Seen in a real engine (`tests/engines`).
"""

from __future__ import annotations

from engine.lab.blueprint import Blueprint, Bridge
from engine.lab.layouts import xt

OWN = ("DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-USER")
ONE, TWO = "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"


def rules(lab: Blueprint) -> tuple[tuple[str, str], ...]:
    """The rules by IP family ("ip"), in iptables-save's format."""
    return (("ip", _filter(lab) + _nat(lab)),)


def _forward(bridge: Bridge) -> list[str]:
    link = bridge.link
    among = [f"FORWARD -i {link} -o {link} -j ACCEPT"] if bridge.icc else []
    if bridge.internal:
        return among
    return [
        f"FORWARD -o {link} {xt.ESTABLISHED}",
        f"FORWARD -o {link} -j DOCKER",
        f"FORWARD -i {link} ! -o {link} -j ACCEPT",
        *among,
    ]


def _isolation(bridge: Bridge) -> list[str]:
    link = bridge.link
    if bridge.internal:
        return [f"{ONE} ! -s {bridge.subnet} -o {link} -j DROP", f"{ONE} ! -d {bridge.subnet} -i {link} -j DROP"]
    return [f"{ONE} -i {link} ! -o {link} -j {TWO}"]


def _filter(lab: Blueprint) -> str:
    newest = lab.bridges[::-1]
    lines = ["FORWARD -j DOCKER-USER", f"FORWARD -j {ONE}"]
    lines += [line for bridge in newest for line in _forward(bridge)]
    lines += [f"FORWARD -i {bridge.link} -o {bridge.link} -j DROP" for bridge in lab.bridges if not bridge.icc]
    lines += [xt.accept(port, 4) for port in lab.published if xt.concerns(port, 4)]
    lines += [line for bridge in newest for line in _isolation(bridge)] + [f"{ONE} -j RETURN"]
    lines += [f"{TWO} -o {bridge.link} -j DROP" for bridge in newest if not bridge.internal] + [f"{TWO} -j RETURN"]
    return xt.table("filter", xt.FILTER_CHAINS, OWN, [*lines, "DOCKER-USER -j RETURN"])


def _nat(lab: Blueprint) -> str:
    proxy, newest = lab.spec.proxy, lab.bridges[::-1]
    published = [port for port in lab.published if xt.concerns(port, 4)]
    lines = xt.entrance(4, proxy=proxy)
    lines += [line for bridge in newest for line in xt.masquerade(bridge, 4, proxy=proxy)]
    lines += [xt.hairpin(port, 4) for port in published]
    lines += [f"DOCKER -i {bridge.link} -j RETURN" for bridge in newest if proxy and xt.masks(bridge, 4)]
    lines += [xt.translation(port, 4, proxy=proxy) for port in published]
    return xt.table("nat", xt.NAT_CHAINS, ("DOCKER",), lines)
