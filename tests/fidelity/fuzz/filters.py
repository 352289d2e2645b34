"""Firewalls by chance: whole ones as engines and administrators have them, and single rules strewn about.

`publish` sends ports of the host to containers, in the styles of the field; `skeletons` gives chains a policy and the
rules that make it bearable; `strew` adds rules of the grammars of `xt` and `nft` anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.fidelity.fuzz import nft, xt
from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.lawn import Lawn
from tests.fidelity.fuzz.nft_matches import ALWAYS
from tests.fidelity.fuzz.plot import Plot, Seat, network
from tests.fidelity.fuzz.walls import NftTable, Walls, XtTables
from tests.fidelity.fuzz.words import Ground, bracket, nft_family

INNER = ("web", "db", "app")
WHERE = ((8.0, "host"), (1.0, "lan"), (1.0, "web"), (0.7, "db"), (0.5, "app"), (0.5, "isp"), (0.5, "vpn"))


def _place(plot: Plot) -> str:
    return plot.dice.weighted([(weight, name) for weight, name in WHERE if name in plot.drafts])


# ---- published ports


def publish(plot: Plot, walls: Walls) -> None:
    """One to three ports of the host that lead to containers, all in one style."""
    style = plot.dice.weighted(plot.backends)
    containers = [name for name in INNER if name in plot.drafts]
    for number in range(plot.dice.number(1, 3)):
        seat = plot.of(plot.dice.pick(containers))[0]
        port = plot.dice.pick(SERVICES[seat.netns])
        for family in plot.families:
            if style == "native":
                _publish_nft(
                    plot, walls.nft("host", nft_family(family), "publish"), seat, (8080 + number, port), family
                )
            else:
                _publish_xt(plot, walls.xt("host", style, family), seat, (8080 + number, port), family)
            plot.targets += [(own.address(family), 8080 + number) for own in plot.of("host")]


def _publish_xt(plot: Plot, tables: XtTables, seat: Seat, ports: tuple[int, int], family: int) -> None:
    dice, outside, inside = plot.dice, ports[0], ports[1]
    chain = tables.chain("nat", "DOCKER")
    local = "-m addrtype --dst-type LOCAL -j DOCKER"
    for hook, words in (("PREROUTING", local), ("OUTPUT", f"! -d {'127.0.0.0/8' if family == 4 else '::1'} {local}")):
        rules = tables.chain("nat", hook)
        if not any("DOCKER" in rule for rule in rules) and dice.chance(0.9):
            rules.append(words if dice.chance(0.8) else local)
    protocols = dice.either(("tcp",), ("tcp", "udp"))
    condition = dice.either(f"! -i {seat.net}", f"! -i {seat.net}", f"-d {plot.of('host')[-1].address(family)}", "")
    for protocol in protocols:
        to = bracket(seat.address(family), inside)
        chain.append(f"{condition} -p {protocol} -m {protocol} --dport {outside} -j DNAT --to-destination {to}".strip())
    post = tables.chain("nat", "POSTROUTING")
    if dice.chance(0.8):
        post.append(f"-s {network(seat.net, family)} ! -o {seat.net} -j MASQUERADE")
    if dice.chance(0.5):
        post.append(f"-s {seat.address(family)} -d {seat.address(family)} -p tcp -m tcp --dport {inside} -j MASQUERADE")


def _publish_nft(plot: Plot, table: NftTable, seat: Seat, ports: tuple[int, int], family: int) -> None:
    dice, ip, (outside, inside) = plot.dice, "ip" if family == 4 else "ip6", ports
    pre = table.chain("prerouting", "type nat hook prerouting priority dstnat; policy accept;")
    out = table.chain("output", "type nat hook output priority dstnat; policy accept;")
    post = table.chain("postrouting", "type nat hook postrouting priority srcnat; policy accept;")
    to = f"dnat to {bracket(seat.address(family), inside)}"
    if dice.chance(0.15):
        nobody = Seat("", "", seat.net, 77).address(family)
        entries = f"{outside} : {seat.address(family)} . {inside}, {outside + 10} : {nobody} . {inside}"
        if dice.chance(0.5):
            name = table.sets.name(
                "map", f"type inet_service : ipv{family}_addr . inet_service; elements = {{ {entries} }}"
            )
            pre.append(f"dnat {ip} addr . port to tcp dport map {name}")
        else:
            pre.append(f"dnat {ip} addr . port to tcp dport map {{ {entries} }}")
    condition = dice.either("fib daddr type local", f'iifname != "{seat.net}" fib daddr type local', "")
    protocol = dice.either(f"tcp dport {outside}", f"meta l4proto {{ tcp, udp }} th dport {outside}")
    pre.append(f"{condition} {protocol} {to}".strip())
    if dice.chance(0.7):
        beside = dice.either("", f"{ip} daddr != 127.0.0.0/8 ") if family == 4 else ""
        out.append(f"{beside}fib daddr type local {protocol} {to}")
    if dice.chance(0.8):
        post.append(f'{ip} saddr {network(seat.net, family)} oifname != "{seat.net}" masquerade')
    if dice.chance(0.4):
        post.append(f"{ip} saddr {network(seat.net, family)} {ip} daddr {network(seat.net, family)} masquerade")


# ---- whole filters


def skeletons(plot: Plot, walls: Walls) -> None:
    """A policy for one or two hooks of the host, with what makes it bearable."""
    for family in plot.families:
        style = plot.dice.weighted(plot.backends)
        for hook in plot.dice.some(("INPUT", "FORWARD", "OUTPUT"), 2):
            policy = plot.dice.weighted(((2.0, "ACCEPT"), (3.0, "DROP")))
            if style == "native":
                _skeleton_nft(plot, walls, hook.lower(), policy.lower(), family)
            else:
                _skeleton_xt(plot, walls.xt("host", style, family), hook, policy)


def _skeleton_xt(plot: Plot, tables: XtTables, hook: str, policy: str) -> None:
    rules, dice = tables.chain("filter", hook, policy), plot.dice
    if dice.chance(0.85):
        rules.append("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
    if dice.chance(0.2):
        rules.append("-m conntrack --ctstate INVALID -j DROP")
    if hook == "FORWARD":
        rules += [f"-i {net} -j ACCEPT" for net in plot.host.bridges if dice.chance(0.8)]
        rules += [f"-o {net} -m conntrack --ctstate DNAT -j ACCEPT" for net in plot.host.bridges if dice.chance(0.6)]
    else:
        rules += [f"-p {p} -m {p} --dport {port} -j ACCEPT" for p in ("tcp", "udp") for port in (22, 80, 8080)]
        rules += ["-i lo -j ACCEPT"] if hook == "INPUT" else []
        rules += ["-p ipv6-icmp -j ACCEPT"] if dice.chance(0.9) else []


def _skeleton_nft(plot: Plot, walls: Walls, hook: str, policy: str, family: int) -> None:
    dice = plot.dice
    kind = dice.either("inet", nft_family(family))
    priority = dice.either("0", "filter", "10", "-10", "filter + 5")
    table = walls.nft("host", kind, "guard")
    rules = table.chain(hook, f"type filter hook {hook} priority {priority}; policy {policy};")
    rules += ["ct state vmap { established : accept, related : accept }"] if dice.chance(0.85) else []
    rules += ["ct state invalid drop"] if dice.chance(0.2) else []
    if hook == "forward":
        rules += [f'iifname "{net}" accept' for net in plot.host.bridges if dice.chance(0.8)]
        rules += [f'oifname "{net}" ct status dnat accept' for net in plot.host.bridges if dice.chance(0.6)]
    else:
        rules += ["meta l4proto { tcp, udp } th dport { 22, 80, 8080 } accept"]
        rules += ['iifname "lo" accept'] if hook == "input" else []
        rules += ["meta l4proto ipv6-icmp accept"] if dice.chance(0.9) else []


# ---- single rules

PRIORITIES = {"filter": ("-300", "-150", "-50", "0", "10", "50", "-220"), "route": ("-150", "0", "-10"),
              "nat": ("-100", "100", "0", "-150")}  # fmt: skip


def strew(plot: Plot, walls: Walls) -> None:
    """A handful of rules in one or two chains of a namespace, with user chains between them."""
    netns, style, dice = _place(plot), plot.dice.weighted(plot.backends), plot.dice
    family = dice.pick(plot.families)
    if style == "native":
        _strew_nft(plot, walls, netns, family)
    else:
        _strew_xt(plot, walls.xt(netns, style, family), netns, family)


XT_PLACES = ((5.0, "filter"), (3.5, "mangle"), (1.5, "raw"), (0.7, "nat"), (0.5, "security"))


def _strew_xt(plot: Plot, tables: XtTables, netns: str, family: int) -> None:
    dice = plot.dice
    table = dice.weighted(XT_PLACES)
    for hook in dice.some(xt.TABLES[table], 2):
        ground = Ground(plot, netns, table, xt.HOOKS[hook], family)
        names = [
            f"{xt.SHORT[xt.HOOKS[hook]]}{number}" for number in range(dice.weighted(((3.0, 0), (2.0, 1), (2.0, 2))))
        ]
        for number, name in enumerate(names):
            rules = tables.chain(table, name)
            rules += [xt.rule(ground, names[number + 1 :]) for _ in range(dice.number(1, 3))]
        insert(plot, tables.chain(table, hook), [xt.rule(ground, names) for _ in range(dice.number(1, 4))])


def insert(plot: Plot, rules: list[str], new: Sequence[str]) -> None:
    """Puts new rules among those of a chain, in front more often than behind."""
    for rule in new:
        rules.insert(0 if plot.dice.chance(0.5) else plot.dice.number(0, len(rules)), rule)


def _strew_nft(plot: Plot, walls: Walls, netns: str, family: int) -> None:
    dice = plot.dice
    kind = dice.either("inet", nft_family(family))
    table = walls.nft(netns, kind, dice.either("strewn", "more"))
    for _ in range(dice.number(1, 2)):
        hook, chain_type = dice.pick(ALWAYS), dice.weighted(((8.0, "filter"), (1.0, "nat")))
        if chain_type == "nat" and hook == "forward":
            continue
        if hook == "output" and chain_type == "filter" and dice.chance(0.5):
            chain_type = "route"
        priority = dice.pick(PRIORITIES[chain_type])
        name = f"{hook}_{chain_type}_{priority.replace('-', 'm')}"
        lawn = Lawn(plot, netns, "nat" if chain_type == "nat" else "filter", hook, family, table.sets, kind == "inet")
        policy = "drop" if dice.chance(0.06) and chain_type != "nat" else "accept"
        head = f"type {chain_type} hook {hook} priority {priority}; policy {policy};"
        start = f"{xt.SHORT[hook]}_{chain_type}_"
        users = [f"{start}{number}" for number in range(dice.weighted(((3.0, 0), (2.0, 1), (2.0, 2))))]
        for number, user in enumerate(users):
            rules = table.chain(user)
            rules += [nft.rule(lawn, users[number + 1 :], chain_type) for _ in range(dice.number(1, 3))]
        new = [nft.rule(lawn, users, chain_type) for _ in range(dice.number(1, 4))]
        if hook in ("prerouting", "output") and priority == "-300":
            new += ["notrack"] if dice.chance(0.15) else []
            side = dice.either("ct", "ct", "ct original", "ct reply")
            new += [f"{side} zone set {dice.number(1, 2)}"] if dice.chance(0.15) else []
        insert(plot, table.chain(name, head), new)
