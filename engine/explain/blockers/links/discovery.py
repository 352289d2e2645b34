"""Blockers of address resolution: a rule or policy drops questions for MAC addresses, or their answers."""

from __future__ import annotations

from engine.change.new_rules import Selector, arp_insertion, insertion
from engine.explain.blocker import Blocker, Remedy
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import Failure, place_of
from engine.model.firewall import Backend, Firewall
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import StepKind
from engine.path.link.discovery import ADVERTISEMENT, SOLICITATION
from engine.records import replace


def dropped(failure: Failure) -> list[Blocker]:
    """NO_NEIGHBOUR that a filter decided: an exception for that one message, before the rule or the policy."""
    ref = failure.step.ref
    if ref is None or ref.kind not in (RefKind.RULE, RefKind.CHAIN) or failure.step.kind is not StepKind.NEIGHBOUR:
        return []
    firewall = failure.world.netns(ref.netns).firewall
    place = place_of(ref if ref.kind is RefKind.RULE else _end_of(ref, firewall))
    if failure.step.packet.dst.version == 4:
        remedy = Remedy(f"accept ARP in {place.chain}", (arp_insertion(place),))
        return [Blocker("FW_ARP_DROP", failure.step.text, ref, (remedy,), owner_of(ref, firewall))]
    message = failure.step.about
    number = SOLICITATION if message is not None and message.icmp_type == SOLICITATION else ADVERTISEMENT
    change = insertion(place, Selector(Protocol.ICMPV6, icmp_type=number))
    remedy = Remedy(f"accept neighbour discovery in {place.chain}", (change,))
    return [Blocker("FW_NEIGHBOUR_DISCOVERY", failure.step.text, ref, (remedy,), owner_of(ref, firewall))]


def _end_of(ref: Ref, firewall: Firewall) -> Ref:
    """A pointer behind the last rule of a chain."""
    backend, family, table_name, chain_name = (str(part) for part in ref.key[:4])
    table = firewall.table(Backend(backend), family, table_name)
    chain = table.chain(chain_name) if table else None
    return replace(ref, key=(*ref.key[:4], len(chain.rules) if chain else 0))
