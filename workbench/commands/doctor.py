"""`portscope doctor`: what can be read here, what is missing for which command, and how to get it."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from importlib.util import find_spec

from engine.model.host import Snapshot
from engine.programs import find
from views.reports.doctor import Check, render
from workbench import output, world
from workbench.exits import Exit, Refusal

SCHEMA = "portscope.doctor/1"
#: Programs that some commands start: name, what for, where Debian has it. Questions about this host need none of them.
PROGRAMS = (
    ("ip", "labs, twins, fixes", "iproute2"),
    ("nft", "labs, twins, fixes", "nftables"),
    ("iptables", "labs, fixes", "iptables"),
    ("ipset", "twins with ipsets", "ipset"),
    ("conntrack", "fixes of stale connections", "conntrack"),
    ("ebtables", "reading ebtables-legacy, twins", "ebtables"),
    ("ssh", "ssh://HOST", "openssh-client"),
    ("docker", "docker://CONTEXT", "docker-cli"),
    ("ansible-inventory", "fleet add inventory.ini", "ansible-core"),
)
#: Extras: name, what for, a module that each of its libraries brings.
EXTRAS = (
    ("mcp", "answer agents (mcp)", ("mcp",)),
    ("fleet", "portscope fleet", ("cryptography", "distributed", "duckdb", "fsspec", "pyarrow")),
    ("serve", "portscope serve", ("textual_serve",)),
    ("legacy", "labs with iptables-legacy in Python", ("iptc",)),
)


def run(arguments: Namespace) -> Exit:
    """Looks, and says. The exit code is 3 where something of this host cannot be read."""
    checks = [*_host(), *_programs(), *_extras()]
    if arguments.json:
        document = {"schema": SCHEMA, "checks": [each._asdict() for each in checks]}
        output.emit_whole(json.dumps(document, indent=1) + "\n")
    else:
        output.emit(render(checks))
    return Exit.DONE if all(each.there for each in checks if each.of == "host") else Exit.UNDECIDED


def _host() -> Iterator[Check]:
    root = os.geteuid() == 0
    what = "reads every namespace and every firewall"
    yield Check(
        "host", "root", root, what if root else "without it other users' namespaces are not read", "sudo portscope"
    )
    try:
        snapshot = world.look()
    except Refusal as error:
        yield Check("host", "network", False, str(error), "")
        return
    yield Check("host", "namespaces", True, f"{len(snapshot.namespaces)} are read", "")
    running = [each for each in snapshot.containers if each.state == "running"]
    yield Check("host", "containers", True, f"{len(running)} run, {len(snapshot.containers)} in all", "")
    yield from _gaps(snapshot)


def _gaps(snapshot: Snapshot) -> Iterator[Check]:
    """What could not be read, each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for gap in snapshot.gaps:
        found.setdefault((gap.source, gap.reason), []).append(gap.netns)
    for (source, reason), places in found.items():
        where = f" (in {len(places)} namespaces)" if len(places) > 1 else ""
        yield Check("host", source, False, f"{reason}{where}", "")


def _programs() -> Iterator[Check]:
    for name, purpose, package in PROGRAMS:
        path = find(name)
        yield Check("programs", name, path is not None, purpose, "" if path else f"apt install {package}")


def _extras() -> Iterator[Check]:
    for name, purpose, modules in EXTRAS:
        there = all(find_spec(module) is not None for module in modules)
        yield Check("extras", name, there, purpose, "" if there else f"pip install 'portscope[{name}]'")
