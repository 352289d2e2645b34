"""Programs that take connections for others: docker-proxies of published ports, and a transparent proxy."""

from __future__ import annotations

from tests.fidelity.fuzz.dice import Dice
from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.plot import Plot, Seat, network
from tests.fidelity.fuzz.walls import Walls

INNER = ("web", "db", "app")
#: The port, mark and table of the transparent proxy.
PORT, MARK, TABLE = 3128, 0x8, 101
#: Ports that are proxied: those of servers, which no rule translates.
PLAIN = (22, 80, 443, 3000, 5432, 9000)


def relay(plot: Plot, walls: Walls) -> None:
    """A docker-proxy on the host, for a port that rules may publish as well; its backend may be gone."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    seat = plot.of(dice.pick([name for name in INNER if name in plot.drafts]))[0]
    if dice.chance(0.1):
        seat = Seat("", "", seat.net, 77)
    outside, inside = dice.number(8080, 8082), dice.pick((*SERVICES.get(seat.netns, (80,)), 81))
    own = dice.pick(plot.of("host")).address(family)
    address = dice.weighted(((5.0, "0.0.0.0" if family == 4 else "::"), (1.0, own)))
    to = dice.pick([seat.address(each) for each in plot.families])
    protocol = dice.weighted(((3.0, "tcp"), (1.0, "udp")))
    host = plot.host
    host.listeners = [spec for spec in host.listeners if spec.split("/")[2] != str(outside)]
    words = f"-proto {protocol} -host-ip {address} -host-port {outside} -container-ip {to} -container-port {inside}"
    if not any(f"-proto {protocol} " in each and f"-host-port {outside} " in each for each in host.relays):
        host.relays.append(words)
    loopback = "127.0.0.1" if family == 4 else "::1"
    plot.targets += [(loopback, outside), *((each.address(family), outside) for each in plot.of("host"))]


def transparent(plot: Plot, walls: Walls) -> None:
    """A proxy that gets the packets of a port, whomever they are for, and the way in for its mark; parts of it may be
    missing."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    protocol = dice.either("tcp", "tcp", "udp")
    port = dice.pick(PLAIN)
    style = dice.pick([style for _, style in plot.backends])
    came = dice.either("", f"-i {dice.pick(plot.links('host'))}", f"-s {network(dice.pick(plot.nets), family)}")
    if style == "native":
        kind = dice.either("inet", "ip" if family == 4 else "ip6")
        ip, six = ("ip", False) if family == 4 else ("ip6", True)
        table = walls.nft("host", kind, "proxy")
        rules = table.chain("divert", "type filter hook prerouting priority mangle; policy accept;")
        came = came.replace("-i ", "iifname ").replace("-s ", f"{ip} saddr ")
        version = f"tproxy {ip} to" if kind == "inet" else "tproxy to"
        to = dice.either(f":{PORT}", f"{'[::1]' if six else '127.0.0.1'}:{PORT}")
        rules.append(f"{came} {protocol} dport {port} {version} {to} meta mark set {MARK:#x} accept".strip())
    else:
        rules = walls.xt("host", style, family).chain("mangle", "PREROUTING")
        own = dice.either("", f" --on-ip {dice.pick(plot.of('host')).address(family)}")
        words = f"{came} -p {protocol} -m {protocol} --dport {port}".strip()
        rules.append(f"{words} -j TPROXY --on-port {PORT}{own} --tproxy-mark {MARK:#x}/{MARK:#x}")
    _listen(plot, dice, protocol)
    if dice.chance(0.85):
        _inwards(plot, family)


def _listen(plot: Plot, dice: Dice, protocol: str) -> None:
    """Mostly there, and nearly always with the option that lets it answer for others."""
    address = "::" if 6 in plot.families else "0.0.0.0"
    spec = f"{protocol}/{address}/{PORT}/answer/transparent"
    if dice.chance(0.9) and spec not in plot.host.listeners:
        plot.host.listeners.append(spec)


def _inwards(plot: Plot, family: int) -> None:
    minus = "-6 " if family == 6 else ""
    rule = f"{minus}pref 900 fwmark {MARK:#x}/{MARK:#x} lookup {TABLE}"
    if rule not in plot.host.rules:
        plot.host.rules.append(rule)
        plot.host.routes.append(f"{minus}local default dev lo table {TABLE}")
