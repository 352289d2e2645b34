"""When an answer became another one: exactly where a walk through all states finds it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterable

import pytest

from engine.change.differences import changes
from engine.explain.question import resolve
from engine.explain.survey.flip import ending
from engine.explain.survey.met import Endings, differing
from engine.explain.survey.turns import Finder, TurningPoint, turns
from engine.model.host import Snapshot
from engine.model.verdict import Question
from tests.hosts.stock import docker_world
from tests.recorder.days import day, state, timed

QUESTIONS = [(":8080", "ns:lan"), ("web:80", "db"), ("10.77.0.2:22", "web"), ("172.17.0.2:9999", "db")]


class Listed:
    """States in a list."""

    def __init__(self, states: list[Snapshot]) -> None:
        self._states = states

    def __len__(self) -> int:
        return len(self._states)

    def key(self, place: int) -> Hashable:
        return id(self._states[place])

    def snapshot(self, place: int) -> Snapshot:
        return self._states[place]

    def differing(self, one: int, other: int) -> Iterable[tuple[str, str]]:
        return differing(self._states[one], self._states[other])


def turned(states: list[Snapshot], asked: Callable[[Snapshot], Question]) -> list[TurningPoint]:
    finder = Finder(Listed(states), asked)
    return list(turns(Listed(states), [finder.of(place) for place in range(len(states))], asked))


def asking(target: str, source: str) -> Callable[[Snapshot], Question]:
    return lambda snapshot: resolve(snapshot, target, source)


@pytest.mark.parametrize(("target", "source"), QUESTIONS)
def test_the_turns_are_those_of_a_walk_through_every_state(target: str, source: str) -> None:
    seed = secrets.randbelow(1 << 30)
    states = list(day(seed, 120))
    asked = asking(target, source)
    found = list(turned(states, asked))
    shown, expected = ending(states[0], asked), []
    for place in range(1, len(states)):
        now = ending(states[place], asked)
        if now != shown and changes(states[place - 1], states[place]):
            expected.append((place, shown, now))
            shown = now
    assert [(turn.at, turn.before, turn.after) for turn in found] == expected, f"day {seed}"
    for turn in found:
        came = changes(states[turn.at - 1], states[turn.at])
        assert turn.by, f"day {seed}, state {turn.at}"
        assert set(turn.by) <= set(came), f"day {seed}, state {turn.at}"


def test_what_a_walk_did_not_meet_is_not_walked_again() -> None:
    asked = asking(":8080", "ns:lan")
    endings = Endings(asked)
    healthy = state(0)
    endings.of(healthy)
    listens_elsewhere, dropped = state(1 << 7), state(1 << 10)
    assert not endings.met((netns, name) for netns, name in differing(healthy, listens_elsewhere) if netns == "db")
    assert endings.met(differing(healthy, dropped))


def test_a_neighbour_entry_that_ages_is_no_turn() -> None:
    """While the entry of a host outside has failed the kernel gives up sooner; the model knows no haste."""

    def seen(minute: int, *, failed: bool) -> Snapshot:
        world = docker_world()
        world["host"].link("ext0")
        world["host"].address("ext0", "192.0.2.1/24")
        if failed:
            world["host"].neighbour("ext0", "192.0.2.9", None, "failed")
        return timed(world.snapshot(), minute)

    states = [seen(0, failed=False), seen(1, failed=True), seen(2, failed=False)]
    asked = asking("192.0.2.9:80", "host")
    assert ending(states[0], asked) == ending(states[1], asked)
    assert list(turned(states, asked)) == []
