"""The arithmetic of `meta mark set …` and `ct mark set …` as `SetMark` statements.

Every chain of and, or and xor with constants over one source comes down to `(source & mask) ^ value`: that is one
`SetMark` for the packet's own mark or a constant, and two for another source with a constant added. A connection's mark
is read even to be written back, which without a connection ends the rule (nft_ct_get_eval).
"""

from __future__ import annotations

from engine.model.firewall import SetMark
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft.as_text import Json
from engine.observe.firewall.nft.values import field_name, scalar
from engine.records import dataclass

_ALL = 0xFFFFFFFF
_SOURCES = {"meta mark": "mark", "ct mark": "ct mark"}


@dataclass(frozen=True, slots=True)
class _Sum:
    """`(source & mask) ^ value`; without a source the constant `value`."""

    source: str | None
    mask: int
    value: int


def set_mark(target: str, expression: Json) -> tuple[SetMark, ...]:
    """The statements for `target` ("mark" or "ct mark"). Raises `FirewallTextError` for any other arithmetic."""
    found = _sum(expression)
    if found.source is None:
        return (SetMark(target, value=found.value),)
    if found.source == target == "mark":
        return (SetMark(target, keep=found.mask, value=found.value),)
    copy = SetMark(target, source=found.source, mask=found.mask)
    return (copy, SetMark(target, keep=_ALL, value=found.value)) if found.value else (copy,)


def _sum(expression: Json) -> _Sum:
    if isinstance(expression, dict) and len(expression) == 1:
        ((operator, inner),) = expression.items()
        if operator in ("&", "|", "^"):
            left, *rest = inner
            found = _sum(left)
            for part in rest:
                found = _apply(operator, found, _sum(part))
            return found
        name = field_name(expression)
        if name not in _SOURCES:
            raise FirewallTextError(f"a mark from {name}")
        return _Sum(_SOURCES[name], _ALL, 0)
    return _Sum(None, 0, scalar("meta mark", expression) & _ALL)


def _apply(operator: str, left: _Sum, right: _Sum) -> _Sum:
    if right.source is not None:
        left, right = right, left
    if right.source is not None:
        raise FirewallTextError("a mark from two sources")
    bits = right.value
    if operator == "&":
        return _Sum(left.source, left.mask & bits, left.value & bits)
    if operator == "|":
        return _Sum(left.source, left.mask & ~bits & _ALL, (left.value & ~bits) | bits)
    return _Sum(left.source, left.mask, left.value ^ bits)
