"""The audit of a snapshot's rules: each flaw is a function in a table, the first that a rule has is shown.

A rule is flawed as the host is now: a device may come back, and a set may be filled. Sources: iptables(8), nft(8), and
for published ports moby, docs "Packet filtering and firewalls": the destination is translated before FORWARD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from engine.explain.audit.coverage import Ends, conditions, covered
from engine.explain.evidence.near_misses import targets
from engine.explain.evidence.owners import owner_of
from engine.model.address import IPAddress
from engine.model.firewall import Chain, Interval, Name, Nat, Rule, Table
from engine.model.host import Netns, Snapshot
from engine.model.ref import Ref
from engine.model.rule_finding import RuleFinding, RuleFlaw
from engine.path.lookup.broadcast_domain import ports_of
from engine.path.lookup.refs import chain_ref, rule_ref
from engine.records import dataclass, replace

DEVICES = frozenset({"meta iifname", "meta oifname", "meta iif", "meta oif"})
DPORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport"})
DADDRS = frozenset({"ip daddr", "ip6 daddr"})


@dataclass(frozen=True, slots=True)
class Audited:
    """One chain under audit, and the hooks from which packets come to it."""

    snapshot: Snapshot
    netns: Netns
    table: Table
    chain: Chain
    hooks: frozenset[str]

    def ref(self, rule: Rule) -> Ref:
        """A pointer to a rule of the chain."""
        return rule_ref(self.netns.id, self.table, self.chain, rule)


Said = tuple[RuleFlaw, str]
Look = Callable[[Audited, Rule], Said | None]


def audit(snapshot: Snapshot, place: Netns) -> list[RuleFinding]:
    """The flaws of a namespace's rules, in the order of its tables and chains; those that only have no packets last."""
    found = [finding for table in place.firewall.tables for finding in _of_table(snapshot, place, table)]
    return sorted(found, key=lambda finding: finding.flaw is RuleFlaw.UNUSED)


def _of_table(snapshot: Snapshot, netns: Netns, table: Table) -> Iterator[RuleFinding]:
    hooks, ends = _hooks(table), Ends(table)
    for chain in table.chains:
        at = Audited(snapshot, netns, table, chain, hooks.get(chain.name, frozenset()))
        if not at.hooks:
            if chain.rules:
                yield _unreached(at)
            continue
        taken = dict(_taken(at, ends))
        for rule in chain.rules:
            finding = taken.get(rule.index) or _own(at, rule)
            if finding is not None:
                yield replace(finding, owner=owner_of(finding.at, netns.firewall))


def _unreached(at: Audited) -> RuleFinding:
    count = len(at.chain.rules)
    ref = chain_ref(at.netns.id, at.table, at.chain)
    sentence = f"is reached from no hook: its {count} rule{'s are' if count > 1 else ' is'} never evaluated"
    return RuleFinding(RuleFlaw.UNREACHED, ref, sentence, owner_of(ref, at.netns.firewall))


def _hooks(table: Table) -> dict[str, frozenset[str]]:
    """For each chain that packets come to, the hooks that they come from."""
    found: dict[str, frozenset[str]] = {}
    for base in (chain for chain in table.chains if chain.base is not None):
        hook, ahead = base.base.hook if base.base else "", [base]
        while ahead:
            chain = ahead.pop()
            if hook in found.get(chain.name, ()):
                continue
            found[chain.name] = found.get(chain.name, frozenset()) | {hook}
            ahead += [each for rule in chain.rules for each in targets(table, rule)]
    return found


def _taken(at: Audited, ends: Ends) -> Iterator[tuple[int, RuleFinding]]:
    """Rules that an earlier one of their chain leaves no packet for."""
    seen: dict[str, Rule] = {}
    for rule, before in covered(at.chain, ends):
        ref, by = at.ref(rule), at.ref(before)
        if rule.text and rule.text == before.text:
            flaw, sentence = RuleFlaw.DUPLICATE, f"is the same as {by.words}"
        elif not conditions(before):
            flaw, sentence = (
                RuleFlaw.AFTER_VERDICT,
                f"is never evaluated: {by.words} takes every packet ({before.text})",
            )
        else:
            flaw, sentence = RuleFlaw.SHADOWED, f"never matches: {by.words} takes all of its packets ({before.text})"
        yield rule.index, RuleFinding(flaw, ref, sentence, "", by)
    for rule in at.chain.rules:
        first = seen.setdefault(rule.text, rule)
        if first is not rule and rule.text and not ends.rule(rule):
            by = at.ref(first)
            yield rule.index, RuleFinding(RuleFlaw.DUPLICATE, at.ref(rule), f"is the same as {by.words}", "", by)


