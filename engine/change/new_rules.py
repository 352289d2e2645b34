"""Rules that a fix inserts: the same condition as statements for the model and as words for the tool.

A `Selector` says which packets are meant; every field that is set becomes a condition. A rule for them has a protocol,
a port and an address: a fix opens no more than it was asked about. `accepted_by` is about what a host sends itself,
and about answers.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.change.rule import InsertRule, ReplaceRule
from engine.change.words import may_name_ports, rule_spec
from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import (
    Backend,
    Field,
    Interval,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    Rule,
    RuleVerdict,
    SetMss,
    Statement,
    VerdictKind,
)
from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.model.where import RulePlace
from engine.records import dataclass

#: Modules of iptables-extensions(8) that are not called like their protocol.
XT_MODULES: dict[Protocol, str] = {Protocol.ICMPV6: "icmp6"}

#: EtherType of ARP (RFC 826).
ARP = 0x0806


@dataclass(frozen=True, slots=True)
class Selector:
    """Which packets: a None or empty field is not asked. `not_iif` is `! -i`, `icmp_type` a type of either ICMP;
    `original_port` is the port that the flow's first packet had before it was translated."""

    protocol: Protocol
    source: IPAddress | IPNetwork | None = None
    destination: IPAddress | None = None
    sport: int | None = None
    dport: int | None = None
    iif: str = ""
    not_iif: str = ""
    oif: str = ""
    local_destination: bool = False
    established: bool = False
    icmp_type: int | None = None
    original_port: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition in the three forms that are needed."""

    match: Match
    xt: tuple[str, ...]
    nft: tuple[str, ...]


def conditions(selector: Selector) -> tuple[Condition, ...]:
    """The selector's conditions, in the order in which iptables-save prints them."""
    found: list[Condition] = []
    for end, address in (("s", selector.source), ("d", selector.destination)):
        if address is not None:
            found.append(_address(end, address))
    for field, option, negate, name in (
        ("meta iifname", "-i", False, selector.iif),
        ("meta iifname", "-i", True, selector.not_iif),
        ("meta oifname", "-o", False, selector.oif),
    ):
        if name:
            found.append(_device(field, option, negate, name))
    if selector.local_destination:
        match = Match((Field("fib daddr type"),), ((Name("local"),),), text="--dst-type LOCAL")
        found.append(Condition(match, ("-m", "addrtype", "--dst-type", "LOCAL"), ("fib", "daddr", "type", "local")))
    found.append(_protocol(selector.protocol))
    if selector.icmp_type is not None:
        found.append(_icmp(selector.protocol, selector.icmp_type))
    for end, port in (("sport", selector.sport), ("dport", selector.dport)):
        if port is not None:
            found.append(_port(selector.protocol, end, port))
    if selector.original_port is not None:
        found += _original_port(selector.original_port)
    if selector.established:
        match = Match((Field("ct state"),), ((Name("established"),),), text="--ctstate ESTABLISHED")
        xt = ("-m", "conntrack", "--ctstate", "ESTABLISHED")
        found.append(Condition(match, xt, ("ct", "state", "established")))
    return tuple(found)


def _address(end: str, address: IPAddress | IPNetwork) -> Condition:
    family = "ip" if address.version == 4 else "ip6"
    name = f"{'s' if end == 's' else 'd'}addr"
    network = ip_network(address)
    value = Interval(int(network.network_address), int(network.broadcast_address))
    match = Match((Field(f"{family} {name}"),), ((value,),), text=f"-{end} {address}")
    return Condition(match, (f"-{end}", str(network)), (family, name, str(address)))


def _original_port(port: int) -> tuple[Condition, ...]:
    """Docker's own advice for rules about a published port (docs.docker.com, packet filtering and firewalls)."""
    there = Match((Field("ct original proto-dst"),), ((Interval(port, port),),), text=f"--ctorigdstport {port}")
    way = Match((Field("ct direction"),), ((Name("original"),),), text="--ctdir ORIGINAL")
    return (
        Condition(there, ("-m", "conntrack", "--ctorigdstport", str(port)), ("ct", "original", "proto-dst", str(port))),
        Condition(way, ("--ctdir", "ORIGINAL"), ("ct", "direction", "original")),
    )


def _device(field: str, option: str, negate: bool, name: str) -> Condition:
    xt = ("!", option, name) if negate else (option, name)
    nft = (field.split()[1], *(("!=",) if negate else ()), name)
    match = Match((Field(field),), ((Name(name),),), negate=negate, text=" ".join(xt))
    return Condition(match, xt, nft)


def _protocol(protocol: Protocol) -> Condition:
    number = PROTOCOL_NUMBERS[protocol]
    match = Match((Field("meta l4proto"),), ((Interval(number, number),),), text=f"-p {protocol}")
    return Condition(
        match, ("-p", str(protocol), "-m", XT_MODULES.get(protocol, str(protocol))), ("meta", "l4proto", str(protocol))
    )


