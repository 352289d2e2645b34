"""A round of the dojo as rows: what is wrong, what was told, what can be done about it, every possible answer. Pure.

Rows that can be chosen have a key: ("look",), ("hint",), ("give-up",), ("answer", NAME).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.records import dataclass
from views.text import Line, Role, Span, cells, fit, paragraph


@dataclass(frozen=True, slots=True)
class RoundNow:
    """A round for its picture: who cannot use what, what is left of the points, what was told, the possible answers.

    `costs` are the points for a look, a hint and a wrong answer; `tried` is what came of each of them.
    """

    client: str
    port: str
    score: int
    full: int
    told: tuple[str, ...]
    answers: Sequence[tuple[str, str]]
    costs: tuple[int, int, int]
    tried: tuple[str, ...] = ()


def round_lines(now: RoundNow, width: int) -> list[Line]:
    """The round."""
    lines = [
        Line((Span("Something is wrong: ", Role.BAD), Span(f"{now.client} cannot use {now.port}. What is it?"))),
        Line((Span(f"{now.score} of {now.full} points left. Read topology and rules freely.", Role.DIM),)),
        Line(()),
    ]
    tried = [text for text in now.tried if text not in now.told]
    for text in tried:
        lines += [Line((Span(line, Role.STRONG),)) for line in paragraph(text, width, first="  › ")]
    lines += [Line(())] if tried else []
    for text in now.told:
        lines += [Line((Span(line, Role.WARN),)) for line in paragraph(text, width, first="  · ")]
    lines += [Line(())] if now.told else []
    look, hint, wrong = now.costs
    for key, text, cost in (
        ("look", "Try it, and see the client's result", f"{look} points"),
        ("hint", "Hint", f"{hint} points"),
        ("give-up", "Give up: show the fault and fix it", "the round"),
    ):
        lines.append(Line((Span("? ", Role.WARN), Span(f"{text:<42}"), Span(f"costs {cost}", Role.DIM)), (key,)))
    lines += [Line(()), Line((Span(f"Or it is (a wrong answer costs {wrong} points)", Role.HEAD),))]
    widest = max((cells(name) for name, _ in now.answers), default=0)
    for name, meaning in now.answers:
        words = fit(name.replace("-", " "), widest)
        lines.append(Line((Span(f"  {words}  "), Span(meaning, Role.DIM)), ("answer", name)))
    return lines


def end_lines(said: str, width: int) -> list[Line]:
    """The end of a round: what was said, and what can be done next."""
    lines = [Line((Span(line),)) for line in paragraph(said, width)]
    return [*lines, Line(()), Line((Span("Another round"),), ("again",)), Line((Span("Back to the lab"),), ("leave",))]
