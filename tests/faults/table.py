"""The table of faults: what is known of each without building anything, and what a run has shown.

Five columns are judged: the symptom is the kernel's, the cause is right, its object is named, the fix was run and a
client connected, the first fix is the expert's. A fault that is judged elsewhere is judged there with the first four,
by tests that a name leads to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.catalogue import Fault
from tests.faults.stage import Judgement

YES, NO, ELSEWHERE, NOT_ASKED = "yes", "NO", "there", "-"
HEAD = ("fault", "symptom", "cause", "object", "fix", "expert", "judged by")


def mended(fault: Fault) -> str:
    """Whether a fix can be proven on the fault's own hosts: some have none, as when nothing is wrong."""
    wanted = [each for each in fault.hosts if each.fix == "connects" and not healthy(each)]
    return YES if wanted else NOT_ASKED


def healthy(judged: object) -> bool:
    """Whether clients connect from everywhere."""
    seen = [symptom for _, symptom in getattr(judged, "seen", ())]
    seen += [each.symptom for each in getattr(judged, "further", ())]
    return getattr(judged, "elsewhere", "") == "connected" and not set(seen) - {"connected"}


def row(fault: Fault, result: Judgement | None) -> tuple[str, ...]:
    """One line of the table. Without a result the columns say where they are judged."""
    if not fault.hosts or result is None:
        word = ELSEWHERE if fault.elsewhere else NOT_ASKED
        return (fault.id, word, word, word, word, NOT_ASKED, "; ".join(fault.places) or fault.reason)
    named = any(each.code for each in fault.hosts)
    columns = (
        _word(result.symptom),
        _word(result.cause) if named else NOT_ASKED,
        _word(result.object) if named else NOT_ASKED,
        NO if result.fix else mended(fault),
        _word(result.expert) if any(each.first for each in fault.hosts) else NOT_ASKED,
    )
    return (fault.id, *columns, "; ".join(fault.places))


def _word(wrong: Sequence[str]) -> str:
    return NO if wrong else YES


def lines(faults: Sequence[Fault], results: Mapping[str, Judgement]) -> list[str]:
    """The table for a terminal: fixed columns, the last one open."""
    rows = [HEAD, *(row(fault, results.get(fault.id)) for fault in faults)]
    widths = [max(len(each[at]) for each in rows) for at in range(len(HEAD) - 1)]
    padded = [[word.ljust(width) for word, width in zip(each, widths, strict=False)] for each in rows]
    return ["  ".join([*words, each[-1]]) for words, each in zip(padded, rows, strict=True)]


def summary(faults: Sequence[Fault], results: Mapping[str, Judgement]) -> str:
    """The last line: how many there are, how many were run, and what came of them."""
    judged = sum(bool(fault.places) and not fault.reason for fault in faults)
    partly = sum(bool(fault.places) and bool(fault.reason) for fault in faults)
    bad = sum(bool(result.wrong) for result in results.values())
    asked, fixed = sum(each.asked for each in results.values()), sum(each.mended for each in results.values())
    known = [fault for fault in faults if fault.id in results and any(each.first for each in fault.hosts)]
    expert = sum(not results[fault.id].expert for fault in known)
    return (
        f"{len(faults)} faults: {judged} judged, {partly} in part, {len(faults) - judged - partly} out of reach. "
        f"Run here: {len(results)} faults, {asked} questions, {fixed} of them mended by the fixes; "
        f"the first fix is the expert's in {expert} of {len(known)}; {bad} wrong."
    )
