"""Blockers of netfilter: a rule that drops or rejects, and the exceptions that go before it."""

from __future__ import annotations

from engine.change.new_rules import Selector, insertion
from engine.change.rule import DeleteRule
from engine.explain.blocker import WIDE, Blocker, Remedy
from engine.explain.blockers.ban import TOOLS, taken_back
from engine.explain.blockers.evidence import held, met, policy, published, set_otherwise, written_again
from engine.explain.blockers.firewalld_zones import unzoned
from engine.explain.evidence.hypothetical_hooks import ENGINES
from engine.explain.evidence.near_misses import Passed, near_misses
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import accepts
from engine.explain.failure import Failure, place_of, rule_at
from engine.explain.fixes.described import described_ways
from engine.explain.fixes.networks import joined_networks
from engine.model.address import end_of
from engine.model.firewall import Match, Name, Rule, Table, VerdictKind
from engine.model.owner import DEVICES, EDGE
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref
from engine.model.trace import Outcome, StepKind
from engine.model.where import RulePlace
from engine.path.lookup.refs import chain_ref
from engine.records import replace

#: Fields that tie a rule to one service: with a port and one of these a rule is about this flow, not about a class.
PORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport", "tcp sport", "udp sport", "th sport"})
#: What Docker Engine 29 says of its rules of nftables.
COMMENTED = {
    "ICC": "FW_ICC_DROP",
    "UNPUBLISHED PORT DROP": "FW_UNPUBLISHED_PORT_DROP",
    "INTERNAL NETWORK INGRESS": "FW_INTERNAL_NET_DROP",
    "INTERNAL NETWORK EGRESS": "FW_INTERNAL_NET_DROP",
}
PLACES = frozenset({"ip daddr", "ip6 daddr", "ip saddr", "ip6 saddr"})


def rule_drop(failure: Failure) -> list[Blocker]:
    """RULE_DROP and REJECTED: the rule is deleted if it is about this flow, else an exception goes before it."""
    ref = failure.step.ref
    found = rule_at(failure.world, ref) if ref else None
    if ref is None or found is None:
        return []
    table, rule = found
    guard = _direct_access_guard(failure, rule, ref)
    owner = guard or owner_of(ref, failure.netns.firewall)
    code = "FW_RAW_DIRECT_ACCESS_DROP" if guard else _drop_code(owner, rule, ref)
    if code == "FW_ICC_DROP" and owner not in ENGINES:
        owner = _whose_bridge(_leaves(rule))
    rejects = failure.outcome is Outcome.REJECTED
    verb = f"rejects ({failure.trace.reject})" if rejects else "drops"
    sentence = f"{_whose(owner)}{ref.words} in {ref.netns} {verb} {what(failure)}: {rule.text}"
    misses = near_misses(passed(failure, ref), accepts, ref)
    code = "FW_RULE_REJECT" if rejects else code
    ways = written_again(failure, code, owner, _ways_past(failure, table, rule, ref, owner))
    ways = set_otherwise(failure, code, ways)
    remedies = (*networks(failure, owner), *ways)
    evidence = (*met(failure, rule), *held(remedies), *published(failure, code, owner), *policy(ref, owner))
    return [Blocker(code, sentence, ref, remedies, owner, evidence, misses)]


def _ways_past(failure: Failure, table: Table, rule: Rule, ref: Ref, owner: str) -> tuple[Remedy, ...]:
    """Past a blocking rule: an exception before it (handing the packet back, or accepting it), or without it."""
    place = place_of(ref)
    if owner == EDGE:
        return described_ways(failure, place)
    title = f"accept {flow(failure)} before {ref.words}"
    selector = selector_for(failure, rule)
    unbanned = taken_back(failure, table, rule, place, owner)
    if unbanned and owner in TOOLS and all(remedy.cost < WIDE for remedy in unbanned):
        return unbanned
    where = docker_user(failure, table, place) if owner == "docker" else None
    if where is not None:
        return (in_docker_user(failure, where, selector),)
    kept = _among_users_rules(failure, table, place) if owner == "ufw" else None
    if kept is not None:
        return (Remedy(f"accept {flow(failure)} in {kept.chain}", (insertion(kept, selector),)),)
    zoneless = unzoned(failure, table) if owner == "firewalld" else None
    if zoneless is not None and failure.step.hook == "input":
        selector = replace(selector, source=zoneless.subnet)
    chain = table.chain(place.chain)
    base = chain is not None and chain.base is not None
    accepting = Remedy(f"accept {flow(failure)} before {ref.words}", (insertion(place, selector),), fallback=not base)
    back = Remedy(title, (insertion(place, selector, VerdictKind.RETURN),))
    exceptions = (*unbanned, *((accepting,) if base else (back, accepting)))
    if zoneless is not None:
        return (zoneless.remedy,) if failure.step.hook == "forward" else (*exceptions, zoneless.remedy)
    if owner != "admin" and not place.chain.startswith(("ufw-user-", "ufw6-user-")):
        return exceptions
    if not any(isinstance(each, Match) for each in rule.statements):
        return exceptions  # what is about everything is as good as a policy, and stays
    cost = 1 if about_this_flow(rule) else WIDE
    deletion = Remedy(f"delete {ref.words}", (DeleteRule(place, rule),), cost=cost)
    return (deletion, *exceptions) if about_this_flow(rule) else (*exceptions, deletion)


