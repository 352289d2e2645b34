"""Rules of native nftables, each one line of a chain: up to three conditions of `nft_matches`, and what is done."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fidelity.fuzz.lawn import Lawn, several
from tests.fidelity.fuzz.nft_matches import MATCHES, PORTS
from tests.fidelity.fuzz.words import REJECTS, a_mark, a_range, one_address, one_device, one_network, one_port

#: xtables' words for rejections, as nftables has them.
REJECT_WORDS = {4: "icmp", 6: "icmpv6"}
NAMES = {"adm-prohibited": "admin-prohibited", "addr-unreachable": "addr-unreachable", "proto-unreachable":
         "prot-unreachable"}  # fmt: skip
PROTOCOLS = ((3.0, ""), (4.0, "tcp"), (2.0, "udp"), (2.0, "th"), (0.7, "icmp"))


def rule(lawn: Lawn, chains: Sequence[str] = (), kind: str = "filter") -> str:
    """One line of a chain of type `kind`; `chains` may be jumped to."""
    dice = lawn.dice
    protocol = dice.weighted(PROTOCOLS)
    usable = [
        (part.weight, part)
        for part in MATCHES
        if lawn.hook in part.hooks and (not part.protocols or protocol in part.protocols)
    ]
    parts = list(dict.fromkeys(dice.weighted(usable) for _ in range(dice.weighted(((4.0, 1), (3.0, 2), (1.0, 3))))))
    words = [part.words(lawn, protocol) for part in parts]
    words += ["counter"] if dice.chance(0.15) else []
    done = verdict(lawn, chains, kind, protocol)
    idle = done in ("", "log") and not all(part.decided for part in parts)
    return " ".join([*words, "accept" if idle else done]).strip()


def _reject(lawn: Lawn, protocol: str) -> str:
    kind = lawn.dice.pick([each for each in REJECTS[lawn.family] if each != "tcp-reset"])
    name = kind.partition("-")[2]
    word = NAMES.get(name, name)
    if lawn.mixed and lawn.dice.chance(0.5):
        return "reject with icmpx " + lawn.dice.either("port-unreachable", "admin-prohibited", "no-route")
    if protocol == "tcp" and lawn.dice.chance(0.3):
        return "reject with tcp reset"
    return lawn.dice.either(f"reject with {REJECT_WORDS[lawn.family]} {word}", "reject")


def _setting(lawn: Lawn, protocol: str) -> str:
    value, mask = a_mark(lawn)
    ports = several([f"{one_port(lawn)} : {value:#x}"])
    by_port = [f"meta mark set {protocol} dport map {ports}"] if protocol in PORTS else []
    return lawn.dice.either(
        *by_port,
        f"meta mark set {value:#x}",
        f"meta mark set meta mark & {~mask & 0xFFFFFFFF:#x} | {value:#x}",
        f"meta mark set meta mark ^ {value:#x}",
        f"ct mark set {value:#x}",
        f"ct label set {lawn.dice.number(1, 3)}",
        "ct mark set meta mark",
        "meta mark set ct mark",
        f"ct mark set ct mark & {~mask & 0xFFFFFFFF:#x} | {value:#x}",
        f"ct mark set meta mark & {mask:#x}",
        f"meta mark set ct mark & {mask:#x}",
        f"meta mark set ct mark & {mask:#x} | {value:#x}",
        f"meta mark set {lawn.ip} saddr map {several([f'{one_network(lawn)} : {value:#x}', '* : 0x2'])}",
        f"ct mark set meta mark map {several([f'{value:#x} : 0x2', '0x100-0x1ff : 0x1'])}",
        "meta mark set numgen inc mod 2 offset 1",
    )


def _hops(lawn: Lawn) -> str:
    return f"{'ip ttl' if lawn.family == 4 else 'ip6 hoplimit'} set {lawn.dice.either(1, 1, 2, 3, 200)}"


def _map_of_verdicts(lawn: Lawn, chains: Sequence[str], protocol: str) -> str:
    dice = lawn.dice
    verdicts = ["accept", "drop", "return", "continue", *(f"jump {chain}" for chain in chains)]
    by_port = 1.0 if protocol in PORTS else 0.0
    kind = dice.weighted(((3.0 * by_port, "port"), (2.0, "state"), (2.0, "device"), (1.5, "address"),
                          (by_port, "named"), (by_port, "pair"), (3.0, "rare")))  # fmt: skip
    if kind == "pair":
        low, high = a_range(lawn)
        entry = f"{one_network(lawn)} . {low}-{high} : {dice.pick(verdicts)}"
        words = f"type ipv{lawn.family}_addr . inet_service : verdict; flags interval; elements = {several([entry])}"
        reference = lawn.sets.name("map", words) if dice.chance(0.5) else several([entry])
        return f"{lawn.ip} {dice.either('saddr', 'daddr')} . {protocol} dport vmap {reference}"
    if kind == "rare":
        return _rare_map(lawn, verdicts)
    if kind == "state":
        return f"ct state vmap {{ established : accept, related : accept, invalid : {dice.pick(verdicts)} }}"
    if kind == "device":
        side = "iifname" if lawn.arrives else "oifname"
        keys = dict.fromkeys(f'"{one_device(lawn)}"' for _ in range(2))
        return f"{side} vmap {several([f'{key} : {dice.pick(verdicts)}' for key in keys])}"
    if kind == "address":
        keys = dict.fromkeys(one_address(lawn) for _ in range(2))
        return f"{lawn.ip} daddr vmap {several([f'{key} : {dice.pick(verdicts)}' for key in keys])}"
    keys = dict.fromkeys(str(one_port(lawn)) for _ in range(2))
    entries = several([f"{key} : {dice.pick(verdicts)}" for key in keys])
    if kind == "named":
        return f"{protocol} dport vmap " + lawn.sets.name("map", f"type inet_service : verdict; elements = {entries}")
    return f"{protocol} dport vmap {entries}"


def _rare_map(lawn: Lawn, verdicts: Sequence[str]) -> str:
    """Verdicts by marks, directions, types of addresses, networks and protocols, with and without a last resort."""
    dice = lawn.dice
    value, _ = a_mark(lawn)
    key, values = dice.either(
        ("meta mark", (f"{value:#x}", "0x100-0x1ff")),
        ("ct mark", (f"{value:#x}", "0x100")),
        ("ct direction", ("original", "reply")),
        ("ct status", ("dnat", "snat")),
        ("fib daddr type", ("local", "unicast")),
        (f"{lawn.ip} saddr", (one_network(lawn),)),
        ("meta l4proto", ("tcp", "udp")),
        ("meta pkttype", ("unicast", "broadcast")),
        (f"{lawn.ip} dscp", ("cs0", "ef")),
        ("tcp flags", ("syn", "syn | ack")),
        ("ct state . meta l4proto", ("new . tcp", "established . udp")),
    )
    entries = [f"{each} : {dice.pick(verdicts)}" for each in values]
    entries += [f"* : {dice.pick(verdicts)}"] if dice.chance(0.3) and " . " not in key and key != "ip6 dscp" else []
    return f"{key} vmap {several(entries)}"


def verdict(lawn: Lawn, chains: Sequence[str], kind: str, protocol: str) -> str:
    """What a rule does in the end."""
    dice = lawn.dice
    to = dice.pick(chains) if chains else ""
    table: list[tuple[float, str]] = [(7.0, "accept"), (1.5, "return"), (1.0, ""), (0.4, "log"), (0.5, "continue")]
    table += [(4.0, f"jump {to}"), (1.5, f"goto {to}")] if to else []
    table += [(2.5, _setting(lawn, protocol)), (0.4, f"{lawn.ip} dscp set {dice.either('ef', 'cs0', '0x02')}")]
    if protocol == "tcp" and lawn.leaves:
        table += [(0.5, f"tcp option maxseg size set {dice.either('1000', '1400', 'rt mtu')}")]
    if kind != "nat":
        table += [(2.5, "drop"), (2.0, _map_of_verdicts(lawn, chains, protocol))]
    if kind != "nat" and lawn.hook == "output":
        table += [(1.0, _hops(lawn))]
    if kind == "filter" and lawn.hook in ("prerouting", "input", "forward", "output"):
        table += [(2.0, _reject(lawn, protocol))]
    return dice.weighted(table)
