"""Flows that the host tracks before anybody asks, and clients that keep the port of one: their packets go where the
flow goes, whatever the rules say by now."""

from __future__ import annotations

from tests.fidelity.fuzz.dice import Dice
from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.plot import Plot, Seat
from tests.fidelity.fuzz.walls import Walls
from tests.scenarios.scenario import Question

#: The port of the first such client.
PORT = 40000
STATUS = ((3.0, ""), (2.0, "-u SEEN_REPLY"), (2.0, "-u SEEN_REPLY,ASSURED"))


def stale(plot: Plot, walls: Walls) -> None:
    """One to three flows over UDP: untranslated, translated as a rule had it once, or to somebody who is gone."""
    for _ in range(plot.dice.number(1, 3)):
        _stale(plot, walls, PORT + len(plot.host.flows))


def _stale(plot: Plot, walls: Walls, port: int) -> None:
    dice, family = plot.dice, plot.dice.pick(plot.families)
    client = dice.pick([seat for seat in plot.seats if seat.netns != "host"])
    made = [target for target in plot.targets if (":" in target[0]) == (family == 6)]
    other = dice.pick([seat for seat in plot.seats if seat.netns != client.netns])
    target, service = other.address(family), dice.pick(SERVICES.get(other.netns, (80,)))
    if made and dice.chance(0.6):
        target, service = dice.pick(made)
    if target == client.address(family):
        return
    words = f"-p udp -s {client.address(family)} -d {target} --sport {port} --dport {service} -t 600"
    words += _translation(plot, dice, family) if walls.translates("host", family) else ""
    words += f" --mark {dice.number(1, 3)}" if dice.chance(0.2) else ""
    plot.host.flows.append(f"{words} {dice.weighted(STATUS)}".strip())
    asked = f"[{target}]:{service}" if family == 6 else f"{target}:{service}"
    plot.questions.append(Question(client.netns, asked, "udp", port=port))


def _translation(plot: Plot, dice: Dice, family: int) -> str:
    """What the flow's packets become: nothing, another destination, another source, or both."""
    seat = dice.pick(plot.seats)
    to = dice.weighted(((3.0, seat.address(family)), (1.0, Seat("", "", "br0", 77).address(family))))
    port = dice.pick(SERVICES.get(seat.netns, (80,)))
    own = dice.pick(plot.of("host")).address(family)
    there = f" --dst-nat {f'[{to}]' if family == 6 else to}:{port}"
    return dice.weighted(((2.0, ""), (3.0, there), (1.0, f" --src-nat {own}"), (1.0, f"{there} --src-nat {own}")))
