"""Each page's examples, run as a reader runs them: in labs, on the real kernel. `GOLDEN=write` writes their output."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.programs import environment
from tests.docs.examples import Example, examples, rewritten
from tests.docs.prepared import BUILD, OPTIONS, PREPARE
from tests.harness.needs import require
from workbench.cli import build_parser
from workbench.exits import Refusal

ROOT = Path(__file__).parents[2]
#: Pages whose examples are run from the first to the last.
PAGES = (
    "README.md",
    "README.zh-CN.md",
    "docs/tutorial.md",
    "docs/tutorial.zh.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "howto").glob("*.md")),
)
BIN = Path(sys.executable).parent
WRITE = os.environ.get("GOLDEN") == "write"


Run = Callable[[Example], tuple[str, ...]]
#: What a command ends with that did what it is for: yes, no.
ANSWERED = ("0", "1")
#: A machine of its own for a page: its processes and networks are its own, and end with its first process.
ALONE = ("unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc", "--kill-child")
FIRST = (
    "mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && echo ready && exec sleep infinity"
)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Run]:
    """Runs what somebody types who follows a page, on a machine with nothing else on it."""
    require("ip", "nft", "iptables-nft", "nginx", "curl", "unshare", "nsenter", root=True)
    path = os.pathsep.join((str(BIN), os.environ["PATH"], "/usr/sbin", "/sbin"))
    settled = environment() | {"PATH": path, "COLUMNS": "100", "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    settled.pop("PYTHONPATH")
    argv = (*ALONE, "sh", "-c", FIRST)
    with (
        (ROOT / "mkdocs.yml").open() as lock,
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=settled) as machine,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # files of nodes, in /etc/netns, are the real machine's
        assert machine.stdout is not None
        assert machine.stdout.readline() == "ready\n"
        first = Path(f"/proc/{machine.pid}/task/{machine.pid}/children").read_text(encoding="ascii").split()[0]
        within = ("nsenter", "-t", first, "-m", "-p", "-n")

        def run(example: Example) -> tuple[str, ...]:
            return example.run(tmp_path, settled, within)

        try:
            yield run
            listed = run(Example("portscope lab list --json", ()))
            for lab in json.loads("".join(listed))["labs"]:
                run(Example(f"portscope lab down {lab['name']}", ()))
        finally:
            machine.kill()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_examples_print_what_it_shows(page: str, reader: Run, tmp_path: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    wrong, ran, written, at = [], 0, text, 0
    for each in examples(text):
        if isinstance(each, tuple):
            (tmp_path / each[0]).write_text(each[1], encoding="utf-8")
            continue
        lines = reader(each)
        ran += 1
        written, at = rewritten(written, at, each, lines)
        if not each.is_shown_by(lines):
            wrong.append("\n".join((f"# {each.command}", *lines)))
    if WRITE:
        (ROOT / page).write_text(written, encoding="utf-8")
    assert ran >= 2, "a page for readers has examples"
    assert wrong == []


@pytest.mark.parametrize("page", PREPARE)
def test_a_guide_s_commands_do_what_they_are_for(page: str, reader: Run, tmp_path: Path) -> None:
    PREPARE[page](tmp_path)
    if page in BUILD:
        assert reader(Example(BUILD[page], ())) == ()
    failed, ran = [], 0
    for each in examples((ROOT / page).read_text(encoding="utf-8")):
        if isinstance(each, Example):
            command = f"{each.command}{OPTIONS.get(page, '')}"
            *lines, code = reader(Example(f"{{ {command}; }} 2>&1; echo $?", ()))
            ran += 1
            if code not in ANSWERED or "error in portscope" in "".join(lines):
                failed.append("\n".join((f"# {command}", *lines, code)))
    assert ran >= 1
    assert failed == []


def words(command: str) -> list[str]:
    """The words that portscope gets, without pipes, redirections and the dots of what is left to the reader."""
    own = re.split(r"[|&]|\s>", command)[0].replace("…", "")
    return shlex.split(own, comments=True)[1:]


def commands() -> list[tuple[str, str]]:
    """Every command line of portscope that stands in an example of any page, with the page."""
    found = []
    for path in (ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")):
        for each in examples(path.read_text(encoding="utf-8"), also_not_run=True):
            if isinstance(each, Example) and each.command.startswith("portscope "):
                found.append((str(path.relative_to(ROOT)), each.command))
    return found


def test_every_command_in_the_documents_is_one_that_the_program_takes() -> None:
    refused = []
    for page, command in commands():
        try:
            build_parser().parse_args(words(command))
        except (Refusal, SystemExit) as error:
            refused.append(f"{page}: {command}: {error}")
    assert refused == []
    assert len(commands()) > 60