def _own(at: Audited, rule: Rule) -> RuleFinding | None:
    """The first flaw that a rule has by itself."""
    said = next((found for look in LOOKS if (found := look(at, rule)) is not None), None)
    return RuleFinding(said[0], at.ref(rule), said[1], "") if said is not None else None


def _empty_set(at: Audited, rule: Rule) -> Said | None:
    for match in conditions(rule):
        named = at.table.sets_by_name.get(match.lookup or "") if match.lookup else None
        if match.lookup and named is None:
            named = at.netns.firewall.ipsets_by_name.get(match.lookup)
        filled = named is None or named.elements or named.members or named.dynamic
        if not filled and not match.negate:
            return RuleFlaw.EMPTY_SET, f"never matches: set {match.lookup} is empty"
    return None


def _no_device(at: Audited, rule: Rule) -> Said | None:
    for match in conditions(rule):
        if match.negate or match.lookup or len(match.fields) != 1 or match.fields[0].name not in DEVICES:
            continue
        names = [atom.pattern for (atom,) in match.elements if isinstance(atom, Name)]
        if len(names) == len(match.elements) and not any(_exists(at.netns, name) for name in names):
            return RuleFlaw.NO_DEVICE, f"never matches: {at.netns.id} has no device {' or '.join(names)}"
    return None


def _exists(netns: Netns, pattern: str) -> bool:
    if pattern.endswith("*"):
        return any(name.startswith(pattern[:-1]) for name in netns.links_by_name)
    return pattern in netns.links_by_name


def _no_address(at: Audited, rule: Rule) -> Said | None:
    """A single address of a container that is gone: as a translation's target, or as a destination."""
    nat = [s.value.low for s in rule.statements if isinstance(s, Nat) and s.value.low == s.value.high]
    asked = [
        ip_address(atom.low)
        for match in conditions(rule)
        if not match.negate and match.lookup is None and [each.name for each in match.fields] in (["ip daddr"],)
        for (atom,) in match.elements
        if isinstance(atom, Interval) and atom.low == atom.high and len(match.elements) == 1
    ]
    for address in (*nat, *asked):
        bridge = _bridge_without(at, address) if address is not None else ""
        if bridge:
            does = "translates to" if address in nat else "is about"
            return RuleFlaw.NO_ADDRESS, f"{does} {address}, which is on no interface behind {bridge}"
    return None


def _bridge_without(at: Audited, address: IPAddress) -> str:
    """The bridge of containers in whose subnet an address is that nothing has; empty for any other address."""
    if any(address in netns.addresses_by_value for netns in at.snapshot.namespaces):
        return ""
    for own in at.netns.addresses:
        link = at.netns.links_by_index.get(own.link)
        if link is not None and link.kind == "bridge" and own.covers(address) and own.prefixlen < 31:
            ports = ports_of(at.netns, link)
            if all(port.kind == "veth" for port in ports):
                return link.name
    return ""


def _published(at: Audited, rule: Rule) -> Said | None:
    """A rule of the admin's that names a port as the host publishes it, where the packet has the container's port."""
    if (
        at.netns.id != at.snapshot.host
        or not at.hooks <= {"forward", "input"}
        or owner_of(at.ref(rule), at.netns.firewall)
        not in (
            "admin",
            "ufw",
        )
    ):
        return None
    for port in _single_ports(rule):
        found = [(c, p) for c, p in at.snapshot.published if p.host_port == port and c.state == "running"]
        inner = {p.container_port for _, p in at.snapshot.published}
        if not found:
            continue
        container, published = found[0]
        if at.hooks == {"forward"} and port not in inner:
            way = f"the packet has port {published.container_port} here, after DNAT (match --ctorigdstport {port})"
            return RuleFlaw.PUBLISHED, f"never matches {container.name}'s published port {port}: {way}"
        if at.hooks == {"input"}:
            way = "packets from outside are forwarded to the container (a rule for them goes into DOCKER-USER)"
            return RuleFlaw.PUBLISHED, f"does not see {container.name}'s published port {port}: {way}"
    return None


def _single_ports(rule: Rule) -> Iterator[int]:
    for match in conditions(rule):
        if not match.negate and match.lookup is None and len(match.fields) == 1 and match.fields[0].name in DPORTS:
            for (atom,) in match.elements:
                if isinstance(atom, Interval) and atom.low == atom.high:
                    yield atom.low


def _unused(at: Audited, rule: Rule) -> Said | None:  # noqa: ARG001 - each look has the chain
    if rule.packets == 0:
        return RuleFlaw.UNUSED, "has matched no packet since its counter was reset"
    return None


#: What a rule is looked at for, the worst first.
LOOKS: tuple[Look, ...] = (_empty_set, _no_device, _no_address, _published, _unused)


def all_findings(snapshot: Snapshot) -> list[RuleFinding]:
    """The flaws of every namespace's rules."""
    return [finding for netns in snapshot.namespaces for finding in audit(snapshot, netns)]
