"""Filters below IP: rules of the bridge family by nft and by ebtables, the hooks of single devices, and ARP."""

from __future__ import annotations

from tests.fidelity.fuzz.hosts import MACS
from tests.fidelity.fuzz.plot import Plot
from tests.fidelity.fuzz.walls import Walls
from tests.fidelity.fuzz.words import Ground, one_address, one_port

VERDICTS = ((4.0, "accept"), (2.0, "drop"), (1.0, "return"), (2.0, "meta mark set 0x1"))
TARGETS = ((4.0, "ACCEPT"), (2.0, "DROP"), (1.0, "RETURN"), (0.5, "CONTINUE"))
#: ebtables' chains, by table.
EBTABLES = {"filter": ("INPUT", "FORWARD", "OUTPUT"), "nat": ("PREROUTING", "OUTPUT", "POSTROUTING")}


def _ip(family: int) -> str:
    return "ip" if family == 4 else "ip6"


def _asks(family: int) -> str:
    """What looks for a neighbour."""
    return "ether type arp" if family == 4 else "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"


def bridge(plot: Plot, walls: Walls) -> None:
    """A few rules of the bridge family, which see frames between ports, and to and from the host."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    ports, ip = plot.ports(), _ip(family)
    table = walls.nft("host", "bridge", "frames")
    for hook in dice.some(("prerouting", "input", "forward", "output", "postrouting"), 2):
        ground = Ground(plot, "host", "filter", hook, family)
        priority = dice.either("-200", "-100", "0", "1", "300")
        rules = table.chain(hook, f"type filter hook {hook} priority {priority}; policy accept;")
        for _ in range(dice.number(1, 3)):
            port = f'{"iif" if ground.arrives else "oif"}name {dice.either("", "!= ")}"{dice.pick(ports)}"'
            end = f"{ip} {dice.either('saddr', 'daddr')} {dice.either('', '!= ')}{one_address(ground)}"
            service = f"{dice.either('tcp', 'udp')} dport {one_port(ground)}"
            mac = f"ether saddr {dice.pick(MACS)}"
            matched = dice.weighted(
                (
                    *((3.0, service), (3.0, f"{port} {service}"), (3.0, f"{end} {service}")),
                    *((1.0, port), (1.0, mac), (0.5, _asks(family))),
                    (1.0 if ground.arrives else 0.0, f"meta pkttype {dice.either('host', 'other')} {service}"),
                )
            )
            rules.append(f"{matched} {dice.weighted(VERDICTS)}")


def ebtables(plot: Plot, walls: Walls) -> None:
    """Rules of ebtables, which has tables of the bridge family of its own, and matches of its own for IP and ARP."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    table = dice.either("filter", "filter", "nat")
    chain = dice.pick(EBTABLES[table])
    arrives = chain in ("PREROUTING", "INPUT", "FORWARD")
    rules = walls.ebtables("host").chain(table, chain)
    for _ in range(dice.number(1, 3)):
        port = f"{'-i' if arrives else '-o'} {dice.pick(plot.ports())}"
        mac = f"-s {dice.pick(MACS)}"
        kind = f"-p {dice.either('IPv4', 'IPv6', 'ARP') if family == 4 else 'IPv6'}"
        matched = dice.weighted(
            (
                *((2.0, port), (2.0, mac), (1.0, kind), (2.0, f"{kind} {port}"), (1.0, f"{port} {mac}")),
                *((4.0, _inside(plot, chain, family)), (0.5, f"{dice.either('', '! ')}--mark 0x1/0x3")),
            )
        )
        mark = f"mark --mark-{dice.either('set', 'or', 'xor')} 0x1 --mark-target {dice.either('ACCEPT', 'CONTINUE')}"
        rules.append(f"{matched} -j {mark if dice.chance(0.15) else dice.weighted(TARGETS)}")


def _inside(plot: Plot, chain: str, family: int) -> str:
    """What ebtables asks of the header in a frame."""
    dice, ground = plot.dice, Ground(plot, "host", "filter", chain.lower(), family)
    if family == 4 and dice.chance(0.2):
        operation, end = dice.either("Request", "Reply"), dice.either("src", "dst")
        return f"-p ARP --arp-op {operation} --arp-ip-{end} {one_address(ground)}"
    ip, name = ("ip", "IPv4") if family == 4 else ("ip6", "IPv6")
    protocol = dice.either("tcp", "udp")
    end = f"{dice.either('', '! ')}--{ip}-{dice.either('src', 'dst')} {one_address(ground)}"
    port = f"--{ip}-proto {protocol} {dice.either('', '! ')}--{ip}-dport {one_port(ground)}"
    echo = (
        f"--{ip}-proto {'icmp' if family == 4 else 'ipv6-icmp'} --{ip}-icmp-type echo-{dice.either('request', 'reply')}"
    )
    asked = dice.weighted(((2.0, end), (3.0, port), (2.0, f"{end} {port}"), (1.0, echo)))
    return f"-p {name} {asked}"


def device(plot: Plot, walls: Walls) -> None:
    """Rules at a device's own hook, before everything else or after it."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    netns = dice.weighted([(weight, name) for weight, name in ((6.0, "host"), (1.0, "lan"), (1.0, "web"))])
    link = dice.pick([end.link for wire in plot.wires for end in wire if end.netns == netns])
    hook = dice.either("ingress", "ingress", "egress")
    kind = "inet" if hook == "ingress" and dice.chance(0.3) else "netdev"
    ground = Ground(plot, netns, "filter", hook, family)
    table = walls.nft(netns, kind, "wire")
    rules = table.chain(f"{hook}_{link}", f'type filter hook {hook} device "{link}" priority {dice.number(-5, 5)};')
    ip = _ip(family)
    for _ in range(dice.number(1, 3)):
        end = f"{ip} {dice.either('saddr', 'daddr')} {dice.either('', '!= ')}{one_address(ground)}"
        service = f"{dice.either('tcp', 'udp')} dport {one_port(ground)}"
        table_of = (
            (3.0, service),
            (3.0, f"{end} {service}"),
            (1.0, end),
            (0.3 if kind == "netdev" else 0.0, _asks(family)),
        )
        verdict = dice.weighted(((3.0, "accept"), (2.0, "drop"), (1.5, "meta mark set 0x1"), (1.0, "counter")))
        rules.append(f"{dice.weighted(table_of)} {verdict}")


def arp(plot: Plot, walls: Walls) -> None:
    """Rules for ARP, by the host or a container: of what is asked, and of answers."""
    dice = plot.dice
    if 4 not in plot.families:
        return
    netns = dice.weighted([(6.0, "host"), (1.0, "web")])
    hook = dice.either("input", "output")
    ground = Ground(plot, netns, "filter", hook, 4)
    rules = walls.nft(netns, "arp", "asks").chain(hook, f"type filter hook {hook} priority 0; policy accept;")
    side = "iif" if hook == "input" else "oif"
    name = dice.pick(plot.links(netns))
    matched = dice.weighted(
        (
            (3.0, f"arp {dice.either('saddr', 'daddr')} ip {one_address(ground)}"),
            (1.0, f'{side}name "{name}"'),
            (1.0, f"arp operation {dice.either('request', 'reply')}"),
        )
    )
    rules.append(f"{matched} {dice.either('accept', 'drop', 'counter')}")
