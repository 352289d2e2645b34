"""What else may be wrong with a host, or just unusual: sysctls, routes, policy rules, neighbours, ports, devices."""

from __future__ import annotations

from collections.abc import Callable

from tests.fidelity.fuzz.hosts import MACS
from tests.fidelity.fuzz.plot import Plot, Seat, address, network
from tests.fidelity.fuzz.walls import Walls
from tests.fidelity.fuzz.words import MARKS

#: Sysctls of IPv4's devices and the values that they take.
DEVICE4 = (
    (4.0, ("rp_filter", (0, 1, 2))),
    (1.0, ("forwarding", (0, 1))),
    (2.0, ("route_localnet", (1,))),
    (1.0, ("accept_local", (1,))),
    (1.0, ("arp_ignore", (1, 2, 8))),
    (0.5, ("arp_filter", (1,))),
    (0.5, ("arp_announce", (1, 2))),
    (1.0, ("proxy_arp", (1,))),
    (1.0, ("src_valid_mark", (1,))),
    (0.5, ("ignore_routes_with_linkdown", (1,))),
    (0.3, ("drop_unicast_in_l2_multicast", (1,))),
    (0.3, ("proxy_arp_pvlan", (1,))),
    (0.2, ("drop_gratuitous_arp", (1,))),
    (0.2, ("arp_notify", (1,))),
)
WHOLE = (
    (1.0, ("net.ipv4.ip_forward", 0)),
    (1.0, ("net.ipv4.fib_multipath_hash_policy", 1)),
    (1.0, ("net.ipv4.fwmark_reflect", 1)),
    (1.0, ("net.ipv4.tcp_fwmark_accept", 1)),
    (0.5, ("net.ipv4.icmp_echo_ignore_all", 1)),
    (0.5, ("net.ipv4.icmp_errors_use_inbound_ifaddr", 1)),
    (0.3, ("net.ipv4.ip_default_ttl", 3)),
    (0.3, ("net.ipv4.tcp_syncookies", 2)),
    (0.3, ("net.ipv4.fib_multipath_use_neigh", 1)),
    (0.5, ("net.netfilter.nf_conntrack_tcp_loose", 0)),
    (0.5, ("net.netfilter.nf_conntrack_tcp_be_liberal", 1)),
    (0.5, ("net.bridge.bridge-nf-call-arptables", 0)),
)
#: Those of IPv6; {} is a device or all.
SIX = (
    (4.0, ("conf.all.forwarding", (0, 1))),
    (1.0, ("conf.{}.forwarding", (0, 1))),
    (0.5, ("conf.{}.force_forwarding", (1,))),
    (0.5, ("conf.{}.disable_ipv6", (1,))),
    (0.5, ("conf.{}.use_oif_addrs_only", (1,))),
    (0.3, ("conf.{}.drop_unicast_in_l2_multicast", (1,))),
    (0.5, ("conf.{}.ignore_routes_with_linkdown", (1,))),
    (0.3, ("bindv6only", (1,))),
    (1.0, ("conf.{}.proxy_ndp", (1,))),
    (0.5, ("fwmark_reflect", (1,))),
    (0.3, ("icmp.echo_ignore_all", (1,))),
)
PLACES = ((6.0, "host"), (1.0, "lan"), (1.0, "web"), (0.7, "isp"), (0.7, "vpn"))


def _place(plot: Plot) -> str:
    return plot.dice.weighted([(weight, name) for weight, name in PLACES if name in plot.drafts])


def sysctl(plot: Plot, walls: Walls) -> None:
    """One setting of a device, of all, or of the namespace."""
    dice, name = plot.dice, _place(plot)
    if 4 not in plot.families or dice.chance(0.1):
        key, values = dice.weighted(SIX)
        device = dice.either("all", *plot.links(name))
        plot.draft(name).sysctls[f"net.ipv6.{key.format(device)}"] = dice.pick(values)
        return
    if dice.chance(0.12):
        key, value = dice.weighted(WHOLE)
        plot.draft(name).sysctls[key] = value
        return
    key, values = dice.weighted(DEVICE4)
    device = "all" if dice.chance(0.4) and key != "forwarding" else dice.pick(plot.links(name))
    plot.draft(name).sysctls[f"net.ipv4.conf.{device}.{key}"] = dice.pick(values)


