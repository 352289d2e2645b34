"""`portscope lab …`: labs that stay until they are taken down, one function for each verb, in one table.

Errors of a lab's file and of what was asked of a lab are the user's (exit code 2), those of the kernel and of files
are refusals (4). The kernel is looked at here and the snapshot handed in: `engine.lab` does not look.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

from engine.apply import netns_files
from engine.apply.errors import BuildError
from engine.apply.namespaces import enter
from engine.lab import breaking, description, dojo, faults, library, lifecycle
from engine.lab.errors import LabError
from engine.lab.lifecycle import Draft
from engine.lab.save import save
from engine.lab.script import lines, script
from engine.read_only import may
from workbench import output
from workbench.commands.labs import faulty
from workbench.commands.labs.faulty import look
from workbench.commands.labs.ground import blaming, join, undoing
from workbench.exits import Exit, complain, refused, usage
from workbench.labs import project

Verb = Callable[[Namespace], Exit]


def run(arguments: Namespace) -> Exit:
    """Does what the verb says."""
    with blaming():
        if arguments.verb not in FILES_FIRST:
            join()
        with undoing() if arguments.verb in CHANGING else nullcontext():
            return VERBS[arguments.verb](arguments)


def _read(arguments: Namespace) -> Draft:
    """The lab in Compose files, or of the gallery (gallery:NAME). Raises `Refusal` when it cannot be read."""
    named = [*([arguments.file] if arguments.file else []), *arguments.files] or ["."]
    if named[0].startswith(library.PREFIX):
        if len(named) > 1:
            raise usage(f"{named[0]} is a lab by itself; name no other file")
        return lifecycle.draft(library.text(named[0].removeprefix(library.PREFIX)), named[0])
    return lifecycle.draft_of(project.named(named, arguments.profiles, arguments.env_files))


def _up(arguments: Namespace) -> Exit:
    wanted = _read(arguments)
    for note in wanted.lab.spec.notes:
        complain(note)
    name = wanted.lab.name
    join(start=not arguments.dry_run)
    now = lifecycle.standing(name)
    if now is None:
        if arguments.dry_run:
            output.emit("".join(f"{line}\n" for line in lines(wanted.plan.changes)))
            return Exit.DONE
        for name in wanted.lab.spec.faults:
            faults.plan(faults.find(name), wanted.lab)
        for note in lifecycle.up(wanted):
            complain(note)
        _break_as_the_file_says(wanted)
        complain(f"up: {wanted.plan.title}")
        return Exit.DONE
    foreign = [fault for fault in breaking.broken(name) if fault not in wanted.lab.spec.faults]
    if foreign:
        raise usage(f"lab {name} is broken ({len(foreign)} faults); 'portscope lab mend {name}' first")
    if breaking.broken(name) and not arguments.dry_run and now.text != wanted.text:
        breaking.mend(now)
    todo = lifecycle.difference(now, wanted, look(now), running=lifecycle.running(name))
    if arguments.dry_run:
        output.emit(
            "".join(f"{line}\n" for line in lines((*todo.plan.changes, *(todo.programs[1] if todo.exchange else ()))))
        )
        return Exit.DONE
    if lifecycle.nothing(todo):
        complain(f"lab {name} is up and matches the file")
        return Exit.DONE
    for note in lifecycle.change(wanted, todo):
        complain(note)
    complain(f"lab {name}: {len(todo.plan.changes)} changes made; it matches the file")
    return Exit.DONE


def _break_as_the_file_says(wanted: Draft) -> None:
    """The faults that a lab begins with. Where one cannot be made, the lab goes again."""
    try:
        for name in wanted.lab.spec.faults:
            breaking.break_lab(wanted, faults.find(name))
    except (LabError, BuildError):
        lifecycle.down(wanted.lab.name)
        raise


def _down(arguments: Namespace) -> Exit:
    if not lifecycle.known(arguments.name):
        complain(f"no lab {arguments.name} is up: nothing to remove")
    left = lifecycle.down(arguments.name)
    for line in left:
        complain(line)
    return Exit.REFUSED if left else Exit.DONE


def _list(arguments: Namespace) -> Exit:
    drafts = [draft for draft in map(lifecycle.standing, lifecycle.names()) if draft is not None]
    if arguments.json:
        labs = [
            {"name": each.lab.name, "file": each.lab.spec.file, "layout": str(each.lab.spec.layout)}
            | {"services": len(each.lab.nodes), "broken": dojo.told(each.lab.name, breaking.broken(each.lab.name))}
            for each in drafts
        ]
        output.emit_json({"schema": "portscope.labs/1", "labs": labs})
        return Exit.DONE
    for each in drafts:
        spec = each.lab.spec
        output.emit(f"{each.lab.name}  {len(each.lab.nodes)} services  {spec.layout}  {spec.file}\n")
    return Exit.DONE


def _show(arguments: Namespace) -> Exit:
    name = arguments.name
    document = description.shown(lifecycle.stands(name).lab, dojo.told(name, breaking.broken(name)))
    if arguments.json:
        output.emit_json(document)
        return Exit.DONE
    rows = [f"{document['name']}  {document['layout']} ({document['firewall']})  from {document['file']}"]
    for node in document["nodes"]:
        addresses = " ".join(node["addresses"]) or "-"
        rows.append(f"  {node['name']:<16} {node['netns']:<24} {addresses}  {' '.join(node['listens'])}".rstrip())
    rows += [f"  broken: {fault}" for fault in document["broken"]]
    rows += [f"  network {each['name']}: {each['bridge']} {' '.join(each['subnets'])}" for each in document["networks"]]
    for port in document["published"]:
        at = port["host_address"] or "0.0.0.0"
        at = f"[{at}]" if ":" in at else at
        rows.append(f"  {at}:{port['host_port']}/{port['protocol']} -> {port['service']}:{port['container_port']}")
    output.emit("\n".join(rows) + "\n")
    return Exit.DONE


def _exec(arguments: Namespace) -> Exit:
    """Runs a program in a node in this process's place."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise usage("no command to run; write portscope lab exec NODE -- COMMAND")
    may("run a program in a lab")
    path = _node(arguments.node)
    try:
        enter(path)
        netns_files.show(path.name)
    except OSError as error:
        raise refused(f"cannot enter {path}: {error.strerror}; take the lab down and up again") from error
    try:
        os.execvp(words[0], words)
    except OSError as error:
        raise refused(f"cannot run {words[0]}: {error.strerror}") from error


