"""The TAB key in a real shell, and what the parsers offer it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import build_parser, main
from workbench.cli_program import SHELLS
from workbench.completing import OFFERED, offer

SHOP = Path(__file__).parents[1] / "hosts" / "shop.json.gz"
#: What bash does when TAB is pressed at the end of the line $1, whose last word is $2.
TAB = """
eval "$(portscope completion bash)"
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9
COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_python_argcomplete portscope "$2" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(line: str) -> list[str]:
    """What bash would show."""
    last = "" if line.endswith(" ") else line.rsplit(maxsplit=1)[-1]
    path = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    argv = ("bash", "--norc", "-c", TAB, "bash", line, last)
    done = subprocess.run(argv, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True)
    return [word.strip() for word in done.stdout.splitlines()]


def test_bash_completes_commands_options_and_the_verbs_of_commands():
    assert offered("portscope dem") == ["demo"]
    assert {"--timeout", "--trace"} <= set(offered("portscope why :80 --t"))
    assert {"add", "answer", "diff"} <= set(offered("portscope fleet "))
    assert offered("portscope completion f") == ["fish"]
    assert offered("portscope explain FW_RULE_") == ["FW_RULE_DROP", "FW_RULE_REJECT"]
    assert offered("portscope explain DOCKER-") == ["DOCKER-USER"]


def test_bash_completes_what_the_snapshot_on_the_line_has():
    line = f"portscope why --snapshot {SHOP} "
    assert {"web", "db", "everywhere", "host"} <= set(offered(f"{line}--from "))
    assert offered(f"{line}:54") == ["5432"], "bash divides words at a colon"


def test_a_snapshot_that_cannot_be_read_offers_what_is_always_there(tmp_path):
    assert offered(f"portscope why --snapshot {tmp_path} --from ") == ["host", "everywhere"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_own_text(shell, capsys):
    assert main(["completion", shell]) == 0
    shown = capsys.readouterr().out
    assert "portscope" in shown
    assert ("complete --command portscope" if shell == "fish" else "_python_argcomplete") in shown


def test_another_shell_is_one_line(capsys):
    assert main(["completion", "tclsh"]) == 2
    shown = capsys.readouterr().err
    assert "choose from" in shown
    assert len(shown.splitlines()) == 1


def words(parser):
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from words(below)
        elif isinstance(action.metavar, str):
            yield action


def test_every_kind_of_word_that_is_offered_is_one_of_the_grammar():
    parser = build_parser()
    offer(parser)
    found = {action.metavar for action in words(parser)}
    assert set(OFFERED) <= found
    assert all(hasattr(action, "completer") for action in words(parser) if action.choices is None)
