"""`portscope lab twin FILE --try TARGET --from SOURCE`: a fix on the real kernel, before it touches the real host.

A real client asks; the first fix of each cause is applied to the twin, in turn, and the client asks again after each.
What a program's owner has to do is done to the twin's server. A container engine does not run in a twin: what its
client would do is not tried, and said.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterator

from engine.apply.errors import BuildError
from engine.apply.run import apply
from engine.apply.standing_labs import change_programs, programs_of
from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.listener import Listen, StopListening
from engine.explain import ask
from engine.lab import lifecycle
from engine.lab.twin.namespaces import TwinNode
from engine.lab.twin.sockets import served
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change, Plan
from engine.model.trace import Symptom
from engine.model.verdict import Fix, Question
from engine.model.where import seen as world_of
from engine.records import dataclass
from workbench import output
from workbench.commands.answering import answer
from workbench.commands.labs.twin_told import asker, document, drafted, tell_what_lacks
from workbench.exits import Exit, complain, refused
from workbench.session import twins
from workbench.session.twins import Twin

#: What a container's engine, or the owner of a file, makes: it is not tried.
IN_FILES = (AddHostsLine, DeleteHostsLine, SetUpstream, LetIn)
OF_ENGINES = (SetContainer, ConnectNetwork, CreateNetwork, ReloadProxy, *IN_FILES)
PROGRAM_CHANGES = (Listen, StopListening)


@dataclass(frozen=True, slots=True)
class Tried:
    """A fix: its title and commands, why it could not be tried ("": it was), and what a real client saw then."""

    title: str
    commands: tuple[str, ...]
    refused: str = ""
    then: Symptom | None = None


def run(arguments: Namespace, snapshot: Snapshot) -> Exit:
    """Builds, asks, mends, asks again, takes down. The exit code is that of the last attempt."""
    verdict = answer(snapshot, arguments.trial, arguments.source, Protocol(arguments.protocol))
    twin = drafted(arguments, snapshot, [verdict.question])
    with output.meanwhile("building the twin, and trying what its question says …"):
        notes = lifecycle.up(twin.draft)
        try:
            seen = twin.look()
            differs = twin.differences(seen)
            question = twin.question(verdict.question)
            if question is None:
                raise refused(f"no node of the twin stands for {asker(verdict.question)}")
            first = twins.ask(seen, question).symptom
            tried = [] if first is Symptom.CONNECTED else list(_mended(twin, question))
        finally:
            left = lifecycle.down(twin.name)
    for line in left:
        complain(line)
    last = next((each.then for each in reversed(tried) if each.then is not None), first)
    if arguments.json:
        trial = {"target": verdict.question.end, "from": asker(verdict.question), "predicted": str(verdict.symptom)}
        came = {"seen": str(first), "fixes": [_row(each) for each in tried], "then": str(last)}
        output.emit_json({**document(twin, notes, differs), "try": {**trial, **came}})
    else:
        tell_what_lacks(twin, notes, differs)
        cause = f": {verdict.causes[0].sentence}" if verdict.causes else ""
        output.emit(
            f"the file says    {verdict.question.end} from {asker(verdict.question)}: {verdict.symptom}{cause}\n"
        )
        output.emit(f"a real client    {first}\n" + "".join(_lines(tried)))
    return Exit.REACHABLE if last is Symptom.CONNECTED else Exit.NOT_REACHABLE


def _mended(twin: Twin, question: Question) -> Iterator[Tried]:
    """The first fix of each cause on the twin, until a client connects."""
    seen = twin.look()
    for cause in ask(seen, question).causes:
        fix = cause.fixes[0] if cause.fixes else None
        if fix is None or cause.settled:
            continue
        commands = tuple(shlex.join(argv) for argv in fix.commands)
        if fix.ask is not None:
            then = twins.ask(seen, fix.ask).symptom
        else:
            why = _applied(twin, seen, fix)
            if why:
                yield Tried(fix.title, commands, why)
                continue
            then = twins.ask(twin.look(), question).symptom
        yield Tried(fix.title, commands, then=then)
        if then is Symptom.CONNECTED:
            return


def _applied(twin: Twin, seen: Snapshot, fix: Fix) -> str:
    """Applies a fix to the twin; "" or why it cannot be."""
    changes = fix.plan.changes
    if any(isinstance(each, OF_ENGINES) for each in changes):
        return "a container's engine, or the owner of a file, makes it, and neither is in a twin"
    others = tuple(each for each in changes if not isinstance(each, PROGRAM_CHANGES))
    try:
        if others:
            apply(Plan(fix.title, others), world_of(seen)).leave()
        if len(others) < len(changes):
            before = programs_of(twin.draft.plan)
            change_programs(twin.name, (before, _programs(twin, seen, before, changes)))
    except (BuildError, ValueError) as error:
        return str(error)
    return ""


def _programs(
    twin: Twin, seen: Snapshot, before: tuple[Change, ...], changes: tuple[Change, ...]
) -> tuple[Change, ...]:
    """The twin's programs after what their owners do."""
    nodes = {node.netns: node for node in twin.rebuilt.nodes}
    now = list(before)
    for each in changes:
        if not isinstance(each, PROGRAM_CHANGES):
            continue
        netns, node = seen.by_id[each.netns], nodes.get(each.netns, TwinNode(each.netns, each.netns))
        gone = each.instead_of if isinstance(each, Listen) else each.listener
        if gone is not None:
            here = served(seen, netns, node, gone)
            now = [one for one in now if _place(one) != _place(here)]
        if isinstance(each, Listen):
            now.append(served(seen, netns, node, each.listener))
    return tuple(now)


def _place(change: Change) -> tuple[object, ...]:
    """Where a program is bound."""
    return tuple(getattr(change, name, None) for name in ("netns", "protocol", "address", "port"))


def _row(each: Tried) -> dict[str, object]:
    then = None if each.then is None else str(each.then)
    return {"title": each.title, "commands": list(each.commands), "not_tried": each.refused, "then": then}


def _lines(tried: list[Tried]) -> Iterator[str]:
    for each in tried:
        yield f"fix              {each.title}\n"
        yield from (f"                 {command}\n" for command in each.commands)
        yield f"not tried        {each.refused}\n" if each.refused else f"a real client    {each.then}\n"
