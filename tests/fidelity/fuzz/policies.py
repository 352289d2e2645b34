"""Policies of IPsec: what is blocked, let pass, or wanted to come by it. None wraps up what leaves: there is no ESP."""

from __future__ import annotations

from tests.fidelity.fuzz.plot import Plot
from tests.fidelity.fuzz.walls import Walls
from tests.fidelity.fuzz.words import Ground, one_address, one_network, one_port

ANY = {4: "0.0.0.0/0", 6: "::/0"}
WANTED = "tmpl proto esp mode transport"


def ipsec(plot: Plot, walls: Walls) -> None:
    """A few policies of one namespace; no two have the same selector and direction, which the kernel refuses."""
    del walls
    dice = plot.dice
    netns = dice.weighted([(6.0, "host"), (1.0, "lan"), (1.0, "web")])
    wanted = dice.chance(0.2)
    found: dict[str, str] = {}
    for _ in range(dice.number(1, 3)):
        family = dice.pick(plot.families)
        ground = Ground(plot, netns, "filter", "forward", family)
        ends = [dice.either(ANY[family], ANY[family], one_network(ground), one_address(ground)) for _ in range(2)]
        protocol = dice.either("tcp", "tcp", "udp", *(["icmp"] if family == 4 else []))
        port = (
            f" {dice.either('dport', 'dport', 'sport')} {one_port(ground)}"
            if protocol != "icmp" and dice.chance(0.5)
            else ""
        )
        direction = dice.either("in", "out", "fwd")
        mark = " mark 0x1 mask 0x3" if dice.chance(0.2) else ""
        selector = f"src {ends[0]} dst {ends[1]} proto {protocol}{port} dir {direction}"
        action = "action block" if dice.chance(0.7) else "action allow"
        if wanted and direction != "out":
            action = WANTED
        found.setdefault(selector, f"policy add {selector}{mark} priority {dice.number(1, 3)} {action}")
    there = {each.partition(" mark ")[0].partition(" priority ")[0] for each in plot.draft(netns).ipsec}
    plot.draft(netns).ipsec.extend(words for selector, words in found.items() if f"policy add {selector}" not in there)
