"""Random questions: who asks for what. Published ports first, then everything else that could be asked."""

from __future__ import annotations

from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.plot import Plot, Seat
from tests.scenarios.scenario import Question

SOURCES = ((5.0, "lan"), (3.0, "host"), (3.0, "web"), (3.0, "db"), (2.0, "app"), (2.0, "isp"), (1.5, "vpn"),
           (2.0, "desk"), (0.5, "far"), (2.0, "mac1"), (1.0, "mac2"),
           (2.0, "tag"), (2.0, "twin"), (2.0, "far1"), (2.0, "ipv1"), (1.0, "ipv2"))  # fmt: skip
CLOSED = (81, 7777)


def add(plot: Plot, count: int) -> None:
    """Adds questions until there are that many, none twice."""
    found: dict[tuple[str, str, str], Question] = {}
    count -= len(plot.questions)
    for _ in range(count * 3):
        if len(found) == count:
            break
        question = _question(plot)
        found.setdefault((question.source, question.target, question.protocol), question)
    plot.questions += found.values()


def _question(plot: Plot) -> Question:
    dice = plot.dice
    source = dice.weighted([(weight, name) for weight, name in SOURCES if name in plot.drafts])
    kind = dice.weighted(((3.0 if plot.targets else 0.0, "made"), (4.0, "service"), (0.7, "loopback"), (0.6, "nobody")))
    address, port = KINDS[kind](plot, source)
    protocol = dice.weighted(plot.protocols)
    if protocol == "icmp":
        return Question(source, address, protocol)
    return Question(source, f"[{address}]:{port}" if ":" in address else f"{address}:{port}", protocol)


def _made(plot: Plot, source: str) -> tuple[str, int]:
    return plot.dice.pick(plot.targets)


def _service(plot: Plot, source: str) -> tuple[str, int]:
    seat = _seat(plot, source)
    return seat.address(plot.dice.pick(plot.families)), _port(plot, seat.netns)


def _seat(plot: Plot, source: str) -> Seat:
    """Mostly somebody else's place."""
    others = [seat for seat in plot.seats if seat.netns != source]
    return plot.dice.pick(plot.seats if plot.dice.chance(0.1) else others)


def _port(plot: Plot, netns: str) -> int:
    return plot.dice.pick(CLOSED if plot.dice.chance(0.12) else SERVICES.get(netns, (80,)))


def _loopback(plot: Plot, source: str) -> tuple[str, int]:
    address = "127.0.0.1" if plot.dice.pick(plot.families) == 4 else "::1"
    ports = [port for _, port in plot.targets]
    return address, plot.dice.pick(ports) if ports and plot.dice.chance(0.5) else _port(plot, source)


def _nobody(plot: Plot, source: str) -> tuple[str, int]:
    """An address that nobody has, in a network that there is or in none; or one that is everybody's or no one's."""
    seat, dice = plot.dice.pick(plot.seats), plot.dice
    family = dice.pick(plot.families)
    if dice.chance(0.4):
        if family == 6:
            return Seat("", "", seat.net, 0).address(6), 80  # the routers' anycast address
        return dice.either(*(Seat("", "", seat.net, last).address(4) for last in (0, 255)), "127.1.2.3"), 80
    elsewhere = "192.0.2.7" if family == 4 else "2001:db8::7"
    nobody = Seat("", "", seat.net, 99).address(family)
    return (elsewhere if dice.chance(0.3) else nobody), 80


KINDS = {"made": _made, "service": _service, "loopback": _loopback, "nobody": _nobody}
