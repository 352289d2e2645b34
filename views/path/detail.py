"""All about one step: where it was taken, the packet's fields before and after it, and what decided it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.packet import Packet
from engine.model.trace import Context, Hop, Step
from engine.model.traffic import Tuple4
from views.text import Line, Role, Span, paragraph

#: The fields of a packet by the names in its header.
FIELDS = ("src", "sport", "dst", "dport", "protocol", "ttl", "length", "icmp_type", "icmp_code")
NAMES = 12


def step_lines(hop: Hop, step: Step, width: int, evidence: str = "") -> list[Line]:
    """The step as lines; `evidence` is what an attempt showed of it."""
    at = " · ".join(part for part in (hop.netns, step.hook, str(step.kind), step.ref.name if step.ref else "") if part)
    lines = [Line((Span(at, Role.HEAD),))]
    lines += [Line((Span(line, Role.CODE),)) for line in paragraph(step.text, width, first="  ")]
    if step.verdict:
        lines.append(_pair("decided", step.verdict, Role.STRONG))
    if evidence:
        lines.append(_pair("evidence", evidence))
    lines += [Line(()), Line((Span("Packet", Role.HEAD),)), *_packet(step.packet, step.after)]
    lines += [Line(()), Line((Span("Seen with it", Role.HEAD),))]
    lines += [_pair(name, value) for name, value in _context(step.context)]
    return lines


def _packet(before: Packet, after: Packet | None) -> Iterator[Line]:
    """A row for each field; a field that was rewritten has both values."""
    for name in FIELDS:
        old = getattr(before, name)
        new = getattr(after, name) if after is not None else old
        if old is None and new is None:
            continue
        if old == new:
            yield _pair(name, str(old))
        else:
            yield Line((Span(f"  {name:<{NAMES}}", Role.DIM), Span(f"{old} "), Span(f"⇒ {new}", Role.WARN)))


def _context(context: Context) -> Iterator[tuple[str, str]]:
    """What is known of it beside its headers, unless it says nothing."""
    yield "in", _device(context.iif, context.physin)
    yield "out", _device(context.oif, context.physout)
    yield "ct state", " ".join((context.ct_state, *sorted(context.ct_status)))
    for name, value in (("ct original", context.ct_original), ("ct reply", context.ct_reply)):
        if value is not None:
            yield name, _flow(value)
    for name, number in (("mark", context.mark), ("ct mark", context.ct_mark), ("ct zone", context.ct_zone)):
        if number:
            yield name, f"{number:#x}"


def _device(name: str, port: str) -> str:
    """A device, and the port of it where it is a bridge."""
    return f"{name} (port {port})" if port else name


def _flow(flow: Tuple4) -> str:
    return f"{flow.src}:{flow.sport} → {flow.dst}:{flow.dport}"


def _pair(name: str, value: str, role: Role = Role.PLAIN) -> Line:
    return Line((Span(f"  {name:<{NAMES}}", Role.DIM), Span(value or "—", role)))
