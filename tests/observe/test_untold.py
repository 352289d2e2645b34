"""What nobody tells of is looked at in turns: a few namespaces at a time, for a share of a processor."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from engine.observe.watch import polling
from engine.observe.watch.polling import POLLED, Turn, Untold


class Clock:
    def __init__(self) -> None:
        self.now = self.spent = 0.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.spent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(polling, "time", made)
    return made


def seen(*names: str) -> Any:
    return SimpleNamespace(visits=dict.fromkeys(names))


def test_a_round_takes_every_namespace_once_in_its_interval(clock: Clock) -> None:
    parts: list[list[str]] = []

    def work(_told: object, look: Any, part: Collection[str]) -> Any:
        parts.append(list(part))
        return look

    names = [f"n{number}" for number in range(40)]
    turn = Turn(Untold(work, 2.0, 0.5, round=True))
    for _ in range(8):
        clock.now = turn.at
        turn.take(None, seen(*names))  # type: ignore[arg-type]  # nobody is asked
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert {len(part) for part in parts} == {5}
    assert clock.now <= 2.0 + 2.0
    turn.take(None, seen(*names[5:]))  # type: ignore[arg-type]
    assert parts[-1] == names[5:9], "one that ended is left out, and the next round begins"


def test_a_work_that_takes_long_waits_for_its_share(clock: Clock) -> None:
    def work(_told: object, look: Any, _part: Collection[str]) -> Any:
        clock.spent += 0.1
        return look

    for share, due in ((0.02, 7.0), (0.1, 4.0), (0.0001, 12.0)):
        clock.now = 0.0
        turn = Turn(Untold(work, 2.0, share))
        assert turn.at == 2.0
        clock.now = 2.0
        turn.take(None, seen())  # type: ignore[arg-type]
        assert turn.at == pytest.approx(due)


def test_all_works_together_stay_below_their_part_of_a_processor() -> None:
    assert sum(each.share for each in POLLED) < 0.025
