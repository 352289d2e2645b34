"""The grammar of `portscope lab`: its verbs and their words, as a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable

#: The verbs of `portscope lab`: name, what it does, its words.
LAB_VERBS = (
    ("open", "the workbench on a lab that is up; without a verb: labs by menu", ("NAME",)),
    ("up", "build the lab that a Compose file describes", ("FILE",)),
    ("down", "remove a lab", ("NAME",)),
    ("list", "the labs that are up", ()),
    ("show", "the nodes, networks and ports of a lab", ("NAME",)),
    ("exec", "run a command in a node", ("NODE",)),
    ("port", "where a service is published", ("NAME", "SERVICE")),
    ("faults", "the faults that a lab can be given", ()),
    ("break", "give a lab a fault, as a puzzle", ("NAME", "FAULT")),
    ("mend", "take all faults of a lab back", ("NAME",)),
    ("check", "ask the questions of a lab's file; the exit code tells", ("NAME",)),
    ("save", "a lab that is up as a file, with all that was chosen", ("NAME",)),
    ("gallery", "the labs that come with portscope; 'lab up gallery:NAME' builds one", ()),
    ("dojo", "find an unknown fault: start, look [FROM TARGET], hint, answer FAULT, give-up", ("NAME",)),
    ("script", "a shell script that builds a lab without portscope", ("FILE",)),
)


AddCommand = Callable[..., argparse.ArgumentParser]


def add_labs(command: argparse.ArgumentParser, add_command: AddCommand) -> None:
    """The grammar of `portscope lab`."""
    command.set_defaults(module="workbench.commands.lab_screen", name="")
    verbs = command.add_subparsers(metavar="VERB", title="verbs", dest="verb", parser_class=type(command))
    for name, text, words in LAB_VERBS:
        verb = add_command(verbs, name, text)
        verb.set_defaults(module=f"workbench.commands.{'lab_screen' if name == 'open' else 'lab'}")
        for word in words:
            verb.add_argument(word.lower(), metavar=word)
        if name == "up":
            verb.add_argument("--dry-run", action="store_true", help="print the commands that would be run, and leave")
        elif name in ("break", "faults"):
            verb.add_argument("--tell", action="store_true", help="tell the story and the commands")
        elif name == "show":
            verb.add_argument("--json", action="store_true", help="one JSON document instead of words")
        elif name == "dojo":
            verb.add_argument(
                "step", choices=("start", "look", "hint", "answer", "give-up"), help="one step of a round"
            )
            verb.add_argument("words", metavar="WORD", nargs="*", help="FROM and TARGET of a look; the answer")
            verb.add_argument("--seed", type=int, help="the fault that a number stands for")
        elif name == "exec":
            verb.add_argument("words", metavar="-- COMMAND", nargs=argparse.REMAINDER, help="what to run there")