def _node(name: str) -> Path:
    """The file that enters `LAB-NODE` or `LAB/NODE`, or a NODE that only one lab has."""
    found = {}
    for lab in lifecycle.names():
        draft = lifecycle.standing(lab)
        for node in draft.lab.netns_by_node if draft else ():
            if name in (node, f"{lab}-{node}", f"{lab}/{node}"):
                found[f"{lab}/{node}"] = lifecycle.netns_of(draft.lab, node) if draft else Path()
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise usage(f"several labs have a node {name}; write one of {', '.join(found)}")
    raise usage(f"no lab has a node {name}; 'portscope lab show NAME' lists the nodes of a lab")


def _port(arguments: Namespace) -> Exit:
    draft = lifecycle.stands(arguments.name)
    lifecycle.netns_of(draft.lab, arguments.service)
    rows = description.port_lines(draft.lab, arguments.service)
    output.emit("".join(f"{row}\n" for row in rows))
    return Exit.DONE


def _script(arguments: Namespace) -> Exit:
    file = arguments.file or "."
    if file.startswith(library.PREFIX) or os.path.exists(file):
        output.emit(script(_read(arguments).plan))
        return Exit.DONE
    join()
    output.emit(script(lifecycle.stands(file).plan))
    return Exit.DONE


def _save(arguments: Namespace) -> Exit:
    draft = lifecycle.stands(arguments.name)
    if draft.twin:
        output.emit_whole(draft.text)
        return Exit.DONE
    told = dojo.told(arguments.name, breaking.broken(arguments.name))
    output.emit(save(draft.lab, (fault for fault in told if fault != dojo.SECRET)))
    return Exit.DONE


def _gallery(arguments: Namespace) -> Exit:
    specs = {f"{library.PREFIX}{name}": lifecycle.draft(library.text(name), name).lab.spec for name in library.names()}
    if arguments.json:
        labs = [{"name": name, "title": spec.title, "story": spec.story} for name, spec in specs.items()]
        output.emit_json({"schema": "portscope.gallery/1", "labs": labs})
        return Exit.DONE
    for name, spec in specs.items():
        output.emit(f"{name:<26} {spec.title}\n{spec.story}\n\n")
    return Exit.DONE


#: What changes something, and takes it back where it does not come to its end.
CHANGING = ("up", "down", "break", "mend", "dojo")
#: What needs no lab that is up, or reads a file first: in a user namespace some are out of sight.
FILES_FIRST = ("faults", "gallery", "script", "up")
VERBS: Mapping[str, Verb] = {
    "up": _up,
    "down": _down,
    "list": _list,
    "show": _show,
    "exec": _exec,
    "port": _port,
    "script": _script,
    "save": _save,
    "gallery": _gallery,
    **faulty.VERBS,
}
