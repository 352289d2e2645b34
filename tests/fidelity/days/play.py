"""A random day on a real host with a recorder beside it, and what `when` says of it compared with what clients saw.

1. One thing after the other becomes so, or is so no more. After each the recorder is waited for: a change that the
   kernel notifies of must be in the store within `NOTIFIED` seconds, one that is looked for within `LOOKED_FOR`.
2. Real clients connect where a combination of what decides is new, and at random again: the answers are the truth.
3. Where the truth before and after a change differs, `when` must have a flip while that change was seen, from the one
   to the other, with the change among its own. Where it is the same, `when` must have none that stays.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.recorder.errors import StoreError
from engine.recorder.history import History
from tests.fidelity.days.toggles import Toggle, toggles
from tests.harness.netns import DIE_WITH_US, World
from tests.harness.probe import probe
from tests.harness.scenes import build
from tests.scenarios.scenario import read_all

ROOT = Path(__file__).parents[3]
TARGET, PORT = "10.77.0.1", 8080
#: Seconds within which a change is in the store.
NOTIFIED, LOOKED_FOR = 1.0, 5.0
#: One combination in so many that are known is tried by a client again.
AGAIN = 25
#: Seconds between two changes: what comes closer may be one state of the watch.
APART = 0.3
#: Things that decide which are so at once.
MOST_AT_ONCE = 2


@dataclass(frozen=True)
class Step:
    """One change: its words, from when to when it was made and seen, and what clients saw before and after it."""

    name: str
    words: tuple[str, ...]
    begun: datetime
    seen: datetime
    before: str
    after: str


@dataclass
class Day:
    """What happened. `late` are changes that were not in the store in time, `wrong` what `when` says otherwise."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    flips: int = 0
    connects: int = 0
    store: int = 0

    @property
    def expected(self) -> int:
        """The changes at which the truth became another one."""
        return sum(step.before != step.after for step in self.steps)