def route(plot: Plot, walls: Walls) -> None:
    """A route more: a refusing one, a detour, a more specific one, with another source or metric."""
    dice, name, family = plot.dice, _place(plot), plot.dice.pick(plot.families)
    to = dice.either(network(dice.pick(plot.nets), family), dice.pick(plot.seats).address(family))
    if "/" in to and dice.chance(0.3):
        to = to.replace(".0/24", ".0/25").replace("::/64", "::/65")
    mine = plot.of(name)
    if dice.chance(0.3):
        kind = dice.either("unreachable", "prohibit", "blackhole", "throw")
        plot.draft(name).routes.append(f"{kind} {to}{_metric(plot)}")
        return
    if dice.chance(0.1):  # all of a network's addresses are its own (AnyIP)
        there = to if dice.chance(0.5) else "10.123.4.0/24" if family == 4 else "fd13::/64"
        plot.draft(name).routes.append(f"local {there} dev lo{_metric(plot)}")
        plot.targets.append((there.partition("/")[0].replace(".0", ".7") if family == 4 else to.partition("/")[0], 80))
        return
    seat = dice.pick(mine)
    others = [other for other in plot.seats if other.net == seat.net and other.netns != name]
    gateway = dice.pick(others).address(family) if others else address(seat.net, 98, family)
    way = dice.weighted(
        (
            *((3.0, f"via {gateway}"), (1.0, f"dev {seat.link}")),
            (0.3, f"via {gateway} dev {seat.link} onlink"),
            (0.3 if family == 4 else 0.0, f"tos {dice.either('0x10', '0x08')} via {gateway}"),
            (0.4 if plot.families == (4, 6) and family == 4 else 0.0, f"via inet6 {_of_version(plot, seat, name, 6)}"),
            (0.5, " ".join(f"nexthop via {each}" for each in dict.fromkeys((gateway, _another(plot, name, family))))),
        )
    )
    source = f" src {dice.pick(mine).address(family)}" if dice.chance(0.2) else ""
    size = f" mtu {dice.either(1000, 1280, 1400)}" if dice.chance(0.15) else ""
    plot.draft(name).routes.append(f"{to}{source}{_metric(plot)}{size} {way}")


def _of_version(plot: Plot, seat: Seat, name: str, family: int) -> str:
    """A neighbour's address at a place, of one version, with its device."""
    others = [other for other in plot.seats if other.net == seat.net and other.netns != name]
    found = plot.dice.pick(others).address(family) if others else address(seat.net, 98, family)
    return f"{found} dev {seat.link}"


def _another(plot: Plot, name: str, family: int) -> str:
    """A gateway at any of the places of a namespace."""
    return _of_version(plot, plot.dice.pick(plot.of(name)), name, family).partition(" ")[0]


def _metric(plot: Plot) -> str:
    """Routes that stand beside a connected one need a metric of their own."""
    return f" metric {plot.dice.either(5, 50, 4000)}"


