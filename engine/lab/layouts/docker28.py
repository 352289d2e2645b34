"""What Docker Engine 28 writes into iptables and ip6tables: filter, nat, and drops of direct access in raw. Pure.

Per-network rules are appended, so the oldest network comes first; a published port's ACCEPT is inserted before the
network's DROP. raw PREROUTING drops what is sent to a container's own address from outside its network, and what
arrives from elsewhere for a port that is published on a loopback address.
Source: moby, integration/network/bridge/iptablesdoc.
"""

from __future__ import annotations

from engine.lab.blueprint import Blueprint, Bridge
from engine.lab.layouts import xt

OWN = ("DOCKER", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-FORWARD", "DOCKER-INTERNAL", "DOCKER-USER")
ICMP = {4: "icmp", 6: "ipv6-icmp"}


def rules(lab: Blueprint) -> tuple[tuple[str, str], ...]:
    """The rules by IP family ("ip", "ip6"), in iptables-save's format."""
    return tuple((family, _tables(lab, version)) for family, version in (("ip", 4), ("ip6", 6)))


def _tables(lab: Blueprint, version: int) -> str:
    bridges = [bridge for bridge in lab.bridges if xt.subnet_of(bridge, version) is not None]
    drops = _raw(lab, version)
    raw = xt.table("raw", xt.RAW_CHAINS, (), drops) if drops else ""
    return raw + _filter(lab, bridges, version) + _nat(lab, bridges, version)


def _routed(bridge: Bridge, version: int) -> bool:
    return bridge.routed if version == 4 else bridge.routed6


def _filter(lab: Blueprint, bridges: list[Bridge], version: int) -> str:
    external = [bridge for bridge in bridges if not bridge.internal]
    lines = ["FORWARD -j DOCKER-USER", "FORWARD -j DOCKER-FORWARD"]
    lines += [xt.accept(port, version) for port in reversed(lab.published) if xt.concerns(port, version)]
    for bridge in external:
        if _routed(bridge, version):
            lines.append(f"DOCKER -o {bridge.link} -p {ICMP[version]} -j ACCEPT")
        lines.append(f"DOCKER ! -i {bridge.link} -o {bridge.link} -j DROP")
    lines += [f"DOCKER-BRIDGE -o {bridge.link} -j DOCKER" for bridge in external]
    lines += [f"DOCKER-CT -o {bridge.link} {xt.ESTABLISHED}" for bridge in external]
    lines += [f"DOCKER-FORWARD -j {chain}" for chain in ("DOCKER-CT", "DOCKER-INTERNAL", "DOCKER-BRIDGE")]
    lines += [line for bridge in bridges for line in _leaving(bridge)]
    for bridge in bridges[::-1]:
        if bridge.internal:
            subnet = xt.subnet_of(bridge, version)
            lines += [f"DOCKER-INTERNAL ! -s {subnet} -o {bridge.link} -j DROP"]
            lines += [f"DOCKER-INTERNAL ! -d {subnet} -i {bridge.link} -j DROP"]
    return xt.table("filter", xt.FILTER_CHAINS, OWN, lines)


def _leaving(bridge: Bridge) -> list[str]:
    link = bridge.link
    if bridge.internal:
        return [f"DOCKER-FORWARD -i {link} -o {link} -j {'ACCEPT' if bridge.icc else 'DROP'}"]
    if bridge.icc:
        return [f"DOCKER-FORWARD -i {link} -j ACCEPT"]
    return [f"DOCKER-FORWARD -i {link} -o {link} -j DROP", f"DOCKER-FORWARD -i {link} ! -o {link} -j ACCEPT"]


def _nat(lab: Blueprint, bridges: list[Bridge], version: int) -> str:
    proxy = lab.spec.proxy
    published = [port for port in lab.published if xt.concerns(port, version) and not _routed(port.end.bridge, version)]
    lines = xt.entrance(version, proxy=proxy)
    lines += [line for bridge in bridges[::-1] for line in xt.masquerade(bridge, version, proxy=proxy)]
    lines += [] if proxy else [xt.hairpin(port, version) for port in published]
    lines += [xt.translation(port, version, proxy=proxy) for port in published]
    return xt.table("nat", xt.NAT_CHAINS, ("DOCKER",), lines)


def _raw(lab: Blueprint, version: int) -> list[str]:
    drops = []
    for node in lab.nodes:
        for end in node.ends:
            own = end.address if version == 4 else end.address6
            if own is not None and not end.bridge.internal and not _routed(end.bridge, version):
                drops.append(f"PREROUTING -d {xt.single(own.ip)} ! -i {end.bridge.link} -j DROP")
    for port in lab.published:
        bound = port.host_address
        if bound is not None and bound.is_loopback and bound.version == version:
            drops.append(f"PREROUTING -d {xt.single(bound)} ! -i lo {xt.port_match(port, port.host_port)} -j DROP")
    return drops