def play(count: int, seed: int, folder: Path) -> Day:
    """Plays a day of so many changes with a store in `folder`, and compares."""
    day = Day(seed)
    scenario = next(each for each in read_all() if each.name == "published-nft")
    bare = (replace(each, listeners=()) if each.name == "web" else each for each in scenario.namespaces)
    scenario = replace(scenario, namespaces=tuple(bare))
    with World() as world:
        scene = build(world, scenario)
        known = toggles(world, scene)
        host = scene.netns["host"]
        host.quicken("br0")
        argv = host.enter([*DIE_WITH_US, sys.executable, "-m", "workbench.start", "record", "--store", str(folder)])
        recorder = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            assert recorder.stderr is not None
            recorder.stderr.readline()
            _Player(day, known, folder, scene.netns["lan"].path).play(count)
        finally:
            recorder.terminate()
            recorder.wait(timeout=60)
            assert recorder.stderr is not None
            recorder.stderr.close()
        words = [
            "when",
            f"{TARGET}:{PORT}",
            "--from",
            f"ns:{scene.netns['lan'].name}",
            "--store",
            str(folder),
            "--json",
        ]
        done = subprocess.run(
            host.enter([sys.executable, "-m", "workbench.start", *words]),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    judge(day, json.loads(done.stdout)["flips"])
    day.store = sum(each.stat().st_size for each in folder.glob("store.db*"))
    return day


class _Player:
    """Makes the changes."""

    def __init__(self, day: Day, known: dict[str, Toggle], folder: Path, client: str) -> None:
        self._day, self._toggles, self._folder, self._client = day, known, folder, client
        self._dice = random.Random(day.seed)
        self._so: set[str] = set()
        self._truth: dict[frozenset[str], str] = {}

    def play(self, count: int) -> None:
        self._until("", 0, datetime.now(UTC), 60.0)
        before = self._asked()
        for _ in range(count):
            name = self._next()
            toggle = self._toggles[name]
            number, begun = self._last(), datetime.now(UTC)
            made = (toggle.off if name in self._so else toggle.on)()
            self._so ^= {name}
            if made is False:
                time.sleep(APART)
                before = self._asked()
                continue
            limit = LOOKED_FOR if toggle.looked_for else NOTIFIED
            if not self._until(toggle.words, number, datetime.now(UTC), limit):
                self._day.late.append(f"{name} at {begun:%H:%M:%S.%f}")
                self._until(toggle.words, number, datetime.now(UTC), 30.0)
            time.sleep(APART)
            after = self._asked()
            self._day.steps.append(
                Step(name, tuple(filter(None, (toggle.words, toggle.also))), begun, datetime.now(UTC), before, after)
            )
            before = after

    def _next(self) -> str:
        """What is toggled next: of what decides only a few things are so at a time, or nothing would ever connect."""
        deciding = [name for name in self._so if self._toggles[name].decides]
        name = self._dice.choice(list(self._toggles))
        if self._toggles[name].decides and name not in self._so and len(deciding) >= MOST_AT_ONCE:
            return self._dice.choice(sorted(deciding))
        return name

    def _last(self) -> int:
        with History(self._folder) as history:
            return history.moments[-1].number

    def _until(self, words: str, number: int, since: datetime, limit: float) -> bool:
        """Waits until a moment after the one of that number has a change with these words."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                with History(self._folder) as history:
                    new = [each for each in history.moments if each.number > number]
                    if any(words in str(change) for each in new for change in history.changes(each)) or (
                        new and not words
                    ):
                        self._day.delays.append((datetime.now(UTC) - since).total_seconds())
                        return True
            except StoreError:
                pass  # the recorder has not begun yet
            time.sleep(0.01)
        return False

    def _asked(self) -> str:
        """What a client sees now: asked where that is not known, and now and then again."""
        combination = frozenset(name for name in self._so if self._toggles[name].decides)
        if combination in self._truth and self._dice.randrange(AGAIN):
            return self._truth[combination]
        self._day.connects += 1
        seen = probe(self._client, TARGET, PORT, seconds=3.0).symptom
        if _heard(self._truth.setdefault(combination, seen)) != _heard(seen):
            self._day.wrong.append(
                f"a client sees {seen} with {sorted(combination)}, and saw {self._truth[combination]}"
            )
        return self._truth[combination]


def judge(day: Day, flips: Sequence[dict[str, Any]]) -> None:
    """Compares the flips with the truth."""
    day.flips = len(flips)
    left = [(datetime.fromisoformat(flip["at"]), flip) for flip in flips]
    for step in day.steps:
        own = [flip for at, flip in left if step.begun <= at <= step.seen]
        before, after = (_words(each) for each in (step.before, step.after))
        what = f"{step.name} at {step.begun:%H:%M:%S.%f} ({before} to {after})"
        if not own:
            if _heard(before) != _heard(after):
                day.wrong.append(f"{what}: no flip")
            continue
        if (_heard(own[0]["before"]), _heard(own[-1]["after"])) != (_heard(before), _heard(after)):
            day.wrong.append(f"{what}: {own[0]['before']} to {own[-1]['after']}")
        elif before != after and not _named(step, own):
            day.wrong.append(f"{what}: by {[change['text'] for flip in own for change in flip['changes']]}")
    inside = sum(any(step.begun <= at <= step.seen for step in day.steps) for at, _ in left)
    if inside != len(left):
        day.wrong.append(f"{len(left) - inside} flips at times at which nothing was changed")


def _named(step: Step, flips: Sequence[dict[str, Any]]) -> bool:
    """Whether one of the flips has the change among its own."""
    texts = [change["text"] for flip in flips for change in flip["changes"]]
    return any(words in text for words in step.words for text in texts)


def _heard(words: str) -> str:
    """What a client hears: nothing, or something. For how long a neighbour is remembered that does not answer any more
    decides between a timeout and host-unreachable, and passes by itself."""
    return "nothing" if words in ("timeout", "host-unreachable") else words


def _words(symptom: str) -> str:
    return "reachable" if symptom == "connected" else symptom
