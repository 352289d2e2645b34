"""Devices that stand on others: macvlan devices for boxes of their own, and a vxlan between two neighbours."""

from __future__ import annotations

from tests.fidelity.fuzz.plot import Plot, Seat, address

#: Host numbers of the boxes with a macvlan device, in the network of the device below.
BOXES = (("mac1", 21), ("mac2", 22))
#: How macvlan devices of one device speak to each other.
MODES = ((4.0, "bridge"), (1.0, "private"), (1.0, "vepa"))
#: The broadcast entry of a vxlan: where its frames for everybody go.
EVERYBODY = "00:00:00:00:00:00"
TUNNEL_MAC = "02:00:00:00:44:0"


def macvlan(plot: Plot) -> None:
    """One or two boxes on the host's uplink, past the host's own stack; the host is not their gateway."""
    for name, number in BOXES[: plot.dice.number(1, 2)]:
        seat = Seat(name, "mv0", "lan", number)
        plot.stack("host", f"link up0 type macvlan mode {plot.dice.weighted(MODES)}", seat)
        for family in plot.families:
            if plot.dice.chance(0.7):
                plot.draft(name).routes.append(f"default via {address('lan', plot.dice.either(1, 2), family)}")


def vxlan(plot: Plot) -> None:
    """A network of its own between the host and the LAN's neighbour, in UDP over the LAN.

    Both ends know each other's address: what asks for it (ARP) would be packets of the tunnel, too. For the same reason
    there is no IPv6, which reports its groups whenever it likes.
    """
    if plot.families != (4,):
        return
    for netns, own, other in (("host", 1, 2), ("lan", 2, 1)):
        here, there = address("lan", own, 4), address("lan", other, 4)
        words = f"address {TUNNEL_MAC}{own} type vxlan id 7 dstport 4789 local {here} nolearning"
        plot.stack(netns, words, Seat(netns, "vx0", "over", own))
        draft = plot.draft(netns)
        draft.sysctls["net.ipv6.conf.vx0.disable_ipv6"] = 1
        draft.fdb.append(f"{plot.dice.either(EVERYBODY, TUNNEL_MAC + str(other))} dev vx0 dst {there}")
        draft.neighbours.append(f"{address('over', other, 4)} dev vx0 lladdr {TUNNEL_MAC}{other} nud permanent")
