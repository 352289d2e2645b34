"""What random hosts look like before anything is done to them: networks, containers, ways, and who listens.

A host has an uplink to a LAN and a bridge with containers; the rest is there by chance: a second bridge, a second
uplink, a device as a VPN has it, a network behind the LAN's neighbour, a target with two ways. All of it works: what is
wrong with a host comes from `settings`, `xt` and `nft`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fidelity.fuzz import stacked
from tests.fidelity.fuzz.dice import Dice, Table
from tests.fidelity.fuzz.plot import BACKENDS, PROTOCOLS, Plot, Seat, address, network

#: What a host may have beside the usual, and how often.
Extra = tuple[float, Callable[[Plot], None]]
FAMILIES = ((5.0, (4,)), (4.0, (4, 6)), (1.5, (6,)))
#: Devices of some namespaces have these MAC addresses, so that rules can name them.
MACS = ("02:00:00:00:01:01", "02:00:00:00:01:02")
#: The address of the target that has two ways.
TWO_WAYS = {4: "10.200.0.1", 6: "fd20::1"}


def host(
    dice: Dice, backends: Table[str] = BACKENDS, protocols: Table[str] = PROTOCOLS, more: Sequence[Extra] = ()
) -> Plot:
    """A host that works; `more` extras beside those that any kernel can build."""
    plot = Plot(dice, dice.weighted(FAMILIES), backends, protocols)
    _bridges(plot)
    plot.wire(Seat("lan", "eth0", "lan", 2), Seat("host", "up0", "lan", 1), MACS[0])
    _containers(plot)
    for chance, extra in (*EXTRAS, *more):
        if dice.chance(chance):
            extra(plot)
    _forwarding(plot, "host")
    _ways(plot)
    _listeners(plot)
    return plot


def _bridges(plot: Plot) -> None:
    for name in ("br0", "br1")[: 2 if plot.dice.chance(0.35) else 1]:
        seat = Seat("host", name, name, 1)
        plot.host.bridges[name] = (list(plot.sit(seat)), [])


def _containers(plot: Plot) -> None:
    plot.plug(Seat("web", "eth0", "br0", 2), "v1", MACS[1])
    if plot.dice.chance(0.75):
        plot.plug(Seat("db", "eth0", "br0", 3), "v2")
    if "br1" in plot.host.bridges:
        plot.plug(Seat("app", "eth0", "br1", 2), "v3")
        if plot.dice.chance(0.2):
            plot.plug(Seat("web", "eth1", "br1", 3), "v4")


def _second_uplink(plot: Plot) -> None:
    plot.wire(Seat("isp", "eth0", "isp", 2), Seat("host", "up1", "isp", 1))


def _vpn(plot: Plot) -> None:
    plot.wire(Seat("vpn", "eth0", "vpn", 2), Seat("host", "tun0", "vpn", 1))


def _desk(plot: Plot) -> None:
    """A client behind the LAN's neighbour, which routes for it."""
    plot.wire(Seat("desk", "eth0", "desk", 2), Seat("lan", "eth1", "desk", 1))
    _forwarding(plot, "lan")
    for family in plot.families:
        plot.draft("desk").routes.append(f"default via {address('desk', 1, family)}")
        plot.host.routes.append(f"{network('desk', family)} via {address('lan', 2, family)}")


def _two_ways(plot: Plot) -> None:
    """A target behind both the LAN's neighbour and the second uplink's, with a multipath route to it."""
    if "isp" not in plot.drafts:
        _second_uplink(plot)
    plot.draft("far")
    for family in plot.families:
        plot.draft("far").addresses.append(f"{TWO_WAYS[family]}/{32 if family == 4 else 128} dev lo")
        gateways = [address(net, 2, family) for net in ("lan", "isp")]
        plot.host.routes.append(" ".join([TWO_WAYS[family], *(f"nexthop via {gateway}" for gateway in gateways)]))
        plot.targets.append((TWO_WAYS[family], 80))
    for link, net in (("far0", "lan"), ("far1", "isp")):
        _forwarding(plot, net)
        plot.wire(Seat("far", link, link, 2), Seat(net, "eth9", link, 1))
        for family in plot.families:
            plot.draft(net).routes.append(f"{TWO_WAYS[family]} via {address(link, 2, family)}")
            plot.draft("far").routes.append(f"{network(net, family)} via {address(link, 1, family)}")