def _among_users_rules(failure: Failure, table: Table, place: RulePlace) -> RulePlace | None:
    """The begin of ufw's chain for the user's rules, where the packet came by it before a rule in another chain."""
    table_key = (str(place.backend), place.family, place.table)
    for step in failure.trace.hops[-1].steps:
        if step.ref is None or step.hook != failure.step.hook or step.ref.key[:3] != table_key:
            continue
        name = step.verdict.rpartition(", ")[2].removeprefix("jump ")
        if name.startswith(("ufw-user-", "ufw6-user-")) and table.chain(name) and name != place.chain:
            return replace(place, chain=name, index=0)
    return None


def networks(failure: Failure, owner: str) -> tuple[Remedy, ...]:
    """What the engine has against its own isolation of two networks."""
    return joined_networks(failure) if owner in ENGINES else ()


def left_at(failure: Failure, chain: Ref, length: int) -> int:
    """Where the packet left a base chain for its policy: at a rule that returned or went to another chain, or behind
    the last rule. A rule that accepts it must stand there or before."""
    for step in failure.trace.hops[-1].steps:
        ref = step.ref
        if step.kind is not StepKind.RULE or ref is None or step.hook != failure.step.hook or ref.key[:4] != chain.key:
            continue
        if step.verdict.rpartition(", ")[2].split()[0] in ("return", "goto"):
            return int(ref.key[4])
    return length


def docker_user(failure: Failure, table: Table, place: RulePlace) -> RulePlace | None:
    """Where the packet left DOCKER-USER, if it came by: dockerd leaves that chain alone and asks it first.

    What the admin drops in it before that place stays dropped.
    """
    chain = table.chain("DOCKER-USER")
    if chain is None or failure.step.hook != "forward" or place.chain == "DOCKER-USER":
        return None
    came_by = any(
        step.ref is not None
        and step.ref.netns == place.netns
        and step.ref.key[:3] == (str(place.backend), place.family, place.table)
        and step.verdict.endswith("jump DOCKER-USER")
        for step in failure.trace.hops[-1].steps
    )
    if not came_by:
        return None
    index = left_at(failure, chain_ref(place.netns, table, chain), len(chain.rules))
    return RulePlace(place.netns, place.backend, place.family, place.table, "DOCKER-USER", index)


def in_docker_user(failure: Failure, where: RulePlace, selector: Selector) -> Remedy:
    """An exception by the device that the packet came in by, since what is accepted there passes isolation too."""
    exception = insertion(where, replace(selector, iif=failure.step.context.iif))
    return Remedy(f"accept {flow(failure)} in DOCKER-USER", (exception,))


def selector_for(failure: Failure, rule: Rule | None) -> Selector:
    """This flow, no wider than its service; with the source too where the blocking rule asks for one.

    For an answer the service is at the source end, and only answers are meant, where the hook can tell.
    """
    packet = failure.packet
    fields = {field.name for s in (rule.statements if rule else ()) if isinstance(s, Match) for field in s.fields}
    if packet.protocol not in (Protocol.TCP, Protocol.UDP, Protocol.SCTP):
        return Selector(packet.protocol, source=packet.src, destination=packet.dst, icmp_type=packet.icmp_type)
    if failure.from_service:
        wanted = packet.dst if fields & {"ip daddr", "ip6 daddr"} else None
        tracked = failure.step.ref is not None and failure.step.ref.key[1] in ("ip", "ip6", "inet")
        established = tracked and failure.step.context.ct_state == "established"
        return Selector(packet.protocol, packet.src, wanted, sport=packet.sport, established=established)
    source = packet.src if fields & {"ip saddr", "ip6 saddr"} else None
    return Selector(packet.protocol, source, packet.dst, dport=packet.dport)


