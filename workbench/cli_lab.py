"""The grammar of `portscope lab`: its verbs and their words, as a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable

#: The verbs of `portscope lab`: name, what it does, its words.
LAB_VERBS = (
    ("open", "open the workbench on a running lab; without a verb: labs by menu", ("NAME",)),
    ("up", "build the lab that a Compose file describes", ("FILE",)),
    ("down", "remove a lab", ("NAME",)),
    ("list", "list running labs", ()),
    ("show", "show a lab's nodes, networks and ports", ("NAME",)),
    ("exec", "run a command in a node", ("NODE",)),
    ("port", "print where a service is published", ("NAME", "SERVICE")),
    ("faults", "list the faults for labs", ()),
    ("break", "break a lab with a fault, as a puzzle", ("NAME", "FAULT")),
    ("mend", "remove all faults from a lab", ("NAME",)),
    ("check", "ask the questions in a lab's file; the exit code is the result", ("NAME",)),
    ("save", "save a running lab as a file, with all chosen values", ("NAME",)),
    ("gallery", "list the labs that come with portscope; 'lab up gallery:NAME' builds one", ()),
    ("dojo", "find an unknown fault: start, look [FROM TARGET], hint, answer FAULT, give-up", ("NAME",)),
    ("twin", "rebuild a saved snapshot as a lab: reproduce a report, try a fix, check predictions", ("FILE",)),
    ("script", "print a shell script that builds a lab without portscope", ("FILE",)),
)


#: Verbs that read Compose files.
OF_FILES = ("up", "script")
#: Which files they read, for their help.
FILES = """\
FILE is a Compose file, gallery:NAME, or a folder with compose.yaml and compose.override.yaml (this one, if left out).
Variables come from the environment, then from .env beside the first file.
"""

#: What the modes of `lab twin` do, for its help.
TWIN = """\
without a mode          build the twin; it stays until 'portscope lab down NAME'
--only TARGET           build only the namespaces that the question can meet
--try TARGET            build it, ask a real client, apply the first fix, ask again, take it down
--verify                build it, ask every port from every place by a real connect, take it down
"""


#: Verbs that print facts, and the document that each can print.
OF_FACTS = {
    "list": "portscope.labs/1",
    "show": "portscope.lab/1",
    "faults": "portscope.lab-faults/1",
    "check": "portscope.lab-check/1",
    "gallery": "portscope.gallery/1",
}

AddCommand = Callable[..., argparse.ArgumentParser]


def add_labs(command: argparse.ArgumentParser, add_command: AddCommand) -> None:
    """The grammar of `portscope lab`."""
    command.set_defaults(module="workbench.commands.labs.screen", name="")
    verbs = command.add_subparsers(metavar="VERB", title="verbs", dest="verb", parser_class=type(command))
    for name, text, words in LAB_VERBS:
        verb = add_command(verbs, name, text)
        verb.set_defaults(module=f"workbench.commands.labs.{'screen' if name == 'open' else 'lab'}")
        for word in words:
            verb.add_argument(word.lower(), metavar=word, nargs="?" if name in OF_FILES else None)
        if name in OF_FILES:
            _add_files(verb)
        if name in OF_FACTS:
            verb.add_argument("--json", action="store_true", help=f"print one JSON document ({OF_FACTS[name]})")
        if name == "up":
            verb.add_argument("--dry-run", action="store_true", help="print the commands without running them")
        elif name == "twin":
            _add_twin(verb)
        elif name in ("break", "faults"):
            verb.add_argument("--tell", action="store_true", help="print the story and the commands")
        elif name == "dojo":
            verb.add_argument(
                "step", choices=("start", "look", "hint", "answer", "give-up"), help="one step of a round"
            )
            verb.add_argument("words", metavar="WORD", nargs="*", help="FROM and TARGET of a look; the answer")
            verb.add_argument("--seed", type=int, help="the fault that a number stands for")
        elif name == "exec":
            verb.add_argument("words", metavar="-- COMMAND", nargs=argparse.REMAINDER, help="what to run there")


def _add_files(verb: argparse.ArgumentParser) -> None:
    verb.epilog = FILES
    verb.add_argument(
        "-f", dest="files", metavar="FILE", action="append", default=[], help="a Compose file over the ones before it"
    )
    verb.add_argument(
        "--profile", dest="profiles", metavar="P", action="append", default=[], help="build its services, too"
    )
    verb.add_argument(
        "--env-file", dest="env_files", metavar="FILE", action="append", default=[], help="in place of .env"
    )


def _add_twin(verb: argparse.ArgumentParser) -> None:
    verb.epilog = TWIN
    verb.add_argument("--name", metavar="N", help="the twin's name (its host's, as far as that is free)")
    verb.add_argument("--dry-run", action="store_true", help="print the commands without running them")
    mode = verb.add_mutually_exclusive_group()
    mode.add_argument("--only", metavar="TARGET", help="a question: build what it can meet")
    mode.add_argument("--try", dest="trial", metavar="TARGET", help="a question: ask it, fix it, ask again")
    mode.add_argument("--verify", action="store_true", help="compare every prediction with a real connect")
    verb.add_argument("--from", dest="source", metavar="SOURCE", default="host", help="the client of the question")
    verb.add_argument("--udp", action="store_const", const="udp", dest="protocol", default="tcp", help="ask by UDP")
    verb.add_argument("--json", action="store_true", help="print one JSON document (portscope.twin/1)")
    verb.set_defaults(module="workbench.commands.labs.twin")
