"""The rules that an engine writes for a published port, in the chains that it keeps for them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.new_rules import Selector, insertion, translation
from engine.explain.blockers.publishing.services import IntendedService, behind_bridges
from engine.explain.evidence.near_misses import targets
from engine.model.container import Container
from engine.model.firewall import Backend, Chain, Reject, Rule, RuleVerdict, Table, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.owner import owner_of_chain
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.where import RulePlace

#: Chains that an engine keeps for the translations and the ports that are let in; {} is the bridge's name.
OWN = ("DOCKER", "nat-prerouting-and-output", "filter-forward-in__{}")
#: Tools that rewrite their tables, without what others put into them.
STRANGERS = frozenset({"firewalld", "libvirt", "kube-proxy", "incus", "lxd", "fail2ban", "crowdsec"})
#: The hooks at which a port of the host is translated.
HOOKS = ("prerouting", "output")


def publishing(
    snapshot: Snapshot, container: Container, outer: int, inner: int, protocol: Protocol
) -> Iterator[Change]:
    """All rules of a port that is published; each chain gets its rule once."""
    host, inside = snapshot.host_netns, snapshot.by_id[container.netns or ""]
    for version in (4, 6):
        for address, bridge in list(behind_bridges(host, inside, version))[:1]:
            service = IntendedService(container, inside, address.address, inner, bridge)
            made = [change for hook in HOOKS for change in translating(host, service, outer, protocol, hook)]
            yield from dict.fromkeys((*made, *accepting(host, service, protocol)))


def translating(host: Netns, service: IntendedService, asked: int, protocol: Protocol, hook: str) -> tuple[Change, ...]:
    """None on a host that translates nothing and has no engine that would."""
    nat = engine_chain(host, "nat", hook, service)
    translates_here = any(_bases(table, "nat", hook) for table in host.firewall.tables)
    if nat is None and service.container is None and not translates_here:
        return ()  # nobody translates here, and no engine would: a program has to listen
    place = _end_of(host, *nat) if nat else iptables_place(host, service.address.version, "nat", hook.upper())
    own = nat is not None and nat[1].base is None
    # Where packets are made here they come in by no device, and iptables refuses -i.
    bridge = "" if hook == "output" and not own else service.bridge.name
    selector = Selector(protocol, dport=asked, not_iif=bridge, local_destination=not own)
    return (translation(place, selector, service.address, service.port),)


def accepting(host: Netns, service: IntendedService, protocol: Protocol) -> tuple[Change, ...]:
    """The filter rule that goes with a translation; none where it is there, or there is no filter at all."""
    accept = engine_chain(host, "filter", "forward", service)
    if accept is None:
        return ()
    table, chain = accept
    bridge = service.bridge.name
    selector = Selector(protocol, destination=service.address, dport=service.port, not_iif=bridge, oif=bridge)
    change = insertion(_end_of(host, table, chain, before_drops=True), selector)
    there = any(rule.text == change.rule.text for rule in chain.rules)
    return () if there else (change,)


def engine_chain(host: Netns, kind: str, hook: str, service: IntendedService) -> tuple[Table, Chain] | None:
    """The engine's own chain in a table with a base chain of that kind and hook, else that base chain; of nftables'
    own tables, where a base chain accepts nothing for good, a filter is only meant where the chain is the engine's."""
    families = ("ip" if service.address.version == 4 else "ip6", "inet")
    names = {name.format(service.bridge.name) for name in OWN}
    for table in host.firewall.tables:
        bases = _bases(table, kind, hook)
        if not bases or table.family not in families or owner_of_chain(table.name, bases[0].name) in STRANGERS:
            continue
        own = next((each for each in _reached(table, bases[0]) if each.name in names), None)
        if own is not None or table.backend is not Backend.NFT or kind == "nat":
            return table, own or bases[0]
    return None


def _bases(table: Table, kind: str, hook: str) -> list[Chain]:
    return [each for each in table.chains if each.base and (each.base.kind, each.base.hook) == (kind, hook)]


def iptables_place(netns: Netns, version: int, table: str, chain: str) -> RulePlace:
    """The begin of a chain that iptables has, or makes when a rule is put there: of the kind that is in use."""
    legacy = any(each.backend is Backend.XT_LEGACY for each in netns.firewall.tables)
    backend = Backend.XT_LEGACY if legacy else Backend.XT_NFT
    return RulePlace(netns.id, backend, "ip" if version == 4 else "ip6", table, chain, 0)


def _reached(table: Table, chain: Chain) -> Iterator[Chain]:
    """The chains that rules of a chain lead to, and those that these lead to: Docker Engine 28 has two between."""
    seen, ahead = {chain.name}, [chain]
    for each in ahead:
        for target in (target for rule in each.rules for target in targets(table, rule)):
            if target.name not in seen:
                seen.add(target.name)
                ahead.append(target)
                yield target


def _end_of(host: Netns, table: Table, chain: Chain, *, before_drops: bool = False) -> RulePlace:
    """The end of a chain, before the rules that drop whatever is left."""
    end = len(chain.rules)
    while before_drops and end and _drops(chain.rules[end - 1]):
        end -= 1
    return RulePlace(host.id, table.backend, table.family, table.name, chain.name, end)


def _drops(rule: Rule) -> bool:
    last = rule.statements[-1] if rule.statements else None
    return isinstance(last, Reject) or (isinstance(last, RuleVerdict) and last.kind is VerdictKind.DROP)