def about_this_flow(rule: Rule) -> bool:
    """Whether a rule is about one service: it names a port and an address, and not by a set of them."""
    plain = (each for each in rule.statements if isinstance(each, Match) and each.lookup is None)
    fields = {field.name for match in plain for field in match.fields}
    return bool(fields & PORTS) and bool(fields & PLACES)


def passed(failure: Failure, ref: Ref) -> Passed:
    """The steps of the hook that the packet ended in."""
    return Passed(failure.world, ref.netns, failure.step, failure.trace.hops[-1].steps)


def _drop_code(owner: str, rule: Rule, ref: Ref) -> str:
    """What an engine's own rule is there for, told by its devices, or by its comment (moby,
    integration/network/bridge/iptablesdoc and nftablesdoc)."""
    asked = {field.name: each for each in rule.statements if isinstance(each, Match) for field in each.fields}
    came, leaves = asked.get("meta iifname"), asked.get("meta oifname")
    subnet = next((asked[name] for name in sorted(PLACES) if name in asked), None)
    if owner not in ENGINES and not _whose_bridge(leaves):
        return "FW_RULE_DROP"
    if owner == "docker" and rule.comment in COMMENTED:
        return COMMENTED[rule.comment]
    if came is not None and leaves is not None and came.elements == leaves.elements:
        return "FW_UNPUBLISHED_PORT_DROP" if came.negate else "FW_ICC_DROP"
    if subnet is not None and subnet.negate and (came is not None or leaves is not None):
        return "FW_INTERNAL_NET_DROP"
    return "FW_NET_ISOLATION_DROP" if "ISOLATION" in str(ref.key[3]) else "FW_RULE_DROP"


def _leaves(rule: Rule) -> Match | None:
    """The condition on the device that a packet leaves by."""
    found = (each for each in rule.statements if isinstance(each, Match) and len(each.fields) == 1)
    return next((each for each in found if each.fields[0].name == "meta oifname"), None)


def _whose_bridge(match: Match | None) -> str:
    """The engine whose network's bridge a condition names; empty where it names another device."""
    atoms = (atom for element in (match.elements if match else ()) for atom in element)
    names = (atom.pattern for atom in atoms if isinstance(atom, Name))
    return next((who for name in names for pattern, who in DEVICES if pattern.match(name)), "")


def _direct_access_guard(failure: Failure, rule: Rule, ref: Ref) -> str:
    """The engine whose rule keeps a container's own address from outside its bridge; empty for any other rule.

    Docker Engine 28 writes it in raw PREROUTING as `-d CONTAINER ! -i BRIDGE -j DROP`
    (moby, integration/network/bridge/iptablesdoc).
    """
    conditions = [s for s in rule.statements if isinstance(s, Match)]
    names = {field.name for each in conditions for field in each.fields}
    bridge = next((each for each in conditions if each.negate and each.fields[0].name == "meta iifname"), None)
    if failure.step.hook != "prerouting" or bridge is None or not names & {"ip daddr", "ip6 daddr"}:
        return ""
    for container in failure.home.containers if str(ref.key[2]) in ("raw", "docker-bridges") else ():
        if any(failure.packet.dst in (each.address, each.address6) for each in container.attachments):
            return container.engine
    return _whose_bridge(bridge)


def what(failure: Failure) -> str:
    """The failing packet in words."""
    packet = failure.packet
    return f"the reply {packet}" if failure.from_service else f"{packet}"


def flow(failure: Failure) -> str:
    """What an exception for the failing packet lets through, in words."""
    return flow_words(failure.packet, answer=failure.from_service)


def flow_words(packet: Packet, *, answer: bool) -> str:
    """What a fix lets through, in words: `tcp to 172.17.0.2:80`, or the replies from there."""
    if answer:
        return f"replies from {end_of(packet.src, packet.sport)}/{packet.protocol}"
    return f"{packet.protocol} to {end_of(packet.dst, packet.dport)}"


def _whose(owner: str) -> str:
    return "" if owner in ("admin", EDGE) else f"{owner}'s "
