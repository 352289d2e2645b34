"""What people do with the workbench, in a real terminal: how many keys each takes, and how many seconds.

    python -m bench.journeys

Each journey runs the program in a terminal of tmux and types as a person would who knows the keys: the next key comes
when the screen says what the last one led to. The seconds are from the first key (or the program's start) to the last
words, those of the tmux calls among them; a screen is read every `STEP` seconds. It builds labs of its own and removes
them. Needs root, tmux and iptables-nft.
"""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PORTSCOPE = str(Path(sys.executable).with_name("portscope"))
STEP, PATIENCE = 0.02, 30.0
#: A key or several, and the words that are on the screen when they have done what they do ("-" first: that are gone).
Move = tuple[str, str]


@dataclass
class Terminal:
    """A terminal of 120x36 with a program in it."""

    command: str
    name: str = field(default_factory=lambda: f"journey-{secrets.token_hex(3)}")

    def __enter__(self) -> Terminal:
        self._tmux("new-session", "-d", "-s", "main", "-x", "120", "-y", "36", f"{self.command}; exec cat")
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def press(self, keys: str) -> None:
        """Types keys, separated by blanks, in the names of tmux(1)."""
        self._tmux("send-keys", "-t", "main", *keys.split())

    def until(self, words: str) -> None:
        """Waits for words on the screen. Raises TimeoutError with the screen where they do not come."""
        end = time.monotonic() + PATIENCE
        wanted = words.removeprefix("-")
        while (wanted in (screen := self.screen())) == words.startswith("-"):
            if time.monotonic() > end:
                raise TimeoutError(f"no {words!r} on the screen:\n{screen}")
            time.sleep(STEP)

    def screen(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p", "-t", "main")

    def _tmux(self, *words: str) -> str:
        return subprocess.run(("tmux", "-L", self.name, *words), capture_output=True, text=True, check=False).stdout


def walk(terminal: Terminal, moves: list[Move]) -> tuple[int, float]:
    """Does the moves one after the other. The keys, and the seconds."""
    start = time.monotonic()
    count = 0
    for keys, words in moves:
        count += len(keys.split())
        terminal.press(keys)
        terminal.until(words)
    return count, time.monotonic() - start


def tell(journey: str, keys: int, seconds: float) -> None:
    """One row of the table."""
    print(f"| {journey} | {keys} | {seconds:.1f} |", flush=True)


def started(journey: str, terminal: Terminal, words: str) -> None:
    """From the program's start to these words."""
    start = time.monotonic()
    terminal.until(words)
    tell(journey, 0, time.monotonic() - start)


@contextmanager
def lab(text: str) -> Iterator[str]:
    """A lab of a file's text; its name."""
    name = f"jy{secrets.token_hex(2)}"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(f"name: {name}\n{text}")
        file.flush()
        run("lab", "up", file.name)
    try:
        yield name
    finally:
        run("lab", "down", name)


def run(*words: str) -> None:
    """A command of portscope's. Raises CalledProcessError."""
    subprocess.run((PORTSCOPE, *words), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


SHOP = """
services:
  web: {networks: [front], expose: [80], ports: ["8080:80"]}
  db: {networks: [back], expose: [5432], ports: ["5432:5432"]}
networks: {front: {}, back: {}}
x-lab: {layout: docker-26, outside: {lan: {}}}
"""


def demo() -> None:
    """Fault, fix, undo, end."""
    with Terminal(f"{PORTSCOPE} demo") as screen:
        started("demo: to the answer", screen, "NOT REACHABLE")
        tell("demo: fix", *walk(screen, [("a", "side effects"), ("a", "✓ REACHABLE")]))
        tell("demo: undo", *walk(screen, [("z", "NOT REACHABLE")]))
        tell("demo: quit", *walk(screen, [("q", "-NOT REACHABLE")]))


def on_a_host() -> None:
    """A host of two containers: questions, flips, surveys."""
    with lab(SHOP) as name:
        enter = f"ip netns exec {name}-host "
        rule = shlex.split(f"{enter}iptables -I DOCKER-USER -p tcp --dport 80 -j DROP")
        subprocess.run(rule, check=True)
        with Terminal(f"{enter}{PORTSCOPE}") as screen:
            started("host: to the board with its causes", screen, "✗")
            tell("host: the worst port's cause, rule and fix", *walk(screen, [("Enter", "DOCKER-USER 1")]))
            start = time.monotonic()
            subprocess.run([word if word != "-I" else "-D" for word in rule], check=True)
            screen.until("✓ REACHABLE")
            tell("host: a rule is deleted outside, to the flip", 0, time.monotonic() - start)
            forward = f"{enter}sysctl -qw net.ipv4.ip_forward="
            start = time.monotonic()
            subprocess.run(shlex.split(f"{forward}0"), check=True)
            screen.until("NOT REACHABLE")
            tell("host: ip_forward=0 outside, to the flip", 0, time.monotonic() - start)
            subprocess.run(shlex.split(f"{forward}1"), check=True)
            screen.until("✓ REACHABLE")
            tell(
                "host: another question by the prompt", *walk(screen, [("w", "proto"), ("5 4 3 2 Enter", ":5432/tcp")])
            )
            tell("host: from everywhere", *walk(screen, [("e", "from all vantage points")]))
            walk(screen, [("Escape", "-esc closes")])
            tell("host: all ports", *walk(screen, [("m", "Who reaches what")]))
            walk(screen, [("Escape", "-esc closes")])
            tell("host: timeline", *walk(screen, [("t", "the first snapshot")]))
            walk(screen, [("Escape", "-esc closes")])
            tell("host: what if a rule were off", *walk(screen, [("2", "2 NAT"), ("Space", "what if")]))


def labs() -> None:
    """Labs by menu: from the gallery, and by the form."""
    with Terminal(PORTSCOPE) as screen:
        screen.until("live")
        moves = [("n", "the gallery"), ("g", "docker29 "), ("j j", "▶  docker29"), ("Enter", "$ "), ("a", "is up")]
        tell("gallery: to a lab that is up", *walk(screen, moves))
        tell(
            "lab: break it",
            *walk(screen, [("b", "reject-admin"), ("Enter", "Break lab docker29:"), ("a", "NOT REACHABLE")]),
        )
        tell(
            "lab: fix it", *walk(screen, [("n", "remove all faults"), ("m", "Fix lab docker29"), ("a", "✓ REACHABLE")])
        )
        tell("lab: remove it", *walk(screen, [("n", "Remove it"), ("D", "$ "), ("a", "this host")]))
        form = [("n", "the gallery"), ("n", "rules as of"), ("C-s", "$ "), ("a", "lab shop  ⟳")]
        tell("own lab by the form: to a lab that is up", *walk(screen, form))
        walk(screen, [("n", "Remove it"), ("D", "$ "), ("a", "this host")])


def main() -> None:
    """All journeys, as a table."""
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        print("| journey | keys | seconds |\n| --- | --- | --- |")
        journeys: list[Callable[[], None]] = [demo, on_a_host, labs]
        try:
            for journey in journeys:
                journey()
        finally:
            for name in ("docker29", "shop"):
                subprocess.run((PORTSCOPE, "lab", "down", name), capture_output=True, check=False)


if __name__ == "__main__":
    main()
