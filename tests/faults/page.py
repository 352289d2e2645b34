"""docs/faults.md, written from the catalogue, so that it says what is tested and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.catalogue import COMMONNESS, Fault

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"

HEAD = """# Faults from practice

Root causes for which a container's port cannot be reached (or is, though it should not be), and where each is judged.
The page is written by `python -m tests.faults --page` from `tests/faults/catalogue/`; `make faults` runs the hosts.

A **host** is one of `tests/faults/hosts/` with the fault put on it, in namespaces. From one look every vantage point is
asked (LAN, a client beyond a router, the host, 127.0.0.1, ::1, the container's address, a neighbour, another network,
the container itself, and out of it), real clients try all of them, and each symptom must be the client's. The cause and
its place must be the fault's. The question's rules and routes are held against the kernel's own trace. Then the first
fixes are run as they are printed, or the program's owner does what is said, until every client connects. The first
fix must be the one that experts give to people with the fault (**expert**, in our words, with a thread about it).
**Docker** and **Podman** are rows of `tests/engines`, on a real engine; **scenario** is a file of `tests/scenarios`;
both are judged in the same way. Codes are those of the first cause.
"""

REST = """
## What is not decided here

Faults that cannot be reproduced on the machine of the tests, or that no look at a host can decide, and what portscope
says instead.
"""


def page(faults: Sequence[Fault]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_tables(faults), REST, *_rest(faults), ""])


def _tables(faults: Sequence[Fault]) -> Iterator[str]:
    covered = [fault for fault in faults if fault.places]
    whole = sum(not fault.reason for fault in covered)
    partly, not_at_all = len(covered) - whole, len(faults) - len(covered)
    yield f"Of {len(faults)} faults {whole} are judged, {partly} in part, {not_at_all} not."
    for common in COMMONNESS:
        yield f"\n## {common.capitalize()}\n"
        yield "| fault | what goes wrong | cause | seen | expert | judged by |\n| --- | --- | --- | --- | --- | --- |"
        yield from (_row(fault) for fault in covered if fault.common == common)


def _row(fault: Fault) -> str:
    codes = dict.fromkeys(f"`{each.code}`" for each in fault.hosts if each.code)
    seen = dict.fromkeys(symptom for each in fault.hosts for symptom in _symptoms(each.elsewhere, each))
    said = f"{fault.expert} ({fault.thread})" if fault.thread else fault.expert
    cells = (f"`{fault.id}`", fault.title, ", ".join(codes), ", ".join(seen), said, "; ".join(fault.places))
    return f"| {' | '.join(cells)} |"


def _symptoms(elsewhere: str, judged: object) -> Iterator[str]:
    found = [elsewhere, *(symptom for _, symptom in getattr(judged, "seen", ()))]
    found += [each.symptom for each in getattr(judged, "further", ())]
    yield from (symptom for symptom in found if symptom != "connected")


def _rest(faults: Sequence[Fault]) -> Iterator[str]:
    yield "| fault | what goes wrong | why not | what portscope says |\n| --- | --- | --- | --- |"
    for fault in faults:
        if fault.reason:
            yield f"| `{fault.id}` | {fault.title} | {fault.reason} | {fault.instead} |"
