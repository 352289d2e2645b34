"""Blockers of netfilter: a rule that drops or rejects, a policy that does."""

from __future__ import annotations

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure, place_of, rule_at
from engine.explain.nearmiss import near_misses
from engine.explain.owners import owner_of
from engine.explain.rulecraft import Selector, insertion
from engine.model.firewall import Backend, Match, Rule, Table, Verdict, VerdictKind
from engine.model.packet import Protocol
from engine.model.plan import Change, DeleteRule, RulePlace
from engine.model.ref import Ref
from engine.model.trace import Outcome, StepKind

#: Fields that tie a rule to one service: with a port and one of these a rule is about this flow, not about a class.
PORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport", "tcp sport", "udp sport", "th sport"})
PLACES = frozenset({"ip daddr", "ip6 daddr", "ip saddr", "ip6 saddr"})


def rule_drop(failure: Failure) -> list[Blocker]:
    """RULE_DROP and REJECTED: the rule is deleted if it is about this flow, else an exception goes before it."""
    ref = failure.step.ref
    found = rule_at(failure.world, ref) if ref else None
    if ref is None or found is None:
        return []
    table, rule = found
    owner = owner_of(ref, failure.netns.firewall)
    place = place_of(ref)
    exception = Remedy(
        f"let {_flow(failure)} pass before {ref.name}",
        (_exception(failure, table, rule, place, owner),),
    )
    deletion = Remedy(f"delete {ref.name}", (DeleteRule(place, rule),))
    remedies = [deletion, exception] if _about_this_flow(rule) and owner == "admin" else [exception]
    if owner == "admin" and deletion not in remedies:
        remedies.append(deletion)
    rejects = failure.outcome is Outcome.REJECTED
    verb = f"rejects ({failure.trace.reject})" if rejects else "drops"
    sentence = f"{_whose(owner)} rule {ref.name} in {ref.netns} {verb} {_what(failure)}: {rule.text}"
    misses = near_misses(failure.world, failure.step, ref.netns, want=Verdict)
    code = "FW_RULE_REJECT" if rejects else _drop_code(ref, owner)
    return [Blocker(code, sentence, ref, tuple(remedies), owner, _evidence(failure, rule), misses)]


def policy_drop(failure: Failure) -> list[Blocker]:
    """POLICY_DROP: an exception at the chain's end, or where the owner of its rules keeps a place for admins."""
    ref = failure.step.ref
    if ref is None:
        return []
    owner = owner_of(ref, failure.netns.firewall)
    backend, family, table_name, chain_name = (str(part) for part in ref.key[:4])
    table = failure.netns.firewall.table(Backend(backend), family, table_name)
    chain = table.chain(chain_name) if table else None
    if table is None or chain is None:
        return []
    place = RulePlace(ref.netns, Backend(backend), family, table_name, chain_name, len(chain.rules))
    remedy = Remedy(
        f"accept {_flow(failure)} in {_place_for(failure, table, place)[0].chain}",
        (_exception(failure, table, None, place, owner),),
    )
    sentence = f"no rule accepts {_what(failure)} in {ref.netns}: the policy of {ref.name} drops it"
    misses = near_misses(failure.world, failure.step, ref.netns, want=Verdict)
    evidence = (f"{failure.packet} ran through {ref.name} without a match that accepts it",)
    return [Blocker("FW_POLICY_DROP", sentence, ref, (remedy,), owner, evidence, misses)]


def _exception(failure: Failure, table: Table, rule: Rule | None, place: RulePlace, owner: str) -> Change:
    """An accepting rule for this flow. A chain that others jump to hands the packet back instead (RETURN)."""
    where, verdict = _place_for(failure, table, place)
    if owner == "admin" and where == place:
        chain = table.chain(place.chain)
        verdict = VerdictKind.ACCEPT if chain is not None and chain.base is not None else VerdictKind.RETURN
    return insertion(where, selector_for(failure, rule), verdict)


def _place_for(failure: Failure, table: Table, place: RulePlace) -> tuple[RulePlace, VerdictKind]:
    """DOCKER-USER where the table has it and it is asked at this hook: dockerd leaves it alone and asks it first."""
    user = table.chain("DOCKER-USER")
    base = table.chain(place.chain)
    admins_own = place.chain == "DOCKER-USER" or (base is not None and base.base is None and not _docker(place.chain))
    if user is None or failure.step.hook != "forward" or admins_own or not _asked_first(table, place):
        return place, VerdictKind.ACCEPT
    return RulePlace(place.netns, place.backend, place.family, place.table, "DOCKER-USER", 0), VerdictKind.ACCEPT


def _asked_first(table: Table, place: RulePlace) -> bool:
    """Whether the base chain jumps to DOCKER-USER before the place."""
    chain = table.chain(place.chain)
    if chain is None or chain.base is None:
        return True
    for rule in chain.rules[: place.index]:
        if any(isinstance(s, Verdict) and s.chain == "DOCKER-USER" for s in rule.statements):
            return not any(isinstance(s, Match) for s in rule.statements)
    return False


def selector_for(failure: Failure, rule: Rule | None) -> Selector:
    """This flow, no wider than its service; with the source too where the blocking rule asks for one.

    For an answer the service is at the source end.
    """
    packet = failure.packet
    fields = {field.name for s in (rule.statements if rule else ()) if isinstance(s, Match) for field in s.fields}
    if packet.protocol not in (Protocol.TCP, Protocol.UDP, Protocol.SCTP):
        return Selector(packet.protocol, source=packet.src, destination=packet.dst)
    if failure.backwards:
        wanted = packet.dst if fields & {"ip daddr", "ip6 daddr"} else None
        return Selector(packet.protocol, packet.src, wanted, sport=packet.sport)
    source = packet.src if fields & {"ip saddr", "ip6 saddr"} else None
    return Selector(packet.protocol, source, packet.dst, dport=packet.dport)


def _about_this_flow(rule: Rule) -> bool:
    fields = {field.name for s in rule.statements if isinstance(s, Match) for field in s.fields}
    return bool(fields & PORTS) and bool(fields & PLACES)


def _drop_code(ref: Ref, owner: str) -> str:
    table, chain = str(ref.key[2]), str(ref.key[3])
    if owner == "docker" and table == "raw":
        return "FW_RAW_DIRECT_ACCESS_DROP"
    if "ISOLATION" in chain:
        return "FW_NET_ISOLATION_DROP"
    return "FW_RULE_DROP"


def _evidence(failure: Failure, rule: Rule) -> tuple[str, ...]:
    found = [f"the packet there: {failure.packet}"]
    if rule.packets is not None:
        found.append(f"the rule has counted {rule.packets} packets")
    nat = [step for step in failure.trace.steps if step.kind is StepKind.NAT and step.after]
    if nat:
        found.append(f"translated before: {nat[-1].packet} became {nat[-1].after}")
    return tuple(found)


def _what(failure: Failure) -> str:
    packet = failure.packet
    return f"the answer {packet}" if failure.backwards else f"{packet}"


def _flow(failure: Failure) -> str:
    packet = failure.packet
    if failure.backwards:
        return f"answers from {packet.src}:{packet.sport}/{packet.protocol}"
    return f"{packet.protocol} to {packet.dst}:{packet.dport}"


def _whose(owner: str) -> str:
    return "the" if owner == "admin" else f"{owner}'s"


def _docker(chain: str) -> bool:
    return chain.startswith("DOCKER")
