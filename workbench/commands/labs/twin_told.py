"""What every mode of `portscope lab twin` does and tells: which twin is built, what it lacks, its JSON document."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable

from engine.lab import lifecycle
from engine.lab.twin.rebuild import TwinOptions
from engine.model.host import Snapshot
from engine.model.verdict import Question
from workbench.exits import complain, usage
from workbench.session import twins
from workbench.session.twins import Twin

#: What a lab's name cannot have.
UNFIT = re.compile(r"[^a-z0-9-]+")
SCHEMA = "portscope.twin/1"


def drafted(arguments: Namespace, snapshot: Snapshot, asked: Iterable[Question]) -> Twin:
    """The twin that is built. Of a plan that is only shown nothing is tried on this kernel."""
    name = arguments.name or free_name(snapshot)
    if lifecycle.known(name) and lifecycle.standing(name) is not None:
        raise usage(f"a lab named {name} is up already; give another name, or 'portscope lab down {name}' first")
    options = TwinOptions() if arguments.dry_run else twins.options(snapshot, asked)
    return twins.draft(snapshot, arguments.file, name, options)


def free_name(snapshot: Snapshot) -> str:
    """The host's name as a lab's; with a number where a lab, or a namespace here, has it."""
    name = UNFIT.sub("-", snapshot.hostname.lower()).strip("-")[:24] or "twin"
    for number in range(1, 100):
        found = name if number == 1 else f"{name}-{number}"
        if not lifecycle.known(found) and not lifecycle.host_path(found).exists():
            if number > 1:
                complain(f"a lab {name} is there already: this twin is called {found}")
            return found
    raise usage(f"all names from {name} to {name}-99 are taken; give one with --name")


def tell_what_lacks(twin: Twin, notes: Iterable[str] = (), differs: Iterable[str] = ()) -> None:
    """What is called otherwise, what is left out, what the kernel refused, and where the twin differs: line by line."""
    for node in twin.rebuilt.nodes:
        if node.renamed and node.origin != twin.rebuilt.snapshot.host:
            complain(f"{node.origin} is called {node.name} here")
    for row in twin.rebuilt.left_out:
        complain(f"left out: {row}")
    for note in notes:
        complain(f"refused here: {note}")
    for line in differs:
        complain(f"differs from the file: {line}")


def asker(question: Question) -> str:
    """Who asks, in a word: a namespace of the snapshot, or an address beyond a device."""
    source = question.source
    return f"{source.address}%{source.device}" if source.outside else source.netns


def document(twin: Twin, notes: Iterable[str], differs: Iterable[str]) -> dict[str, object]:
    """The part of the JSON document that every mode has."""
    nodes = [{"name": each.name, "netns": each.netns, "origin": each.origin} for each in twin.rebuilt.nodes]
    beyond = [
        {
            "name": each.stub.node.name,
            "netns": each.stub.node.netns,
            "device": each.stub.link.name,
            "of": each.stub.origin,
            "addresses": [str(address) for address in each.addresses],
        }
        for each in twin.rebuilt.beyond
    ]
    left_out = [
        {"netns": each.netns, "what": each.what, "why": each.why, "effect": each.effect}
        for each in twin.rebuilt.left_out
    ]
    return {
        "schema": SCHEMA,
        "name": twin.name,
        "nodes": nodes,
        "beyond": beyond,
        "left_out": left_out,
        "refused": list(notes),
        "differs": list(differs),
    }