def policy_rule(plot: Plot, walls: Walls) -> None:
    """A policy rule with a table of its own, or one that refuses."""
    dice, name, family = plot.dice, _place(plot), plot.dice.pick(plot.families)
    seat, minus = dice.pick(plot.seats), "-6 " if family == 6 else ""
    selector = dice.weighted(
        (
            (3.0, f"fwmark {dice.pick(MARKS):#x}"),
            (1.5, f"fwmark {dice.pick(MARKS):#x}/0xf"),
            (2.0, f"from {network(seat.net, family)}"),
            (1.0, f"from {seat.address(family)}"),
            (1.5, f"to {network(seat.net, family)}"),
            (1.5, f"iif {dice.pick([*plot.links(name), 'lo'])}"),
            (0.5, f"ipproto {dice.either('tcp', 'udp')} dport {dice.either(80, 8080)}"),
            (0.5, f"not fwmark {dice.pick(MARKS):#x}"),
            (0.7, f"uidrange {dice.either('0-0', '0-999', '1000-2000')}"),
            (0.4, f"tos {dice.either('0x10', '0x08')}"),
            (0.7, f"oif {dice.pick(plot.links(name))}"),
            (0.5, f"ipproto {dice.either('tcp', 'udp')} sport 1024-65534"),
            (0.3, f"ipproto {'icmp' if family == 4 else 'ipv6-icmp'}"),
            (0.5, f"from {network(seat.net, family)} iif {dice.pick(plot.links(name))}"),
            (0.5, f"to {network(seat.net, family)} fwmark {dice.pick(MARKS):#x}"),
            (0.4, f"not from {network(seat.net, family)}"),
        )
    )
    preference = 1000 + len(plot.draft(name).rules)
    action = dice.weighted(((6.0, "lookup 100"), (0.5, "unreachable"), (0.5, "prohibit"), (0.5, "blackhole"),
                            (0.5, f"lookup main suppress_prefixlength {dice.either(0, 8, 24, 64)}"),
                            (0.2, "lookup main suppress_ifgroup 7"), (0.2, "nop"), (0.3, "goto 32766")))  # fmt: skip
    plot.draft(name).rules.append(f"{minus}pref {preference} {selector} {action}")
    if action == "lookup 100":
        own = dice.pick(plot.of(name))
        others = [other for other in plot.seats if other.net == own.net and other.netns != name]
        way = f"via {dice.pick(others).address(family)}" if others and dice.chance(0.7) else f"dev {own.link}"
        made = dice.weighted(((4.0, f"default {way}"), (1.0, f"{network(seat.net, family)} {way}"),
                              (0.5, "unreachable default"), (0.5, "throw default")))  # fmt: skip
        plot.draft(name).routes.append(f"{minus}{made} table 100")


def shared_next_hop(plot: Plot, walls: Walls) -> None:
    """A route by nexthop objects: one, a group, or one that refuses (blackhole)."""
    dice, name, family = plot.dice, _place(plot), plot.dice.pick(plot.families)
    to = dice.either(network(dice.pick(plot.nets), family), dice.pick(plot.seats).address(family))
    draft, minus = plot.draft(name), "-6 " if family == 6 else ""
    first = 10 * (1 + len(plot.draft(name).nexthops))
    if dice.chance(0.15):
        draft.nexthops.append(f"{minus}id {first} blackhole")
    else:
        ways = dice.some(plot.of(name), 2)
        for number, seat in enumerate(ways):
            others = [other for other in plot.seats if other.net == seat.net and other.netns != name]
            gateway = dice.pick(others).address(family) if others else address(seat.net, 98, family)
            via = f"via {gateway} " if family == 6 or dice.chance(0.8) else ""
            draft.nexthops.append(f"id {first + number} {via}dev {seat.link}")
        if len(ways) > 1:
            draft.nexthops.append(f"id {first + 9} group {first}/{first + 1}")
            first += 9
    draft.routes.append(f"{to} nhid {first}{_metric(plot)}")


def neighbour(plot: Plot, walls: Walls) -> None:
    """A neighbour that was given by hand: of nobody, or of somebody else; or one that cannot be found."""
    dice, name, family = plot.dice, _place(plot), plot.dice.pick(plot.families)
    seat = dice.pick(plot.of(name))
    others = [other for other in plot.seats if other.net == seat.net and other.netns != name]
    who = dice.pick(others).address(family) if others else address(seat.net, 98, family)
    plot.draft(name).neighbours.append(
        f"{who} dev {seat.link} lladdr 02:00:00:00:00:{dice.number(1, 99):02d} "
        f"nud {dice.either('permanent', 'permanent', 'permanent', 'noarp')}"
    )


