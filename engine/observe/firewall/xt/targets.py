"""A rule's target as statements: a verdict, a jump to a chain of the same table, or an extension.

A note never changes a packet's way; a target that is no extension in the table is an `Opaque` with its text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.model.firewall import Note, Opaque, RuleVerdict, Statement, VerdictKind
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.xt.extensions import TARGETS
from engine.observe.firewall.xt.words import Option

VERDICTS = {"ACCEPT": VerdictKind.ACCEPT, "DROP": VerdictKind.DROP, "RETURN": VerdictKind.RETURN}


def statements(options: Sequence[Option], chains: Collection[str]) -> list[Statement]:
    """The statements of `-j TARGET options…`; none for a rule that only counts. Raises `FirewallTextError`."""
    if not options:
        return []
    head = options[0]
    if not head.values:
        raise FirewallTextError(f"{head.name} without a target")
    name = head.values[0]
    if name in VERDICTS:
        return [RuleVerdict(VERDICTS[name])]
    if name in chains:
        goto = head.name in ("-g", "--goto")
        return [RuleVerdict(VerdictKind.GOTO if goto else VerdictKind.JUMP, name)]
    target = TARGETS.get(name)
    build = target.build if target else None
    built = build({option.name: option.values for option in options[1:]}) if build else None
    if built is not None:
        return [built]
    text = " ".join(option.text for option in options)
    return [Note(text) if target and target.note else Opaque(text)]
