"""Classes of `engine.records` beside the same ones of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from engine import records


def made_by(library: Any, slots: bool) -> Any:
    field = library.field

    @library.dataclass(frozen=True, slots=slots)
    class Port:
        number: int
        name: str = ""
        seen: dict[str, int] = field(default_factory=dict, compare=False)
        known: list[int] = field(default_factory=list, init=False, compare=False)

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("no such port")

    return Port


@pytest.fixture(params=(True, False), ids=("slots", "dict"))
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return made_by(records, request.param), made_by(dataclasses, request.param)


def test_values_are_equal_hash_and_show_alike(both: tuple[Any, Any]) -> None:
    ours, theirs = both
    for arguments in ((80,), (80, "http"), (80, "http", {"a": 1})):
        assert repr(ours(*arguments)) == repr(theirs(*arguments))
        assert hash(ours(*arguments)) == hash(theirs(*arguments))
    assert ours(80, seen={"a": 1}) == ours(80) != ours(81)
    assert ours(80) != theirs(80)
    assert ours(80).__eq__(80) is NotImplemented
    assert ours(80).seen is not ours(80).seen
    assert ours.__match_args__ == theirs.__match_args__
    assert [(each.name, each.init, each.compare) for each in fields(ours)] == [
        (each.name, each.init, each.compare) for each in fields(theirs)
    ]


def test_a_value_does_not_change_and_refuses_to_be_wrong(both: tuple[Any, Any]) -> None:
    for kind in both:
        value = kind(80)
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
            value.name = "x"
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
            del value.name
        with pytest.raises(ValueError, match="no such port"):
            replace(value, number=-1)
        for wrong in ((), (1, "a", {}, 4)):
            with pytest.raises(TypeError, match="__init__"):
                kind(*wrong)
        assert replace(value, name="y") == kind(80, "y")


@records.dataclass(frozen=True, slots=True)
class Kept:
    """One that pickle finds by its name."""

    one: int
    two: tuple[str, ...] = ()


@records.dataclass(frozen=True)
class Alone:
    """The same with a single field."""

    one: int


@pytest.mark.parametrize("value", [Kept(1, ("a",)), Alone(2)], ids=repr)
def test_copies_are_equal(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    assert dataclasses.asdict(value) == {each.name: getattr(value, each.name) for each in fields(value)}


@records.dataclass(frozen=True, slots=True)
class Told:
    """One whose text is made late."""

    one: int
    text: str = records.field(metadata=records.LATE)


@pytest.mark.parametrize(
    "look", [lambda it: it.text, repr, hash, lambda it: it == Told(1, "x"), pickle.dumps, lambda it: replace(it, one=2)]
)
def test_a_late_field_is_made_once_when_somebody_asks(look: Any) -> None:
    made: list[int] = []

    def text(number: int) -> str:
        made.append(number)
        return "x"

    value, other = Told(1, (text, 7)), Told(2, (text, 8))  # type: ignore[arg-type]
    look(value)
    look(value)
    assert (value.text, value) == ("x", Told(1, "x"))
    assert made == [7]
    assert other.one == 2
    with pytest.raises(FrozenInstanceError):
        value.text = "y"  # type: ignore[misc]


def test_a_value_with_a_late_field_is_as_one_without() -> None:
    late = Told(1, (str, 5))  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(late)) == copy.deepcopy(late) == Told(1, "5")
    assert (hash(late), repr(late)) == (hash(Told(1, "5")), repr(Told(1, "5")))
    assert dataclasses.asdict(late) == {"one": 1, "text": "5"}
    assert replace(late, one=3) == Told(3, "5")


def test_a_thread_that_asks_while_another_has_the_answer_gets_it_too() -> None:
    """Snapshots are read side by side, and each reader asks the standard library about the same nouns."""

    @records.dataclass(frozen=True)
    class Port:
        number: int

    late = vars(Port)["__dataclass_fields__"]
    assert [each.name for each in fields(Port)] == ["number"]
    assert list(late.__get__(None, Port)) == ["number"]
