"""What a rule could have done for a packet: let it through, or give it another destination or source. Pure."""

from __future__ import annotations

from collections.abc import Callable

from engine.model.firewall import Nat, NatKind, RuleVerdict, Statement, VerdictKind

#: Whether a rule's statement is what was wanted.
Wanted = Callable[[Statement], bool]


def accepts(statement: Statement) -> bool:
    """Whether a statement lets a packet through."""
    return isinstance(statement, RuleVerdict) and statement.kind is VerdictKind.ACCEPT


def translates(statement: Statement) -> bool:
    """Whether a statement gives a packet another destination."""
    return isinstance(statement, Nat) and statement.kind in (NatKind.DNAT, NatKind.REDIRECT)


def masks(statement: Statement) -> bool:
    """Whether a statement gives a packet another source."""
    return isinstance(statement, Nat) and statement.kind in (NatKind.MASQUERADE, NatKind.SNAT)
