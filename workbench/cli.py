"""The command line: which commands there are, what they take, and how each of them ends.

Laws:
1. Commands and options are a table of parsers here; what a command does is in its own module, loaded when it is called.
2. Every way out goes through `main`, which turns what was raised into one line and an exit code (`exits`).
3. An option exists when it works. What is planned is not listed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from engine import read_only
from views.reports.writers import FORMATS
from workbench import output
from workbench.cli_fleet import add_fleet
from workbench.cli_lab import add_labs
from workbench.cli_past import add_at, add_diff, add_recorder
from workbench.cli_program import add_program
from workbench.exits import Exit, Refusal, complain, own_fault, usage

EXIT_CODES = """\
exit codes: 0 reachable (or done) · 1 not reachable · 2 usage · 3 could not tell · 4 the kernel or the engine refused"""

WHY = """\
TARGET  ADDRESS:PORT, [V6]:PORT, CONTAINER:PORT (the port inside), :PORT (published on this host), NAME:PORT or a URL
        (http://NAME/…, postgres://NAME/…), looked up as SOURCE does; with --icmp ADDRESS, CONTAINER or NAME
SOURCE  host (the namespace that portscope runs in), ns:NAME, a container's name or id, each with /ADDRESS for a
        client that binds that one; or ADDRESS[:PORT][@DEVICE] for a client outside of this host that arrives on
        DEVICE (without it: on that of its subnet, of its neighbour entry, or of the route back to it)
"""
#: `WHY` where the same can be asked from everywhere.
ASKED = f"""{WHY}\
        everywhere: the same question from the LAN, the host, its loopback addresses and each container

"""

COLLECT = """\
  portscope collect | ssh HOST sudo sh > FILE      portscope why TARGET --snapshot FILE
"""
#: Shells that can complete, and how they learn it.

PROTOCOLS = (
    ("udp", "ask for UDP instead of TCP"),
    ("sctp", "ask for SCTP"),
    ("icmp", "ping: TARGET has no port"),
)


FORCE = "overwrite FILE if it exists"
REDACT = "replace addresses and names by consistent pseudonyms; answers do not change"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage and leaving."""
        raise usage(f"{message}; see '{self.prog} --help'")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """What the words mean. Those that a command does not know are its own fault, not that of the whole grammar."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - the parent's signature
        """Prints on stdout, or says that it cannot."""
        output.emit(self.format_help())


#: Set by a shell that asks what a word can be (argcomplete).
COMPLETING = "_ARGCOMPLETE"
#: Where commands are added. The standard library has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Version(argparse.Action):
    """Prints the version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Prints and leaves."""
        from importlib import metadata  # noqa: PLC0415 - loading it takes as long as answering

        try:
            number = metadata.version("portscope")
        except metadata.PackageNotFoundError:
            number = "(not installed)"
        output.emit(f"portscope {number}\n")
        parser.exit()


def build_parser() -> Parser:
    """The whole grammar. Each command's namespace has `module`, the module with its `run`."""
    parser = Parser(
        prog="portscope",
        description="Explain why a container port can or cannot be reached. Without a command: open the workbench.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    allowed = parser.add_mutually_exclusive_group()
    allowed.add_argument(
        "--write",
        action="store_true",
        help="let the workbench apply fixes on this host, each confirmed twice",
    )
    allowed.add_argument(
        "--read-only",
        action="store_true",
        help="change, send and write nothing, labs included",
    )
    parser.add_argument("--color", choices=output.COLOURS, default="auto", help="when text has colours (auto)")
    parser.set_defaults(module="workbench.commands.screen", file=None, at=None, opening=False)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)

    command = add_command(commands, "open", "open the workbench on a saved snapshot, or on the recorder's past")
    text = "a file of 'portscope snapshot' or of the 'portscope collect' script"
    command.add_argument("file", metavar="FILE", type=Path, nargs="?", help=text)
    add_at(command)
    command.set_defaults(opening=True)
    _add_plain(commands, "demo", "open the workbench on a small broken lab, removed at exit")
    _add_why(commands)
    _add_rules(commands)
    _add_snapshot(commands)
    _add_serve(commands)
    _add_plain(commands, "config", "print the workbench's settings (keys, theme, glyphs) as a file to edit")
    _add_report(commands)
    add_diff(commands, add_command, _add_protocol, WHY)
    _add_plain(commands, "collect", "print a shell script that collects a snapshot without Python", COLLECT)
    add_program(commands, add_command)
    _add_plain(commands, "clean", "remove leftovers of a killed portscope")
    add_recorder(commands, add_command, _add_protocol)
    add_fleet(add_command(commands, "fleet", "ask every open port of many hosts"), add_command)
    add_labs(add_command(commands, "lab", "build Docker-like labs from Compose files"), add_command)
    return parser


def _add_plain(commands: Commands, name: str, text: str, epilog: str = "") -> None:
    """A command without options."""
    add_command(commands, name, text, epilog).set_defaults(module=f"workbench.commands.{name}")


def _add_why(commands: Commands) -> None:
    command = add_command(commands, "why", "explain why a port can or cannot be reached", ASKED + EXIT_CODES)
    command.add_argument("target", metavar="TARGET", help="the destination, see below")
    command.add_argument("--from", dest="source", metavar="SOURCE", default="host", help="the client, see below")
    _add_protocol(command)
    command.add_argument("--snapshot", metavar="FILE", type=Path, help="ask a saved snapshot instead of this host")
    add_at(command)
    _add_hosts(command)
    command.add_argument("--json", action="store_true", help="print one JSON document (portscope.why/1)")
    command.add_argument(
        "-v", "--verbose", action="count", default=0, help="add the path, all fixes and evidence (-vv: everything)"
    )
    command.add_argument("--gaps", action="store_true", help="list what was not inspected")
    command.add_argument(
        "--if",
        dest="suppositions",
        metavar="CHANGE",
        action="append",
        default=[],
        help="ask on a changed model, as 'delete rule filter/DOCKER-USER 1' (repeatable; 'help' lists the forms)",
    )
    command.add_argument(
        "--watch", action="store_true", help="ask again on every change, and print each flip of the answer"
    )
    proof = command.add_argument_group("proof", "compare the answer with a real attempt; see docs/prove.md")
    proof.add_argument("--prove", action="store_true", help="send the real packet and show the kernel's evidence")
    proof.add_argument("--timeout", metavar="S", type=float, help="seconds for the attempt (3), or of waiting (30)")
    proof.add_argument(
        "--trace", action="store_true", help="add temporary nftrace rules so the kernel reports every rule it hits"
    )
    proof.add_argument("--pcap", metavar="FILE", type=Path, help="write the packets as pcapng, for Wireshark")
    proof.add_argument("--save-case", metavar="FILE", type=Path, help="write a bug report: host, question and evidence")
    proof.add_argument(
        "--redact", action="store_true", help="replace addresses and names in it by consistent pseudonyms"
    )
    proof.add_argument("--force", action="store_true", help=FORCE)
    command.set_defaults(module="workbench.commands.why")


def _add_hosts(command: Parser, what: str = "another host: ") -> None:
    command.add_argument(
        "--with",
        dest="hosts",
        metavar="HOST",
        action="append",
        default=[],
        help=f"{what}a saved snapshot, ssh://[USER@]HOST or docker://CONTEXT, each with NAME= before it or without; "
        "TARGET and SOURCE may then begin with its name and a slash (repeatable)",
    )
    command.add_argument(
        "--edge",
        metavar="FILE",
        type=Path,
        help="what lies between hosts and cannot be read: routers, port forwards, security groups (portscope.edge/1)",
    )


def _add_rules(commands: Commands) -> None:
    command = add_command(commands, "rules", "list rules that can never match, duplicates, rules without packets")
    command.add_argument("--netns", metavar="NETNS", help="rules of this namespace or container only")
    command.add_argument("--unused", action="store_true", help="list the rules whose counter is zero as well")
    command.add_argument("--snapshot", metavar="FILE", type=Path, help="audit a saved snapshot instead of this host")
    command.add_argument("--json", action="store_true", help="print one JSON document (portscope.rules/1)")
    command.set_defaults(module="workbench.commands.rules")


def _add_snapshot(commands: Commands) -> None:
    command = add_command(commands, "snapshot", "save everything that portscope reads of this host, as JSON")
    command.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a file to convert instead")
    _add_hosts(command, "save these hosts in one file instead: ")
    command.add_argument("-o", dest="output", metavar="FILE", type=Path, help="write to FILE instead of stdout")
    command.add_argument("--force", action="store_true", help=FORCE)
    command.add_argument("--redact", action="store_true", help=REDACT)
    command.set_defaults(module="workbench.commands.snapshot")


def _add_serve(commands: Commands) -> None:
    command = add_command(commands, "serve", "serve the workbench to a browser on this machine, read-only by default")
    command.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a saved snapshot instead of this host")
    command.add_argument("--port", metavar="N", type=int, default=8787, help="the port of 127.0.0.1 (8787)")
    command.add_argument("--write", action="store_true", help="allow fixes and labs, as in the terminal")
    command.set_defaults(module="workbench.commands.serve")


def _add_protocol(command: Parser) -> None:
    """TCP, or one of the others."""
    chosen = command.add_mutually_exclusive_group()
    command.set_defaults(protocol="tcp")
    for name, text in PROTOCOLS:
        chosen.add_argument(f"--{name}", action="store_const", const=name, dest="protocol", help=text)


def _add_report(commands: Commands) -> None:
    command = add_command(commands, "report", "write the network, and answers, as a document", ASKED + EXIT_CODES)
    command.add_argument("--format", choices=tuple(FORMATS), metavar="FORMAT", help=", ".join(FORMATS))
    command.add_argument(
        "-o", dest="output", metavar="FILE", type=Path, help="write to FILE; its extension sets the format"
    )
    command.add_argument("--force", action="store_true", help=FORCE)
    command.add_argument(
        "--snapshot", metavar="FILE", type=Path, help="report on a saved snapshot instead of this host"
    )
    command.add_argument(
        "--why", metavar="TARGET", action="append", default=[], help="answer this question; repeatable"
    )
    command.add_argument("--from", dest="source", metavar="SOURCE", help="the client, see below")
    _add_protocol(command)
    command.add_argument(
        "--matrix", action="store_true", help="add the reachability matrix: every port from every vantage point"
    )
    command.add_argument("--redact", action="store_true", help=REDACT)
    command.add_argument(
        "--embed", action="store_true", help="put the snapshot into the report (html, json), to be asked and rebuilt"
    )
    command.set_defaults(module="workbench.commands.report")


def add_command(commands: Commands, name: str, text: str, epilog: str = "") -> Parser:
    """A command's own parser. `--color` and `--read-only` may stand behind it, too, where people write them."""
    command = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=epilog or None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--color", choices=output.COLOURS, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command


def main(argv: Sequence[str] | None = None, *, interruptible: bool = False) -> int:
    """Runs one command. Returns its exit code; raises nothing but the parser's own exit after --help and --version.

    `interruptible`: from here on Ctrl-C is an exception, for which everybody tidies up.
    """
    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        parser = build_parser()
        if COMPLETING in os.environ:
            importlib.import_module("workbench.completing").complete(parser)
        arguments = parser.parse_args(argv)
        read_only.forbid(arguments.read_only)
        output.paint(arguments.color)
        return int(importlib.import_module(arguments.module).run(arguments))
    except Refusal as refusal:
        complain(str(refusal))
        return refusal.exit_code
    except read_only.ReadOnly as refusal:
        complain(str(refusal))
        return Exit.USAGE
    except KeyboardInterrupt:
        complain("interrupted")
        return Exit.INTERRUPTED
    except PermissionError as error:  # of a folder or program of the machine's; each command names what it knows of
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}; run portscope as root, or as the owner")
        return Exit.REFUSED
    except Exception as error:
        return own_fault(error)
    finally:
        read_only.forbid(False)
