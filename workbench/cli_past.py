"""The commands about the past, of the flight recorder and of two snapshots: what they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from workbench.recording.amounts import age_of, size_of

FLIPS = """
exit codes with --why: 0 the answer is the same · 1 it flips · 3 could not tell
"""
RECORD = """\
TARGET and SOURCE as in 'portscope why'. A change that the kernel notifies of is seen within a second, what has to be
looked for (listeners, iptables-legacy) within five.
"""
WHEN = """\
TARGET and SOURCE as in 'portscope why'. exit codes: those of the answer now, as the store knows it
"""


def add_recorder(commands: Any, add_command: Callable[..., Any], add_protocol: Callable[[Any], None]) -> None:
    """Adds `record` and `when`."""
    command = add_command(commands, "record", "keep every change of this host's network, to look back on", RECORD)
    command.add_argument(
        "--keep", metavar="AGE", type=_amount(age_of), default=age_of("14d"), help="how long: 14d, 12h (14d)"
    )
    command.add_argument(
        "--largest", metavar="SIZE", type=_amount(size_of), default=size_of("500M"), help="of the store (500M)"
    )
    add_store(command)
    command.add_argument(
        "--ask", dest="asks", metavar="TARGET", action=_Ask, default=[], help="answer this at each change; repeatable"
    )
    command.add_argument(
        "--from", dest="asks", metavar="SOURCE", action=_From, help="the client of the --ask before it"
    )
    command.add_argument(
        "--on-flip", metavar="CMD", help="run this on a flip, without a shell; the answer as JSON is its standard input"
    )
    command.add_argument("--who", action="store_true", help="keep the user and the parent of who made a change as well")
    command.add_argument("--install", action="store_true", help="show a systemd unit with these options, and write it")
    command.add_argument("--yes", action="store_true", help="write the unit without asking")
    command.add_argument("--force", action="store_true", help="overwrite the unit if it exists")
    command.set_defaults(module="workbench.commands.record")

    command = add_command(commands, "when", "say when a port stopped answering, and which change did it", WHEN)
    command.add_argument("target", metavar="TARGET", help="the destination")
    command.add_argument("--from", dest="source", metavar="SOURCE", default="host", help="the client")
    add_protocol(command)
    command.add_argument("--flips", action="store_true", help="list all flips of the answer, not the last one alone")
    add_store(command)
    command.add_argument("--json", action="store_true", help="print one JSON document (portscope.when/1)")
    command.set_defaults(module="workbench.commands.when")


def add_diff(commands: Any, add_command: Callable[..., Any], add_protocol: Callable[[Any], None], why: str) -> None:
    """Adds `diff`; `why` says what a question's words may be."""
    command = add_command(
        commands, "diff", "compare two snapshots, and find the changes that flip an answer", why + FLIPS
    )
    command.add_argument("before", metavar="BEFORE", type=Path, nargs="?", help="a saved snapshot")
    command.add_argument("after", metavar="AFTER", type=Path, nargs="?", help="a later one (default: this host now)")
    add_at(command, repeatable=True)
    command.add_argument(
        "--why", metavar="TARGET", help="ask both this question, and find the changes that flip the answer"
    )
    command.add_argument("--from", dest="source", metavar="SOURCE", help="the client, see below")
    add_protocol(command)
    command.add_argument("--all", action="store_true", help="list neighbour entries as well")
    command.add_argument("--json", action="store_true", help="print one JSON document (portscope.diff/1)")
    command.set_defaults(module="workbench.commands.diff")


def add_store(command: Any) -> None:
    """The folder of the recorder's store."""
    command.add_argument("--store", metavar="DIR", type=Path, help="the recorder's folder (/var/lib/portscope)")


def add_at(command: Any, *, repeatable: bool = False) -> None:
    """A time of the recorder's store, instead of the host now."""
    more: dict[str, Any] = {"action": "append", "default": []} if repeatable else {}
    text = "the host as it was then, from the recorder's store: 'yesterday 18:00', '2 hours ago', '2026-11-30 18:00'"
    command.add_argument("--at", metavar="TIME", help=text + (" (repeatable)" if repeatable else ""), **more)
    add_store(command)


class _Ask(argparse.Action):
    """A question, whose client is the host until --from names another one."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, _option: Any = None) -> None:
        """Adds it."""
        namespace.asks = [*namespace.asks, (values, "host")]


class _From(argparse.Action):
    """The client of the question before it."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, _option: Any = None) -> None:
        """Takes it over."""
        if not namespace.asks:
            _refuse(parser, "--from goes behind the --ask that it is the client of")
        namespace.asks = [*namespace.asks[:-1], (namespace.asks[-1][0], values)]


def _refuse(parser: Any, line: str) -> NoReturn:
    parser.error(line)
    raise AssertionError


def _amount(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser of an option whose complaint is the reader's own."""

    def parse(word: str) -> Any:
        try:
            return read(word)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse
