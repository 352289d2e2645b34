"""Words that Docker's iptables layouts share, and a table of them as iptables-save writes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.lab.blueprint import Bridge, Published
from engine.model.address import IPAddress, IPNetwork

FILTER_CHAINS = (("INPUT", "ACCEPT"), ("FORWARD", "DROP"), ("OUTPUT", "ACCEPT"))
NAT_CHAINS = (("PREROUTING", "ACCEPT"), ("INPUT", "ACCEPT"), ("OUTPUT", "ACCEPT"), ("POSTROUTING", "ACCEPT"))
RAW_CHAINS = (("PREROUTING", "ACCEPT"), ("OUTPUT", "ACCEPT"))
ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
LOCAL = "-m addrtype --dst-type LOCAL -j DOCKER"
LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}


def table(name: str, base: Sequence[tuple[str, str]], own: Sequence[str], rules: Iterable[str]) -> str:
    """One table in iptables-save's format: base chains with their policies, chains of one's own, rules."""
    lines = [
        f"*{name}",
        *(f":{chain} {policy} [0:0]" for chain, policy in base),
        *(f":{chain} - [0:0]" for chain in own),
    ]
    return "\n".join([*lines, *(f"-A {rule}" for rule in rules), "COMMIT", ""])


def single(address: IPAddress) -> str:
    """An address as iptables writes it: with its full prefix length."""
    return f"{address}/{address.max_prefixlen}"


def port_match(port: Published, number: int) -> str:
    """The match for a port."""
    return f"-p {port.protocol} -m {port.protocol} --dport {number}"


def subnet_of(bridge: Bridge, version: int) -> IPNetwork | None:
    """A bridge's subnet of an IP version."""
    return bridge.subnet if version == 4 else bridge.subnet6


def inside(port: Published, version: int) -> IPAddress | None:
    """The container's address of an IP version that a port leads to."""
    if version == 4:
        return port.end.address.ip
    return None if port.end.address6 is None else port.end.address6.ip


def concerns(port: Published, version: int) -> bool:
    """Whether a published port has rules of an IP version."""
    bound = port.host_address
    return (bound is None or bound.version == version) and inside(port, version) is not None


def translation(port: Published, version: int, *, proxy: bool) -> str:
    """The DNAT rule of a published port."""
    address = inside(port, version)
    target = f"[{address}]" if version == 6 else str(address)
    bound = f"-d {single(port.host_address)} " if port.host_address is not None else ""
    not_from = f"! -i {port.end.bridge.link} " if proxy else ""
    match = f"{bound}{not_from}{port_match(port, port.host_port)}"
    return f"DOCKER {match} -j DNAT --to-destination {target}:{port.container_port}"


def hairpin(port: Published, version: int) -> str:
    """The rule that masks a container which reaches itself by a published port."""
    address = inside(port, version)
    assert address is not None
    return (
        f"POSTROUTING -s {single(address)} -d {single(address)} {port_match(port, port.container_port)} -j MASQUERADE"
    )


def accept(port: Published, version: int) -> str:
    """The rule that lets a published port's packets in."""
    address, link = inside(port, version), port.end.bridge.link
    assert address is not None
    return f"DOCKER -d {single(address)} ! -i {link} -o {link} {port_match(port, port.container_port)} -j ACCEPT"


def masks(bridge: Bridge, version: int) -> bool:
    """Whether what leaves a bridge is masqueraded."""
    routed = bridge.routed if version == 4 else bridge.routed6
    return bridge.masquerade and not bridge.internal and not routed


def masquerade(bridge: Bridge, version: int, *, proxy: bool) -> list[str]:
    """The rules that mask what leaves a bridge, and without a proxy what the host sends to it."""
    if not masks(bridge, version):
        return []
    local = [] if proxy else [f"POSTROUTING -o {bridge.link} -m addrtype --src-type LOCAL -j MASQUERADE"]
    return [*local, f"POSTROUTING -s {subnet_of(bridge, version)} ! -o {bridge.link} -j MASQUERADE"]


def entrance(version: int, *, proxy: bool) -> list[str]:
    """The ways into nat's DOCKER chain. A proxy serves loopback addresses, so that they are spared."""
    spared = f"! -d {LOOPBACK[version]} " if proxy else ""
    return [f"PREROUTING {LOCAL}", f"OUTPUT {spared}{LOCAL}"]
