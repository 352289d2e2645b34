"""`portscope lab break | mend | check | dojo …`: labs as puzzles and as tests."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from engine.apply.namespaces import run_in
from engine.lab import breaking, description, dojo, faults, lifecycle
from engine.lab.blueprint import Blueprint
from engine.lab.lifecycle import Draft
from engine.lab.script import lines
from engine.lab.spec import Check
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from workbench import output, world
from workbench.exits import Exit, complain, refused, usage


def _faults(arguments: Namespace) -> Exit:
    if arguments.json:
        known = [{"name": name, "story": fault.story} for name, fault in faults.FAULTS.items()]
        output.emit_json({"schema": "portscope.lab-faults/1", "faults": known})
        return Exit.DONE
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
        client, target = faults.question(draft.lab, fault)
        complain(f"lab {draft.lab.name} is broken: ask from {client} for {target}")
    return Exit.DONE


def _mend(arguments: Namespace) -> Exit:
    mended = breaking.mend(lifecycle.stands(arguments.name))
    complain(f"fixed: {', '.join(mended)}" if mended else f"lab {arguments.name} has no fault")
    return Exit.DONE


def _check(arguments: Namespace) -> Exit:
    """Asks every question of a lab's file, and compares the answers."""
    draft = lifecycle.stands(arguments.name)
    snapshot = look(draft)
    checked = []
    for check in draft.lab.spec.checks:
        verdict = _answer(snapshot, check.target, source_of(draft.lab, check.source), check.protocol)
        said = _compare(check, verdict)
        seen = str(verdict.symptom or verdict.reach)
        checked.append(_as_document(check, seen, said))
        if not arguments.json:
            words = f"{check.source} → {check.target}/{check.protocol}: {seen}"
            output.emit(f"{'WRONG' if said else 'ok   '} {words}{said}\n")
    if arguments.json:
        output.emit_json({"schema": "portscope.lab-check/1", "lab": arguments.name, "checks": checked})
    elif not checked:
        complain(f"lab {arguments.name} has no checks; write some below x-lab")
    return Exit.DONE if all(each["holds"] for each in checked) else Exit.NOT_REACHABLE


def _as_document(check: Check, seen: str, said: str) -> dict[str, str | bool | None]:
    """A check with its answer; `said` is what is not as it says."""
    asked = {"from": check.source, "target": check.target, "protocol": str(check.protocol)}
    wanted = {"expect": check.expect, "cause": check.cause or None}
    return {**asked, **wanted, "answer": seen, "holds": not said, "differs": said.strip(" ()") or None}


def _compare(check: Check, verdict: Verdict) -> str:
    """ "" or what is not as the check says."""
    if str(verdict.symptom) != check.expect:
        return f" (expected {check.expect})"
    found = [each.code for each in verdict.causes[:1] or verdict.findings]
    if check.cause in ("", *found):
        return ""
    return f" (the cause is {', '.join(found) or 'none'}, expected {check.cause})"


def _answer(snapshot: Snapshot, target: str, source: str, protocol: Protocol) -> Verdict:
    from workbench.commands.answering import answer  # noqa: PLC0415 - most verbs ask nothing

    return answer(snapshot, target, source, protocol)


def source_of(lab: Blueprint, source: str) -> str:
    """A node as `--from` names it; anything else as it is."""
    return f"ns:{lab.netns_by_node[source]}" if source in lab.netns_by_node else source


def look(draft: Draft) -> Snapshot:
    """A standing lab, seen from its host, its services as containers. Raises `Refusal`."""
    try:
        return description.dress(run_in(lifecycle.host_path(draft.lab.name), world.look), draft.lab)
    except OSError as error:
        raise refused(f"cannot enter lab {draft.lab.name}: {error.strerror}; take it down and up again") from error


def _dojo(arguments: Namespace) -> Exit:
    """One step of a round: start, look, hint, answer, give-up."""
    draft, name = lifecycle.stands(arguments.name), arguments.name
    if arguments.step == "start":
        if breaking.broken(name):
            raise usage(f"lab {name} has a fault already; 'portscope lab mend {name}' removes it")
        fault = dojo.pick(draft.lab, arguments.seed)
        client, target = faults.question(draft.lab, fault)
        breaking.break_lab(draft, fault)
        dojo.store(name, dojo.Round(fault.name))
        output.emit(f"something is wrong: {client} cannot use {target}. What is it?\n")
        return Exit.DONE
    now = dojo.load(name)
    client, target = faults.question(draft.lab, faults.find(now.fault))
    if arguments.step == "look":
        now = dojo.looked(now)
        source, target = (*arguments.words, *(client, target)[len(arguments.words) :])[:2]
        verdict = _answer(look(draft), target, source_of(draft.lab, source), Protocol.TCP)
        output.emit(f"{source} → {target}: {verdict.symptom or verdict.reach}\n")
    elif arguments.step == "hint":
        now, hint = dojo.hinted(now)
        output.emit(hint + "\n")
    else:
        return _finish(arguments, draft, now)
    dojo.store(name, now)
    complain(f"score {now.score} of {dojo.FULL}: {now.looks} looks, {now.hints} hints, {now.wrong} wrong answers")
    return Exit.DONE


def _finish(arguments: Namespace, draft: Draft, now: dojo.Round) -> Exit:
    name = draft.lab.name
    if arguments.step == "answer":
        if not arguments.words:
            raise usage("name the fault or the code of its cause; 'portscope lab faults' lists the faults")
        now, right = dojo.answered(now, arguments.words[0])
        if not right:
            dojo.store(name, now)
            output.emit(f"no, it is not {arguments.words[0]}; score {now.score} of {dojo.FULL}\n")
            return Exit.NOT_REACHABLE
        output.emit(f"right: {now.fault}, with {now.score} of {dojo.FULL} points. ")
    else:
        output.emit(f"it was {now.fault}. ")
    output.emit(faults.find(now.fault).story + "\n")
    dojo.store(name, None)
    breaking.mend(draft)
    return Exit.DONE


VERBS: Mapping[str, Callable[[Namespace], Exit]] = {
    "faults": _faults,
    "break": _break,
    "mend": _mend,
    "check": _check,
    "dojo": _dojo,
}
