"""The commands of `fleet`: what they take."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

ADD = """\
HOST is a file of 'portscope snapshot' or 'portscope collect', ssh://[USER@]HOST, docker://CONTEXT, or an Ansible
inventory (a file *.ini, *.yml, *.yaml, hosts or inventory), whose hosts are read by ssh. Its name is its snapshot's
hostname, or the one that ssh or the inventory knows it by; NAME=HOST gives it another one. A host that is there already
gets the new snapshot. DIR is a folder, or a URL that fsspec knows.

exit codes: 0 every host was added · 2 one was not; the others are
"""
ANSWER = """\
ZONES, with commas in between: internet (a client outside of every network of the host, by its default route), lan (a
free address of the network of that device), NAME=NETWORK (office=10.8.0.0/16), NAME=@HOST (another host of the fleet).
Hosts whose snapshots are the same as the last time keep their rows.

exit codes: 0 every host is answered · 3 one is not: its row says why
"""
SQL = """\
The view is 'reach'; docs/fleet.md has its columns. One SELECT, read-only; no file and no network can be reached by it.

  portscope fleet sql DIR "select host, address, port, process from reach where verdict = 'yes' and zone = 'internet'"
"""

DIFF = """\
Hosts and zones that both have are compared, port by port.

exit codes: 0 no port was opened or closed · 1 one was; the others are
"""


def add_fleet(command: Any, add_command: Callable[..., Any]) -> None:
    """Adds what follows `fleet`."""
    commands = command.add_subparsers(metavar="COMMAND", required=True)
    one = _command(commands, add_command, "add", "take over hosts' snapshots", ADD)
    one.add_argument("files", metavar="HOST", nargs="+", help="a saved snapshot, a machine, or an inventory; see below")

    one = _command(commands, add_command, "answer", "ask every open port of every host from each zone", ANSWER)
    one.add_argument("--from", dest="zones", metavar="ZONES", default="internet,lan", help="see below (internet,lan)")
    one.add_argument(
        "--workers", metavar="N", type=_workers, default=os.cpu_count() or 1, help="processes (one a core)"
    )
    one.add_argument("--scheduler", metavar="URL", default="", help="a Dask scheduler: tcp://HOST:8786")

    one = _command(commands, add_command, "exposed", "list the ports that are reached from a zone")
    one.add_argument(
        "--from", dest="zone", metavar="ZONE", default="internet", help="a zone that was answered (internet)"
    )
    one.add_argument("--unintended", action="store_true", help="only those that were probably not meant to be")
    one.add_argument("--json", action="store_true", help="print one JSON document (portscope.exposed/1)")

    one = _command(commands, add_command, "sql", "ask the rows by SQL", SQL)
    one.add_argument("sql", metavar="SELECT", help="the statement")
    one.add_argument("--json", action="store_true", help="print a line of JSON for each row")

    one = _command(commands, add_command, "diff", "compare the rows of two fleets", DIFF)
    one.add_argument("other", metavar="DIR2", help="the later one's folder")
    one.add_argument("--json", action="store_true", help="print one JSON document (portscope.fleet-diff/1)")

    one = _command(commands, add_command, "report", "write the fleet as one HTML page")
    one.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it there (else to stdout)")
    one.add_argument("--force", action="store_true", help="overwrite FILE")


def _command(commands: Any, add_command: Callable[..., Any], name: str, text: str, epilog: str = "") -> Any:
    command = add_command(commands, name, text, epilog)
    command.add_argument("place", metavar="DIR", help="the fleet's folder")
    command.set_defaults(module=f"workbench.commands.fleet.{name}")
    return command


def _workers(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= 256:
        raise argparse.ArgumentTypeError(f"{word!r:.40} is not a number from 1 to 256")
    return int(word)
