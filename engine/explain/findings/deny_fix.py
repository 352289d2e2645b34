"""What keeps a connection out that a deny rule was meant to keep out: the same denial, where the packet comes by.

Proven as every fix: the rule is put in on the model and the question is walked again; it has to stop connecting.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.change import applied
from engine.change.new_rules import Selector, insertion
from engine.explain.evidence.rule_scope import Conditions, at_port, at_source, source_of
from engine.explain.fixes.persistence import lasting
from engine.explain.ranking.side_effects import Sideways
from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import Backend, Chain, Match, Name, Table, VerdictKind
from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.plan import Plan
from engine.model.trace import Symptom
from engine.model.verdict import Fix, Question
from engine.model.where import RulePlace, seen
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Opening:
    """A packet that gets through a hook of a namespace, as it was before its translation, and the conditions of the
    rule that was to deny it."""

    world: World
    question: Question
    netns: str
    hook: str
    packet: Packet
    conditions: Conditions


def closing(opening: Opening) -> tuple[Fix, ...]:
    """The fixes that keep the packet out; none where the namespace has no chain for it."""
    netns = opening.world.netns(opening.netns)
    place = _place(netns, opening.hook, opening.packet.dst.version)
    if place is None or opening.packet.dport is None:
        return ()
    selector = _selector(opening)
    change = insertion(place, selector, VerdictKind.DROP)
    snapshot = opening.world.snapshot
    after = opening.world.derive(applied(snapshot, (change,)))
    runs, _ = conversations(after, opening.question)
    symptoms = {run.result.symptom for run in runs}
    if Symptom.CONNECTED in symptoms:
        return ()
    who = f"packets from {_word(selector.source)} to  " if selector.source is not None else ""
    title = f"drop {who}port {opening.packet.dport}/{opening.packet.protocol} in {place.chain}"
    effects = Sideways(opening.question).of(opening.world, after, (change,)).sentences()
    then = runs[0].result.symptom
    kept, commands = lasting(snapshot, (change,)), change.argv(seen(snapshot))
    return (Fix(title, Plan(title, (change,)), commands, "model", then, effects, kept.survives),)


def _selector(opening: Opening) -> Selector:
    """The published port, for the source that is named; a set may name it among others. Without conditions for all."""
    packet, conditions = opening.packet, opening.conditions
    source: IPAddress | IPNetwork | None = source_of(conditions, packet)
    if source is None and conditions and (at_source(conditions) or not at_port(conditions, packet)):
        source = packet.src
    return Selector(packet.protocol, source=source, original_port=packet.dport, iif=_device(conditions))


def _word(source: IPAddress | IPNetwork) -> str:
    """One address without its length."""
    network = ip_network(source)
    return str(network.network_address if network.num_addresses == 1 else network)


def _device(conditions: Conditions) -> str:
    """The device that the packet had to come in by, where one is named."""
    for match in conditions:
        if _asks_device(match) and len(match.elements) == 1 and isinstance(match.elements[0][0], Name):
            name = match.elements[0][0].pattern
            return "" if name.endswith("*") else name
    return ""


def _asks_device(match: Match) -> bool:
    return not match.negate and len(match.fields) == 1 and match.fields[0].name in ("meta iifname", "meta iif")


def _place(netns: Netns, hook: str, version: int) -> RulePlace | None:
    """The top of DOCKER-USER, else of a base chain of the hook; iptables' before native ones."""
    families = ("ip" if version == 4 else "ip6", "inet")
    found: list[tuple[bool, bool, RulePlace]] = []
    for table in netns.firewall.tables:
        for chain in table.chains if table.family in families else ():
            user = hook == "forward" and chain.name == "DOCKER-USER" and _is_led_to(table, chain)
            if user or (chain.base is not None and (chain.base.kind, chain.base.hook) == ("filter", hook)):
                place = RulePlace(netns.id, table.backend, table.family, table.name, chain.name, 0)
                found.append((not user, table.backend is Backend.NFT, place))
    found = [each for each in found if each[2].table not in ("mangle", "raw", "security")]
    return min(found, key=lambda each: each[:2])[2] if found else None


def _is_led_to(table: Table, chain: Chain) -> bool:
    statements = (s for other in table.chains for rule in other.rules for s in rule.statements)
    return any(getattr(statement, "chain", None) == chain.name for statement in statements)
