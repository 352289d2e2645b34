"""What Docker Engine 29 writes with its nftables backend: a table `docker-bridges` for each IP version. Pure.

Verdict maps lead from a link's name to the chains of its bridge; reasons stand in the rules' comments.
Source: moby, integration/network/bridge/nftablesdoc.
"""

from __future__ import annotations

from engine.lab.blueprint import Blueprint, Bridge
from engine.lab.layouts import xt
from engine.lab.layouts.nft import nft_chain

MAPS = ("filter-forward-in", "filter-forward-out", "nat-postrouting-in", "nat-postrouting-out")
LOOPBACK = {4: "127.0.0.0/8", 6: "::1"}
ICMP = {4: "ip protocol icmp", 6: "meta l4proto ipv6-icmp"}


def rules(lab: Blueprint) -> tuple[tuple[str, str], ...]:
    """One text for both tables, as `nft list` writes them; its family is "inet" for want of a single one."""
    return (("inet", "".join(_table(lab, version) for version in (4, 6))),)


def _table(lab: Blueprint, version: int) -> str:
    bridges = [bridge for bridge in lab.bridges if xt.subnet_of(bridge, version) is not None]
    maps = [_map(name, bridges) for name in MAPS]
    chains = [nft_chain(name, lines) for name, lines in _base(lab, version)]
    chains += [nft_chain(name, lines) for bridge in bridges for name, lines in _own(lab, bridge, version)]
    name = f"ip{'' if version == 4 else '6'} docker-bridges"
    return f"table {name} {{\n{''.join([*maps, *chains])}}}\n"


def _map(name: str, bridges: list[Bridge]) -> str:
    elements = ", ".join(f'"{bridge.link}" : jump {name}__{bridge.link}' for bridge in bridges)
    listed = f"\t\telements = {{ {elements} }}\n" if elements else ""
    return f"\tmap {name}-jumps {{\n\t\ttype ifname : verdict\n{listed}\t}}\n"


def _base(lab: Blueprint, version: int) -> list[tuple[str, list[str]]]:
    proxy, word = lab.spec.proxy, "ip" if version == 4 else "ip6"
    spared = f"{word} daddr != {LOOPBACK[version]} " if proxy else ""
    local = "fib daddr type local counter jump nat-prerouting-and-output"
    return [
        (
            "filter-FORWARD",
            [
                "type filter hook forward priority filter; policy accept;",
                "oifname vmap @filter-forward-in-jumps",
                "iifname vmap @filter-forward-out-jumps",
            ],
        ),
        ("nat-OUTPUT", ["type nat hook output priority dstnat; policy accept;", f"{spared}{local}"]),
        (
            "nat-POSTROUTING",
            [
                "type nat hook postrouting priority srcnat; policy accept;",
                "iifname vmap @nat-postrouting-out-jumps",
                "oifname vmap @nat-postrouting-in-jumps",
            ],
        ),
        ("nat-PREROUTING", ["type nat hook prerouting priority dstnat; policy accept;", local]),
        ("nat-prerouting-and-output", _translations(lab, version)),
        ("raw-PREROUTING", ["type filter hook prerouting priority raw; policy accept;", *_raw(lab, version)]),
    ]


def _routed(bridge: Bridge, version: int) -> bool:
    return bridge.routed if version == 4 else bridge.routed6


def _translations(lab: Blueprint, version: int) -> list[str]:
    lines = []
    word = "ip" if version == 4 else "ip6"
    for port in lab.published:
        if not xt.concerns(port, version) or _routed(port.end.bridge, version):
            continue
        address = xt.inside(port, version)
        target = f"[{address}]" if version == 6 else str(address)
        link = f'iifname != "{port.end.bridge.link}" ' if lab.spec.proxy else ""
        bound = f"{word} daddr {port.host_address} " if port.host_address is not None else ""
        match = f"{link}{bound}{port.protocol} dport {port.host_port}"
        lines.append(f'{match} counter dnat to {target}:{port.container_port} comment "DNAT"')
    return lines


def _raw(lab: Blueprint, version: int) -> list[str]:
    lines = []
    word = "ip" if version == 4 else "ip6"
    for node in lab.nodes:
        for end in node.ends:
            own = end.address if version == 4 else end.address6
            if own is not None and not end.bridge.internal and not _routed(end.bridge, version):
                away = f'{word} daddr {own.ip} iifname != "{end.bridge.link}"'
                lines.append(f'{away} counter drop comment "DROP DIRECT ACCESS"')
    for port in lab.published:
        bound = port.host_address
        if bound is not None and bound.is_loopback and bound.version == version:
            match = f'iifname != "lo" {word} daddr {bound} {port.protocol} dport {port.host_port}'
            lines.append(f'{match} counter drop comment "DROP REMOTE LOOPBACK"')
    return lines


def _own(lab: Blueprint, bridge: Bridge, version: int) -> list[tuple[str, list[str]]]:
    """The four chains of a bridge."""
    link, word = bridge.link, "ip" if version == 4 else "ip6"
    names = [f"{each}__{link}" for each in MAPS]
    known = "ct state established,related counter accept"
    among = f"counter {'accept' if bridge.icc else 'drop'} comment"
    ports = [port for port in lab.published if port.end.bridge == bridge and xt.concerns(port, version)]
    if bridge.internal:
        come = [known, f'iifname != "{link}" counter drop comment "INTERNAL NETWORK INGRESS"', f'{among} "ICC"']
        leave = [known, f'oifname != "{link}" counter drop comment "INTERNAL NETWORK EGRESS"']
        return [
            (name, lines)
            for name, lines in zip((f"{each}__{link}" for each in MAPS), (come, leave, [], []), strict=True)
        ]
    come = [known]
    if _routed(bridge, version):
        come.append(f'{ICMP[version]} counter accept comment "ICMP"')
    come.append(f'iifname "{link}" {among} "ICC"')
    come += [
        f"{word} daddr {xt.inside(port, version)} {port.protocol} dport {port.container_port} counter accept"
        for port in ports
    ]
    come.append('counter drop comment "UNPUBLISHED PORT DROP"')
    leave = [known, 'counter accept comment "OUTGOING"']
    mask_in = [] if lab.spec.proxy else ['fib saddr type local counter masquerade comment "MASQUERADE FROM HOST"']
    if not lab.spec.proxy:
        for port in ports:
            address = xt.inside(port, version)
            itself = f"{word} saddr {address} {word} daddr {address} {port.protocol} dport {port.container_port}"
            mask_in.append(f'{itself} counter masquerade comment "MASQ TO OWN PORT"')
    mask_out = []
    if xt.masks(bridge, version):
        outward = f'oifname != "{link}" {word} saddr {xt.subnet_of(bridge, version)}'
        mask_out.append(f'{outward} counter masquerade comment "MASQUERADE"')
    if _routed(bridge, version):
        mask_in = []
    return list(zip(names, (come, leave, mask_in, mask_out), strict=True))