EXTRAS: tuple[Extra, ...] = (
    *((0.3, _second_uplink), (0.25, _vpn), (0.2, _desk), (0.08, _two_ways)),
    *((0.15, stacked.macvlan), (0.12, stacked.vxlan)),
)


def _forwarding(plot: Plot, netns: str) -> None:
    sysctls = plot.draft(netns).sysctls
    if 4 in plot.families:
        sysctls["net.ipv4.ip_forward"] = 1
    if 6 in plot.families:
        sysctls["net.ipv6.conf.all.forwarding"] = 1


def _ways(plot: Plot) -> None:
    """Containers send everything to the host; its neighbours know its networks in different ways."""
    dice = plot.dice
    inner = [net for net in plot.nets if net.startswith("br")]
    for family in plot.families:
        for name, net in (("web", "br0"), ("db", "br0"), ("app", "br1")):
            if name in plot.drafts:
                plot.draft(name).routes.append(f"default via {address(net, 1, family)}")
        for name in ("lan", "isp", "vpn"):
            if name not in plot.drafts:
                continue
            gateway = address(name, 1, family)
            if dice.chance(0.5):
                plot.draft(name).routes.append(f"default via {gateway}")
            elif dice.chance(0.8):
                own = {seat.net for seat in plot.of(name)}
                known = [net for net in plot.nets if net not in (*own, "far0", "far1", "desk")]
                nets = known if dice.chance(0.5) else inner
                plot.draft(name).routes += [f"{network(net, family)} via {gateway}" for net in nets]
        if dice.chance(0.4):
            plot.host.routes.append(f"default via {address(dice.pick(outer(plot)), 2, family)}")
    if dice.chance(0.75):
        for which in ("iptables", "ip6tables"):
            plot.host.sysctls[f"net.bridge.bridge-nf-call-{which}"] = dice.number(0, 1)


def outer(plot: Plot) -> list[str]:
    """The networks of uplinks and the VPN."""
    return [net for net in ("lan", "isp", "vpn") if net in plot.drafts]


SERVICES = {"web": (80, 443), "db": (5432, 80), "app": (80, 3000), "host": (22, 8080, 8081), "lan": (80, 9000)}


def _listeners(plot: Plot) -> None:
    """Most listen on all addresses, some on one, on loopback only, or on one family only."""
    dice = plot.dice
    for name, draft in plot.drafts.items():
        for port in SERVICES.get(name, (80,)):
            for protocol in (each for _, each in plot.protocols if each != "icmp"):
                if dice.chance(0.85 if protocol == "tcp" else 0.6):
                    draft.listeners.append(f"{protocol}/{_bound(plot, name)}/{port}{_manner(plot)}")


def _manner(plot: Plot) -> str:
    """How a server's socket is bound: mostly as usual, now and then to one version of IP."""
    return "/answer/v6only" if 6 in plot.families and plot.dice.chance(0.1) else ""


def _bound(plot: Plot, name: str) -> str:
    """The address that a server binds to."""
    dice, family = plot.dice, plot.dice.pick(plot.families)
    own = [seat.address(family) for seat in plot.of(name)]
    kind = dice.weighted(((12.0, "any"), (1.5, "own"), (1.0, "loopback"), (1.0, "family")))
    if kind == "own" and own:
        return dice.pick(own)
    if kind == "loopback":
        return "127.0.0.1" if family == 4 else "::1"
    if kind == "family":
        return "0.0.0.0" if family == 4 else "::"
    return "::" if 6 in plot.families else "0.0.0.0"
