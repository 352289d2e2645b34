"""A sequence that is made later is the tuple of its items to everybody, and is only made when an item is asked for."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from engine.lazy import Later
from engine.model.firewall import Chain, Rule
from engine.observe.recording.codec import codec_of

NAMES = ["a", "b", "c"]


@dataclass(frozen=True)
class Rules:
    """Makes a rule of each name; `made` notes each time that it does."""

    suffix: str = ""
    made: list[int] = field(default_factory=list, compare=False)

    def __call__(self, names: Sequence[str]) -> tuple[Rule, ...]:
        self.made.append(len(names))
        return tuple(Rule(index, (), f"{name}{self.suffix}") for index, name in enumerate(names))


WHOLE = Rules()(NAMES)


def test_it_is_its_tuple_to_everybody() -> None:
    later = Later(Rules(), NAMES)
    assert later == WHOLE
    assert operator.eq(WHOLE, later)
    assert (later[0], later[-1], later[1:]) == (WHOLE[0], WHOLE[-1], WHOLE[1:])
    assert (*later,) == WHOLE
    assert (hash(later), repr(later)) == (hash(WHOLE), repr(WHOLE))
    assert WHOLE[1] in later
    assert later != WHOLE[:2]
    assert later != list(WHOLE)


@pytest.mark.parametrize("look", [lambda it: it[0], list, repr, hash, lambda it: it == WHOLE])
def test_it_is_made_once_when_somebody_looks(look: object) -> None:
    rules = Rules()
    later = Later(rules, NAMES)
    look(later)  # type: ignore[operator]
    look(later)  # type: ignore[operator]
    assert rules.made == [3]


def test_its_length_and_two_that_were_read_alike_need_no_making() -> None:
    rules, other = Rules(), Rules()
    first, second = Chain("IN", Later(rules, NAMES)), Chain("IN", Later(other, list(NAMES)))
    assert len(first.rules) == 3
    assert first == second
    assert first != Chain("IN", WHOLE[:1])
    assert bool(Later(rules, ())) is False
    assert (rules.made, other.made) == ([], [])


def test_what_was_read_otherwise_is_compared_by_its_items() -> None:
    assert Later(Rules(), NAMES) != Later(Rules("x"), NAMES)
    assert Later(Rules("x"), NAMES) == Later(Rules(), [f"{name}x" for name in NAMES])


@pytest.mark.parametrize("sent", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_it_is_sent_as_it_was_read(sent: object) -> None:
    rules = Rules()
    arrived = sent(Later(rules, NAMES))  # type: ignore[operator]
    assert rules.made == []
    assert arrived == WHOLE


def test_a_chain_of_it_is_written_and_read_as_one_of_a_tuple() -> None:
    codec = codec_of(Chain)
    written = json.dumps(codec.write(Chain("IN", Later(Rules(), NAMES))))
    assert written == json.dumps(codec.write(Chain("IN", WHOLE)))
    assert codec.read(json.loads(written)) == Chain("IN", Later(Rules(), NAMES))