def _icmp(protocol: Protocol, number: int) -> Condition:
    name = "icmp" if protocol is Protocol.ICMP else "icmpv6"
    match = Match((Field(f"{name} type"),), ((Interval(number, number),),), text=f"--{name}-type {number}")
    return Condition(match, (f"--{name}-type", str(number)), (name, "type", str(number)))


def _port(protocol: Protocol, end: str, port: int) -> Condition:
    match = Match((Field(f"{protocol} {end}"),), ((Interval(port, port),),), text=f"--{end} {port}")
    return Condition(match, (f"--{end}", str(port)), (str(protocol), end, str(port)))


def insertion(
    place: RulePlace, selector: Selector, verdict: VerdictKind = VerdictKind.ACCEPT, target: str = ""
) -> InsertRule:
    """A rule that gives packets of the selector a verdict; a jump has a chain of the same table as its target."""
    statement = RuleVerdict(verdict, target or None)
    xt, nft = (target, f"jump {target}") if target else (str(verdict).upper(), str(verdict))
    words = _words(place.backend, selector, ("-j", xt), tuple(nft.split()))
    return InsertRule(place, _rule(place, selector, statement, words), words)


def accepted_by(place: RulePlace, device: str = "") -> InsertRule:
    """A rule that accepts what comes in by a device, or without one, what belongs to a connection that is tracked
    (iptables-extensions(8), conntrack)."""
    states = ("related", "established")
    match = Match((Field("ct state"),), tuple((Name(state),) for state in states), text="--ctstate RELATED,ESTABLISHED")
    tracked = Condition(
        match, ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"), ("ct", "state", "related,established")
    )
    condition = _device("meta iifname", "-i", False, device) if device else tracked
    native = place.backend is Backend.NFT
    words = (*condition.nft, "accept") if native else (*condition.xt, "-j", "ACCEPT")
    text = " ".join(words if native else ("-A", place.chain, *words))
    return InsertRule(place, Rule(place.index, (condition.match, RuleVerdict(VerdictKind.ACCEPT)), text), words)


def arp_insertion(place: RulePlace) -> InsertRule:
    """A rule that lets questions for addresses (ARP) pass a chain of a bridge, or of family arp."""
    bridge, native = place.family == "bridge", place.backend is Backend.NFT
    named = (("ether", "type", "arp") if native else ("-p", "ARP")) if bridge else ()
    words = (*named, *(("accept",) if native else ("-j", "ACCEPT")))
    matches = (Match((Field("ether type"),), ((Interval(ARP, ARP),),), text="ether type arp"),) if bridge else ()
    prefix = () if native else ("-A", place.chain)
    rule = Rule(place.index, (*matches, RuleVerdict(VerdictKind.ACCEPT)), " ".join((*prefix, *words)))
    return InsertRule(place, rule, words)


def translation(place: RulePlace, selector: Selector, target: IPAddress, port: int | None) -> InsertRule:
    """A DNAT rule."""
    statement, words = _dnat(place, selector, target, port)
    return InsertRule(place, _rule(place, selector, statement, words), words)


def masquerade(place: RulePlace, subnet: str, bridge: str) -> InsertRule:
    """The engine's own rule for a network: what leaves it gets the address of the device that it leaves by."""
    network = ip_network(subnet)
    interval = Interval(int(network.network_address), int(network.broadcast_address))
    family = "ip" if network.version == 4 else "ip6"
    statements = (
        Match((Field(f"{family} saddr"),), ((interval,),), text=f"-s {subnet}"),
        Match((Field("meta oifname"),), ((Name(bridge),),), negate=True, text=f"! -o {bridge}"),
        Nat(NatKind.MASQUERADE),
    )
    if place.backend is Backend.NFT:
        words: tuple[str, ...] = (family, "saddr", subnet, "oifname", "!=", bridge, "masquerade")
        return InsertRule(place, Rule(place.index, statements, " ".join(words)), words)
    words = ("-s", subnet, "!", "-o", bridge, "-j", "MASQUERADE")
    return InsertRule(place, Rule(place.index, statements, " ".join(("-A", place.chain, *words))), words)


def hairpin(place: RulePlace, selector: Selector) -> InsertRule:
    """Packets of the selector get the address of the device that they leave by, so that answers come back here."""
    words = _words(place.backend, selector, ("-j", "MASQUERADE"), ("masquerade",))
    return InsertRule(place, _rule(place, selector, Nat(NatKind.MASQUERADE), words), words)


