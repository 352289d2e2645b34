"""The workbench in a real terminal (tmux), from start to end: what Pilot, which has no terminal, cannot see."""

import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.lab import breaking, faults, lifecycle
from engine.observe.recording.snapshot_file import dumps
from tests.harness.needs import require
from tests.workbench.plain_host import plain_host

ROOT = Path(__file__).parents[2]
#: Seconds for something to come on the screen, or to go.
PATIENCE = 30.0


class Terminal:
    """A tmux server of its own with one window, in which a shell runs one command and then stays."""

    def __init__(self, folder: Path) -> None:
        self._tmux = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]

    def start(self, *words: str, columns: int = 120, rows: int = 36, within: str = "") -> None:
        enter = ("ip", "netns", "exec", within) if within else ()
        command = shlex.join([*enter, "env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "workbench.start", *words])
        self._run("new-session", "-d", "-x", str(columns), "-y", str(rows), f"{command}; echo ended $?; exec cat")

    def type(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def screen(self, *options: str) -> str:
        return self._run("capture-pane", "-p", *options)

    def shows(self, text: str) -> None:
        """Waits until the text is on the screen."""
        wait(lambda: text in self.screen(), lambda: f"{text!r} is not on the screen:\n{self.screen()}")

    def lacks(self, *texts: str) -> None:
        """Waits until none of the texts is on the screen."""

        def gone() -> bool:
            screen = self.screen()
            return not any(text in screen for text in texts)

        wait(gone, lambda: f"one of {texts} is still on the screen:\n{self.screen()}")

    def close(self) -> None:
        self._run("kill-server", check=False)

    def _run(self, *words: str, check: bool = True) -> str:
        env = {**os.environ, "SHELL": "/bin/sh"}  # not the user's own, which may be any
        return subprocess.run([*self._tmux, *words], env=env, check=check, capture_output=True, text=True).stdout


def wait(condition: Callable[[], bool], failure: Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, failure()
        time.sleep(0.05)


@pytest.fixture
def terminal(tmp_path) -> Iterator[Terminal]:
    require("tmux")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


@pytest.fixture
def demos(tmp_path, monkeypatch) -> Callable[[], set[str]]:
    """The namespaces of demo labs that came since the test began."""
    require("ip", "nft", "iptables-nft", root=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / f"state-{secrets.token_hex(2)}"))

    def seen() -> set[str]:
        return {name for name in os.listdir("/run/netns") if name.startswith("demo")}

    os.makedirs("/run/netns", exist_ok=True)
    before = seen()
    return lambda: seen() - before


def test_a_saved_host_opens_and_closes(terminal, tmp_path):
    path = tmp_path / "host.json"
    path.write_text(dumps(plain_host()))
    terminal.start("open", str(path))
    terminal.shows("Topology")
    terminal.type("q")
    terminal.shows("ended 0")


@pytest.mark.parametrize(("columns", "rows"), [(120, 36), (80, 24)])
def test_the_demo_shows_its_answer_and_is_gone_after_q(terminal, demos, columns, rows):
    terminal.start("demo", columns=columns, rows=rows)
    terminal.shows("DOCKER-USER")
    assert len(demos()) == 5
    terminal.type("q")
    terminal.shows("ended 0")
    assert demos() == set()


def test_the_demo_is_mended_by_its_fix_and_broken_again_by_taking_it_back(terminal, demos, tmp_path):
    terminal.start("demo")
    terminal.shows("NOT REACHABLE")
    terminal.type("w")
    terminal.shows("enter asks")
    terminal.type("Enter")
    # The prompt goes and the header says that it asks in one step; until the answer is there, `a` only says that.
    terminal.lacks("enter asks", "asking …")
    terminal.type("a")
    terminal.shows("Apply fix")
    terminal.shows("-I DOCKER-USER 1")
    terminal.type("a")
    terminal.shows("✓ REACHABLE")
    terminal.type("z")
    terminal.shows("✗ NOT REACHABLE")
    terminal.type("@")
    terminal.shows("Command log")
    terminal.type("q")
    terminal.lacks("Command log")
    terminal.type("q")
    terminal.shows("ended 0")
    assert demos() == set()
    (log,) = tmp_path.glob("state-*/portscope/commands.log")
    done, back = [line for line in log.read_text().splitlines() if not line.startswith((": verified", ": not"))]
    assert "iptables-nft -t filter -I DOCKER-USER 1" in done
    assert "iptables-nft -t filter -D DOCKER-USER" in back


@pytest.fixture
def host(tmp_path, monkeypatch) -> Iterator[str]:
    """A host with a published port that a rule closes: the namespace of a lab's host, opened as any host is."""
    require("ip", "nft", "iptables-nft", root=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "labs"))
    name = f"wb{secrets.token_hex(3)}"
    draft = lifecycle.draft(f"name: {name}\nservices: {{web: {{ports: ['8080:80']}}}}\n", "test")
    try:
        lifecycle.up(draft)
        breaking.break_lab(draft, faults.find("docker-user-drop"))
        yield draft.lab.host
    finally:
        lifecycle.down(name)


def test_on_a_host_a_fix_is_accepted_twice_carried_out_and_taken_back(terminal, host):
    terminal.start("--write", within=host)
    terminal.shows("cannot be reached")
    terminal.type("Enter")  # the first row of the board
    terminal.shows("✗ NOT REACHABLE")
    terminal.type("a")
    terminal.shows("Apply fix")
    terminal.shows("-I DOCKER-USER 1")
    terminal.type("a")
    terminal.shows("This changes the host")
    terminal.type("a")
    terminal.shows("✓ REACHABLE")
    terminal.type("z")
    terminal.shows("✗ NOT REACHABLE")
    terminal.type("q")
    terminal.shows("ended 0")


def test_the_demo_is_gone_when_its_terminal_goes(terminal, demos):
    terminal.start("demo")
    terminal.shows("DOCKER-USER")
    assert demos()
    terminal.close()
    wait(lambda: not demos(), lambda: f"still there: {demos()}")


def test_colours_come_with_a_terminal(terminal, tmp_path):
    path = tmp_path / "host.json"
    path.write_text(dumps(plain_host()))
    question = ("why", "10.77.0.1:8080", "--from", "ns:lan", "--snapshot", str(path))
    terminal.start(*question)
    terminal.shows("ended 0")
    assert "\x1b[1m" in terminal.screen("-e", "-S", "-")