PORT_OPTIONS = (
    (4.0, "isolated on"),
    (3.0, "hairpin on"),
    (0.7, "state 0"),
    (0.5, "learning off"),
    (0.5, "flood off"),
    (0.5, "bcast_flood off"),
    (0.5, "mcast_flood off"),
)


def port(plot: Plot, walls: Walls) -> None:
    """An option of a bridge port."""
    dice = plot.dice
    for _, ports in plot.host.bridges.values():
        for index, words in enumerate(ports):
            if dice.chance(0.5):
                option = dice.weighted(PORT_OPTIONS)
                ports[index] = f"{words.split()[0]} {option}"


def station(plot: Plot, walls: Walls) -> None:
    """An entry of a bridge's forwarding table, given by hand: behind the right port or another."""
    dice, net = plot.dice, plot.dice.pick(list(plot.host.bridges))
    ports = [port.split()[0] for port in plot.host.bridges[net][1]]
    if ports:
        mac = dice.either(*MACS, f"02:00:00:00:00:{dice.number(1, 99):02d}")
        words = f"{mac} dev {dice.pick(ports)} master static"
        plot.host.fdb += [words] if words not in plot.host.fdb else []


def down(plot: Plot, walls: Walls) -> None:
    """A device that is down."""
    name = _place(plot)
    plot.draft(name).down.append(plot.dice.pick(plot.links(name)))


def own_address(plot: Plot, walls: Walls) -> None:
    """An address more: on loopback, on another device, or one that somebody has already."""
    dice, name, family = plot.dice, _place(plot), plot.dice.pick(plot.families)
    length = 32 if family == 4 else 128
    made = dice.weighted(
        (
            (3.0, "10.123.0.1" if family == 4 else "fd12::1"),
            (1.0, dice.pick(plot.seats).address(family)),
            (1.0, address(dice.pick(plot.nets), 50, family)),
        )
    )
    words = f"{made}/{length} dev {dice.pick([*plot.links(name), 'lo'])}" + (" nodad" if family == 6 else "")
    if words not in plot.draft(name).addresses and made not in {seat.address(family) for seat in plot.of(name)}:
        plot.draft(name).addresses.append(words)
        plot.targets.append((made, 80))
    if dice.chance(0.4):
        other = _place(plot)
        ways = [seat for seat in plot.of(other) if any(mine.net == seat.net for mine in plot.of(name))]
        if ways and other != name:
            gateway = next(mine for mine in plot.of(name) if mine.net == ways[0].net).address(family)
            plot.draft(other).routes.append(f"{made}/{length} via {gateway}{_metric(plot)}")


def link(plot: Plot, walls: Walls) -> None:
    """A setting of a device: the ARP of it, its group, its MTU; of a bridge, whether it calls iptables by itself."""
    dice, name = plot.dice, _place(plot)
    device = dice.pick(plot.links(name))
    words = dice.weighted(
        (
            *((1.0, "arp off"), (1.5, "group 7"), (1.0, f"mtu {dice.either(1280, 1400)}")),
            *((0.3, "multicast off"), (0.3, "promisc on"), (0.3, "allmulticast on")),
        )
    )
    if device in plot.draft(name).bridges and dice.chance(0.6):
        words = f"type bridge {dice.either('nf_call_iptables 1', 'nf_call_ip6tables 1', 'ageing_time 0')}"
    plot.draft(name).settings.append(f"{device} {words}")


Ingredient = Callable[[Plot, Walls], None]
INGREDIENTS: tuple[tuple[float, Ingredient], ...] = (
    (5.0, sysctl),
    (2.5, route),
    (1.0, shared_next_hop),
    (3.0, policy_rule),
    (1.0, neighbour),
    (1.5, port),
    (0.7, station),
    (0.5, down),
    (1.0, link),
    (1.5, own_address),
)
