"""What Podman's netavark writes: one table `inet netavark`, with chains of each network's subnets. Pure.

A published port leads by the hostport chain to the network's own; what must be masked on its way back gets a mark.
Seen in a real Podman (`tests/engines`); netavark, src/firewall/nft.rs.
"""

from __future__ import annotations

from itertools import groupby

from engine.lab.addresses import short_hash
from engine.lab.blueprint import Blueprint, Bridge, Published
from engine.lab.layouts import xt
from engine.model.address import IPNetwork

MARK = "0x00002000"
MULTICAST = {4: "224.0.0.0/4", 6: "::/8"}
WORD = {4: "ip", 6: "ip6"}
PLAIN = ("HOSTPORT-DNAT", "HOSTPORT-SETMARK", "ISOLATION-1", "ISOLATION-2", "ISOLATION-3")
BASE = {
    "INPUT": "type filter hook input priority filter; policy accept;",
    "FORWARD": "type filter hook forward priority filter; policy accept;",
    "POSTROUTING": "type nat hook postrouting priority srcnat; policy accept;",
    "PREROUTING": "type nat hook prerouting priority dstnat; policy accept;",
    "OUTPUT": "type nat hook output priority dstnat; policy accept;",
}


def rules(lab: Blueprint) -> tuple[tuple[str, str], ...]:
    """The table's text as `nft list` writes it."""
    pools = _pools(lab)
    chains: dict[str, list[str]] = {name: [declared] for name, declared in BASE.items()}
    chains |= {
        f"NETAVARK-{name}": []
        for name in ("HOSTPORT-DNAT", "HOSTPORT-SETMARK", "ISOLATION-1", "ISOLATION-2", "ISOLATION-3")
    }
    chains["INPUT"] += [f"{_saddr(subnet)} meta l4proto {{ tcp, udp }} th dport 53 accept" for _, subnet in pools]
    chains["FORWARD"] += ["ct state invalid drop", "jump NETAVARK-ISOLATION-1"]
    chains["POSTROUTING"].append(f"meta mark & {MARK} == {MARK} masquerade")
    for hook in ("PREROUTING", "OUTPUT"):
        chains[hook].append("fib daddr type local jump NETAVARK-HOSTPORT-DNAT")
    chains["NETAVARK-HOSTPORT-SETMARK"].append(f"meta mark set meta mark | {MARK}")
    for bridge, subnet in pools:
        chain = _name(bridge, subnet)
        word = WORD[subnet.version]
        chains["FORWARD"] += [f"{word} daddr {subnet} ct state established,related accept", f"{_saddr(subnet)} accept"]
        chains["POSTROUTING"].append(f"{_saddr(subnet)} jump {chain}")
        chains[chain] = [f"{word} daddr {subnet} accept", f"{word} daddr != {MULTICAST[subnet.version]} masquerade"]
        _publish(lab, bridge, subnet, chains)
    outward = list(dict.fromkeys(bridge.link for bridge, _ in pools))
    chains["NETAVARK-ISOLATION-3"] += [f'oifname "{link}" drop' for link in outward[::-1]] + [
        "jump NETAVARK-ISOLATION-2"
    ]
    body = "".join(
        f"\tchain {name} {{\n{''.join(f'{2 * chr(9)}{line}{chr(10)}' for line in lines)}\t}}\n"
        for name, lines in chains.items()
    )
    return (("inet", f"table inet netavark {{\n{body}}}\n"),)


def _saddr(subnet: IPNetwork) -> str:
    return f"{WORD[subnet.version]} saddr {subnet}"


def _pools(lab: Blueprint) -> list[tuple[Bridge, IPNetwork]]:
    """The subnets that lead outside: netavark writes nothing for internal networks, nor for empty ones."""
    used = {end.bridge.name for node in lab.nodes for end in node.ends}
    found: list[tuple[Bridge, IPNetwork]] = []
    for bridge in lab.bridges:
        if not bridge.internal and bridge.name in used:
            found += [(bridge, subnet) for subnet in (bridge.subnet, bridge.subnet6) if subnet is not None]
    return found


def _name(bridge: Bridge, subnet: IPNetwork) -> str:
    address = str(subnet.network_address).replace(".", "_").replace(":", "-")
    return f"nv_{short_hash(bridge.name)[:8]}_{address}_nm{subnet.prefixlen}"


def _publish(lab: Blueprint, bridge: Bridge, subnet: IPNetwork, chains: dict[str, list[str]]) -> None:
    ports = [port for port in lab.published if port.end.bridge == bridge and xt.concerns(port, subnet.version)]
    chain = f"{_name(bridge, subnet)}_dnat"
    lines: list[str] = []
    for run in _runs(ports):
        port = run[0]
        word = WORD[subnet.version]
        bound = f"{word} daddr {port.host_address} " if port.host_address is not None else ""
        span = str(port.host_port) if len(run) == 1 else f"{port.host_port}-{run[-1].host_port}"
        match = f"{bound}{port.protocol} dport {span}"
        chains["NETAVARK-HOSTPORT-DNAT"].append(f"{match} jump {chain}")
        lines.append(f"{_saddr(subnet)} {match} jump NETAVARK-HOSTPORT-SETMARK")
        if subnet.version == 4:
            lines.append(f"ip saddr 127.0.0.1 {match} jump NETAVARK-HOSTPORT-SETMARK")
        for each in run:
            address = xt.inside(each, subnet.version)
            target = f"ip6 to [{address}]" if subnet.version == 6 else f"ip to {address}"
            lines.append(f"{bound}{each.protocol} dport {each.host_port} dnat {target}:{each.container_port}")
    if lines:
        chains[chain] = lines


def _runs(ports: list[Published]) -> list[list[Published]]:
    """Ports of one container in rows of neighbours, as Podman joins them, each row ascending."""
    key = lambda port: (str(port.host_address or ""), str(port.protocol), port.host_port)  # noqa: E731 - a sort key
    found: list[list[Published]] = []
    for _, group in groupby(ports, key=lambda port: port.service):
        for port in sorted(group, key=key):
            last = found[-1][-1] if found else None
            if last is not None and _follows(last, port):
                found[-1].append(port)
            else:
                found.append([port])
    return found


def _follows(last: Published, port: Published) -> bool:
    same = (last.service, last.host_address, last.protocol) == (port.service, port.host_address, port.protocol)
    return same and last.host_port + 1 == port.host_port and last.container_port + 1 == port.container_port
