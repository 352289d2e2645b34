"""Devices that this machine's kernel may lack, and a second one has: VLANs, bonds, VRFs, ipvlan."""

from __future__ import annotations

from tests.fidelity.fuzz.plot import Plot, Seat, address, network
from tests.scenarios.scenario import End

#: The VLAN of a trunk, and another one that its far end may have by mistake.
VLAN, OTHER_VLAN = 7, 8
#: Modes of bonds of which both ports are wired to one bridge.
BONDING = ((4.0, "active-backup"), (1.0, "balance-rr"), (1.0, "balance-xor"), (0.5, "broadcast"))
IPVLAN_MODES = ((4.0, "l2"), (3.0, "l3"), (3.0, "l3s"))
IPVLAN_FLAGS = ((5.0, ""), (1.0, " private"), (1.0, " vepa"))
#: Host numbers of the boxes with an ipvlan device, in the network of the device below.
BOXES = (("ipv1", 31), ("ipv2", 32))
RED_TABLE = 10


def vlan(plot: Plot) -> None:
    """A neighbour behind a trunk: a VLAN device at each end, now and then with two different tags."""
    plot.wires.append((End("tag", "trunk"), End("host", "trunk0")))
    kind = plot.dice.either("", "", "", " protocol 802.1ad")
    far = OTHER_VLAN if plot.dice.chance(0.1) else VLAN
    plot.stack("host", f"link trunk0 type vlan{kind} id {VLAN}", Seat("host", "v0", "tagged", 1))
    plot.stack("tag", f"link trunk type vlan{kind} id {far}", Seat("tag", "v0", "tagged", 2))
    _home(plot, "tag", "tagged")


def filtering(plot: Plot) -> None:
    """br0 filters by VLAN: each port and the bridge itself are members of one or two, of which one is untagged."""
    host, dice = plot.host, plot.dice
    host.settings.append("br0 type bridge vlan_filtering 1")
    if dice.chance(0.15):
        host.settings.append("br0 type bridge vlan_default_pvid 0")
    for port in (*(each.split()[0] for each in host.bridges["br0"][1]), "br0"):
        itself = " self" if port == "br0" else ""
        if dice.chance(0.4):
            host.vlans.append(
                f"add dev {port} vid 10{dice.either(' pvid untagged', ' pvid untagged', '', ' pvid')}{itself}"
            )
        if dice.chance(0.15):
            host.vlans.append(f"del dev {port} vid 1{itself}")
    if dice.chance(0.4):
        plot.stack("host", "link br0 type vlan id 10", Seat("host", "br0v", "inner", 1))


def bond(plot: Plot) -> None:
    """A neighbour that the host reaches by two cables to one bridge."""
    dice, host = plot.dice, plot.host
    plot.wires += [(End("twin", f"t{number}"), End("host", f"bp{number}")) for number in (0, 1)]
    plot.draft("twin").bridges["tb"] = (list(plot.sit(Seat("twin", "tb", "bond", 2))), ["t0", "t1"])
    plot.stack("host", f"type bond mode {dice.weighted(BONDING)} miimon 10", Seat("host", "bond0", "bond", 1))
    for number in (0, 1):
        host.settings += [f"bp{number} down", f"bp{number} master bond0", f"bp{number} up"]
    if dice.chance(0.25):
        host.down.append(f"bp{dice.number(0, 1)}")
    _home(plot, "twin", "bond")


def vrf(plot: Plot) -> None:
    """An uplink in a VRF of its own, which may leak into the main table or take connections for it."""
    dice, host = plot.dice, plot.host
    host.links.append(f"red type vrf table {RED_TABLE}")
    plot.wire(Seat("far1", "eth0", "red", 2), Seat("host", "up2", "red", 1))
    host.settings.append("up2 master red")
    for family in plot.families:
        if dice.chance(0.4):
            host.routes.append(f"{network('br0', family)} dev br0 table {RED_TABLE}")
        if dice.chance(0.4):
            host.routes.append(f"{network('red', family)} dev red")
        if dice.chance(0.3):
            host.routes.append(
                f"{'-6 ' if family == 6 else ''}default via {address('red', 2, family)} dev up2 table {RED_TABLE}"
            )
    for name in ("tcp_l3mdev_accept", "udp_l3mdev_accept"):
        if dice.chance(0.4):
            host.sysctls[f"net.ipv4.{name}"] = 1
    _home(plot, "far1", "red")


def ipvlan(plot: Plot) -> None:
    """One or two boxes that share the MAC address of the host's uplink, where that has no macvlan devices."""
    dice = plot.dice
    if any("macvlan" in words for words in plot.host.links):
        return
    mode, flag = dice.weighted(IPVLAN_MODES), dice.weighted(IPVLAN_FLAGS)
    for name, number in BOXES[: dice.number(1, 2)]:
        plot.stack("host", f"link up0 type ipvlan mode {mode}{flag}", Seat(name, "iv0", "lan", number))
        for family in plot.families:
            gateway = (
                f"via {address('lan', dice.either(1, 2), family)}" if mode == "l2" or dice.chance(0.3) else "dev iv0"
            )
            if dice.chance(0.7):
                plot.draft(name).routes.append(f"{'-6 ' if family == 6 else ''}default {gateway}")
            if mode != "l2" and dice.chance(0.5):
                own = Seat(name, "iv0", "lan", number).address(family)
                plot.draft("lan").routes.append(f"{own} via {address('lan', 1, family)}")


def _home(plot: Plot, name: str, net: str) -> None:
    """The neighbour mostly sends everything to the host."""
    for family in plot.families:
        if plot.dice.chance(0.8):
            plot.draft(name).routes.append(f"default via {address(net, 1, family)}")


EXTRAS = ((0.3, vlan), (0.3, filtering), (0.25, bond), (0.25, vrf), (0.3, ipvlan))
