"""`portscope lab …`: labs that stay until they are taken down, one function for each verb, in one table.

Errors of a lab's file and of what was asked of a lab are the user's (exit code 2), those of the kernel and of files
are refusals (4). The kernel is looked at here and the snapshot handed in: `engine.lab` does not look.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.build.errors import BuildError, LabExists
from engine.build.namespaces import enter, run_in
from engine.lab import lifecycle, shown
from engine.lab.errors import LabError
from engine.lab.lifecycle import Draft
from engine.lab.script import lines, script
from engine.model.host import Snapshot
from workbench import output, world
from workbench.exits import Exit, complain, refused, usage

Verb = Callable[[Namespace], Exit]


def run(arguments: Namespace) -> Exit:
    """Does what the verb says."""
    try:
        return VERBS[arguments.verb](arguments)
    except (LabError, LabExists) as error:
        raise usage(str(error)) from error
    except BuildError as error:
        raise refused(str(error)) from error


def _read(file: str) -> Draft:
    """The lab in a file. Raises `Refusal` when it cannot be read."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise usage(f"cannot read {path}: {error.strerror}; name a Compose file") from error
    except UnicodeDecodeError as error:
        raise usage(f"{path} is not text (byte {error.start}); name a Compose file") from error
    return lifecycle.draft(text, str(path))


def _up(arguments: Namespace) -> Exit:
    wanted = _read(arguments.file)
    for note in wanted.lab.spec.notes:
        complain(note)
    if arguments.dry_run:
        output.emit("".join(f"{line}\n" for line in lines(wanted.plan.changes)))
        return Exit.DONE
    lifecycle.up(wanted)
    complain(f"{wanted.plan.title} is up")
    return Exit.DONE


def _down(arguments: Namespace) -> Exit:
    left = lifecycle.down(arguments.name)
    for line in left:
        complain(line)
    return Exit.REFUSED if left else Exit.DONE


def _list(_arguments: Namespace) -> Exit:
    for name in lifecycle.names():
        draft = lifecycle.standing(name)
        if draft is not None:
            spec = draft.lab.spec
            output.emit(f"{name}  {len(draft.lab.nodes)} services  {spec.layout}  {spec.file}\n")
    return Exit.DONE


def _show(arguments: Namespace) -> Exit:
    document = shown.shown(lifecycle.stands(arguments.name).lab, ())
    if arguments.json:
        output.emit(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return Exit.DONE
    rows = [f"{document['name']}  {document['layout']} ({document['firewall']})  from {document['file']}"]
    for node in document["nodes"]:
        addresses = " ".join(node["addresses"]) or "-"
        rows.append(f"  {node['name']:<16} {node['netns']:<24} {addresses}  {' '.join(node['listens'])}".rstrip())
    rows += [f"  network {each['name']}: {each['bridge']} {' '.join(each['subnets'])}" for each in document["networks"]]
    for port in document["published"]:
        at = port["host_address"] or "0.0.0.0"
        rows.append(f"  {at}:{port['host_port']}/{port['protocol']} -> {port['service']}:{port['container_port']}")
    output.emit("\n".join(rows) + "\n")
    return Exit.DONE


def _exec(arguments: Namespace) -> Exit:
    """Runs a program in a node in this process's place."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise usage("there is nothing to run; write portscope lab exec NODE -- COMMAND")
    try:
        enter(_node(arguments.node))
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
    rows = shown.port_lines(draft.lab, arguments.service)
    output.emit("".join(f"{row}\n" for row in rows))
    return Exit.DONE


def _script(arguments: Namespace) -> Exit:
    draft = _read(arguments.file) if Path(arguments.file).exists() else lifecycle.stands(arguments.file)
    output.emit(script(draft.plan, draft.lab.name))
    return Exit.DONE


def look(draft: Draft) -> Snapshot:
    """A standing lab, seen from its host, its services as containers. Raises `Refusal`."""
    try:
        return shown.dress(run_in(lifecycle.host_path(draft.lab.name), world.look), draft.lab)
    except OSError as error:
        raise refused(f"lab {draft.lab.name} cannot be entered: {error.strerror}; take it down and up again") from error


VERBS: Mapping[str, Verb] = {
    "up": _up,
    "down": _down,
    "list": _list,
    "show": _show,
    "exec": _exec,
    "port": _port,
    "script": _script,
}