def clamping(place: RulePlace, iif: str) -> InsertRule:
    """Connections that come in by a device agree on no larger packets than their way takes, in the packets that open
    them and answer that (iptables-extensions(8), TCPMSS; nft(8), tcp option maxseg)."""
    syn, number = 0x02, PROTOCOL_NUMBERS[Protocol.TCP]
    statements = (
        Match((Field("meta iifname"),), ((Name(iif),),), text=f"-i {iif}"),
        Match((Field("meta l4proto"),), ((Interval(number, number),),), text="-p tcp"),
        Match((Field("tcp flags", syn),), ((Interval(syn, syn),),), text="--tcp-flags SYN SYN"),
        SetMss(),
    )
    native = place.backend is Backend.NFT
    line = f"iifname {iif} tcp flags syn tcp option maxseg size set rt mtu"
    if not native:
        line = f"-i {iif} -p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --clamp-mss-to-pmtu"
    text = line if native else f"-A {place.chain} {line}"
    return InsertRule(place, Rule(place.index, statements, text), tuple(line.split()))


def retarget(place: RulePlace, old: Rule, target: IPAddress, port: int | None) -> ReplaceRule | None:
    """The same DNAT rule with another target; None for one whose text can't be rewritten (a map's), and where a port is
    wanted of a rule that may not name one."""
    if any(isinstance(statement, Nat) and statement.fields for statement in old.statements):
        return None
    if port is not None and not may_name_ports(old):
        return None
    to = _destination(target, port)
    words = old.text.split()
    if "--to-destination" in words:
        words[words.index("--to-destination") + 1] = to
        words = words[words.index(place.chain) + 1 :] if place.chain in words else words
    elif "dnat" in words and "to" in words:
        words[words.index("to", words.index("dnat")) + 1] = to
        words = without_counter(words)
    else:
        return None
    value = NatValue(target, target, port, port)
    statements = tuple(
        Nat(s.kind, value, flags=s.flags) if isinstance(s, Nat) and s.kind is NatKind.DNAT else s
        for s in old.statements
    )
    text = " ".join(words) if place.backend is Backend.NFT else " ".join(("-A", place.chain, *words))
    rule = Rule(place.index, statements, text, old.handle)
    return ReplaceRule(place, rule, tuple(words))


def masqueraded(place: RulePlace, old: Rule) -> ReplaceRule | None:
    """The same SNAT rule with the address of the device that packets leave by, and the ports that it had; None for one
    that chooses by a map."""
    nat = next((s for s in old.statements if isinstance(s, Nat)), None)
    if nat is None or nat.kind is not NatKind.SNAT or nat.fields:
        return None
    value, flags = NatValue(None, None, nat.value.port_low, nat.value.port_high), nat.flags - {"persistent"}
    low, high = value.port_low, value.port_high
    ports = "" if low is None else str(low) if high in (None, low) else f"{low}-{high}"
    if place.backend is Backend.NFT:
        words = without_counter(old.text.split())
        kept, to = words[: words.index("snat")], (("to", f":{ports}") if ports else ())
        words = [*kept, "masquerade", *to, *((",".join(sorted(flags)),) if flags else ())]
        text = " ".join(words)
    else:
        words = list(rule_spec(old, place.chain))
        at = words.index("--to-source")
        words[at : at + 2] = ("--to-ports", ports) if ports else ()
        words[words.index("-j") + 1] = "MASQUERADE"
        words = [word for word in words if word != "--persistent"]
        text = " ".join(("-A", place.chain, *words))
    statements = tuple(Nat(NatKind.MASQUERADE, value, flags=flags) if s is nat else s for s in old.statements)
    return ReplaceRule(place, Rule(place.index, statements, text, old.handle), tuple(words))


def without_counter(words: list[str]) -> list[str]:
    """nft takes `counter` with its numbers back, but a replaced rule should count from the start."""
    if "counter" in words:
        at = words.index("counter")
        end = at + 5 if words[at + 1 : at + 2] == ["packets"] else at + 1
        return [*words[: at + 1], *words[end:]]
    return words


def _dnat(place: RulePlace, selector: Selector, target: IPAddress, port: int | None) -> tuple[Nat, tuple[str, ...]]:
    to = _destination(target, port)
    nft = ("dnat", *((("ip",) if target.version == 4 else ("ip6",)) if place.family == "inet" else ()), "to", to)
    words = _words(place.backend, selector, ("-j", "DNAT", "--to-destination", to), nft)
    return Nat(NatKind.DNAT, NatValue(target, target, port, port)), words


def _destination(target: IPAddress, port: int | None) -> str:
    address = f"[{target}]" if target.version == 6 and port is not None else str(target)
    return f"{address}:{port}" if port is not None else address


def _words(backend: Backend, selector: Selector, xt: tuple[str, ...], nft: tuple[str, ...]) -> tuple[str, ...]:
    native = backend is Backend.NFT
    head = [word for condition in conditions(selector) for word in (condition.nft if native else condition.xt)]
    return (*head, *(nft if native else xt))


def _rule(place: RulePlace, selector: Selector, statement: Statement, words: tuple[str, ...]) -> Rule:
    matches = tuple(condition.match for condition in conditions(selector))
    prefix = () if place.backend is Backend.NFT else ("-A", place.chain)
    return Rule(place.index, (*matches, statement), " ".join((*prefix, *words)))
