"""What changed between two moments, and which of the changes flips the answer."""

from __future__ import annotations

from functools import partial
from threading import Event

import pytest

from engine.change.differences import changes
from engine.model.host import Snapshot
from tests.hosts.stock import docker_world
from tests.workbench.screen import ASK
from workbench.session.comparing import Part, compare
from workbench.session.engine import Engine
from workbench.session.flips import FlipCause, asked, flipping
from workbench.session.stopping import Stopped

DROP = "-p tcp -m tcp --dport 80 -j DROP"


def moments(*more: str) -> tuple[Snapshot, Snapshot]:
    """A host before and after the drop, with rules beside it that decide nothing."""
    return docker_world().snapshot(), docker_world(user=(*more, DROP)).snapshot()


def words(before: Snapshot, after: Snapshot, *, asked: bool = True, stop: Event | None = None) -> list[str]:
    part = Part("here", changes(before, after), before, after)
    told: list[tuple[int, int]] = []
    found = compare([part], ASK if asked else None, Engine().resolve, lambda *how: told.append(how), stop or Event())
    assert bool(told) is asked
    return [line.words.strip() for line in found.lay(100)]


def test_the_change_that_flips_the_answer_is_named_among_the_others() -> None:
    lines = words(*moments("-p udp -j RETURN"))
    assert lines[:3] == [
        "here",
        f"⇄ the answer flips: {ASK.words}",
        f"by + rule -A DOCKER-USER {DROP} of filter/DOCKER-USER added in host",
    ]
    assert sum(line.startswith("+ rule") for line in lines[3:]) == 2


def test_without_a_question_or_a_flip_only_the_changes_are_told() -> None:
    assert not any("flips" in line for line in words(*moments(), asked=False))
    before = docker_world().snapshot()
    after = docker_world(user=("-p udp -j RETURN",)).snapshot()
    part = Part("here", changes(before, after), before, after)
    same = compare([part], ASK, Engine().resolve, lambda *_: None, Event()).lay(100)
    assert not any("flips" in line.words for line in same)


def test_the_search_can_be_stopped() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        words(*moments(), stop=stop)


def test_a_flip_is_told_with_the_change_that_did_it_or_with_those_on_the_path() -> None:
    before, after = moments("-p udp -j RETURN")
    both = changes(before, after)
    question = partial(asked, Engine().resolve, ASK)
    (did,) = flipping((before, after), both, question).changed
    assert did == f"rule -A DOCKER-USER {DROP} of filter/DOCKER-USER added in host"
    assert len(both) == 2
    assert flipping((before, after), both, question, lambda: True) == FlipCause(tuple(map(str, both)), among=2)
