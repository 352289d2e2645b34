"""Rules that give a flow's source a port, without it: the kernel then takes any port that is free."""

from __future__ import annotations

from engine.change.new_rules import without_counter
from engine.change.rule import ReplaceRule
from engine.change.words import rule_spec
from engine.model.firewall import Backend, Nat, NatKind, Rule
from engine.model.where import RulePlace
from engine.records import replace


def any_port(place: RulePlace, old: Rule) -> ReplaceRule | None:
    """The same SNAT or MASQUERADE rule without its ports; None for one that names none, or chooses by a map."""
    nat = next((s for s in old.statements if isinstance(s, Nat)), None)
    if nat is None or nat.kind not in WRITERS or nat.fields or nat.value.port_low is None:
        return None
    native = place.backend is Backend.NFT
    option, verb = WRITERS[nat.kind]
    low, high = nat.value.low, nat.value.high
    to = "" if low is None else str(low) if high in (None, low) else f"{low}-{high}"
    if native:
        words = without_counter(old.text.split())
        at = words.index("to", words.index(verb))
        words[at : at + 2] = ("to", to) if to else ()
    else:
        words = list(rule_spec(old, place.chain))
        at = words.index(option)
        words[at : at + 2] = (option, to) if to else ()
    free = replace(nat, value=replace(nat.value, port_low=None, port_high=None))
    text = " ".join(words) if native else " ".join(("-A", place.chain, *words))
    statements = tuple(free if s is nat else s for s in old.statements)
    return ReplaceRule(place, Rule(place.index, statements, text, old.handle), tuple(words))


#: The option of iptables that has address and port, and nftables' statement.
WRITERS = {NatKind.SNAT: ("--to-source", "snat"), NatKind.MASQUERADE: ("--to-ports", "masquerade")}
