"""`portscope lab break | mend | check | dojo …`: labs as puzzles and as tests."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from engine.build.namespaces import run_in
from engine.lab import breaking, faults, lifecycle, shown
from engine.lab.blueprint import Blueprint
from engine.lab.lifecycle import Draft
from engine.lab.script import lines
from engine.lab.spec import Check
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from workbench import output, world
from workbench.commands.answering import answer
from workbench.exits import Exit, complain, refused


def _faults(arguments: Namespace) -> Exit:
    for name, fault in faults.FAULTS.items():
        output.emit(f"{name:<28} {fault.story}\n" if arguments.tell else f"{name}\n")
    return Exit.DONE


def _break(arguments: Namespace) -> Exit:
    draft = lifecycle.stands(arguments.name)
    fault = faults.find(arguments.fault)
    breaking.break_lab(draft, fault)
    if arguments.tell:
        output.emit(
            fault.story + "\n" + "".join(f"  {line}\n" for line in lines(faults.plan(fault, draft.lab).changes))
        )
    else:
        port, client = faults.subject(draft.lab), faults.client(draft.lab)
        complain(f"lab {draft.lab.name} is broken: ask from {client.name} for {client.near.ip}:{port.host_port}")
    return Exit.DONE


def _mend(arguments: Namespace) -> Exit:
    mended = breaking.mend(lifecycle.stands(arguments.name))
    complain(f"mended: {', '.join(mended)}" if mended else f"lab {arguments.name} has no fault")
    return Exit.DONE


def _check(arguments: Namespace) -> Exit:
    """Asks every question of a lab's file, and compares the answers."""
    draft = lifecycle.stands(arguments.name)
    snapshot = look(draft)
    wrong = 0
    for check in draft.lab.spec.checks:
        verdict = answer(snapshot, check.target, source_of(draft.lab, check.source), check.protocol)
        said = _compare(check, verdict)
        wrong += bool(said)
        words = f"{check.source} → {check.target}/{check.protocol}: {verdict.symptom or verdict.reach}"
        output.emit(f"{'WRONG' if said else 'ok   '} {words}{said}\n")
    if not draft.lab.spec.checks:
        complain(f"lab {arguments.name} has no checks; write some below x-lab")
    return Exit.NOT_REACHABLE if wrong else Exit.DONE


def _compare(check: Check, verdict: Verdict) -> str:
    """ "" or what is not as the check says."""
    if str(verdict.symptom) != check.expect:
        return f" (expected {check.expect})"
    code = verdict.causes[0].code if verdict.causes else "none"
    return f" (the cause is {code}, expected {check.cause})" if check.cause not in ("", code) else ""


def source_of(lab: Blueprint, source: str) -> str:
    """A node as `--from` names it; anything else as it is."""
    return f"ns:{lab.netns_by_node[source]}" if source in lab.netns_by_node else source


def look(draft: Draft) -> Snapshot:
    """A standing lab, seen from its host, its services as containers. Raises `Refusal`."""
    try:
        return shown.dress(run_in(lifecycle.host_path(draft.lab.name), world.look), draft.lab)
    except OSError as error:
        raise refused(f"lab {draft.lab.name} cannot be entered: {error.strerror}; take it down and up again") from error


VERBS: Mapping[str, Callable[[Namespace], Exit]] = {
    "faults": _faults,
    "break": _break,
    "mend": _mend,
    "check": _check,
}
