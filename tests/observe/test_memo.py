"""A memo calls its function once for each argument, and begins anew when it is full."""

from __future__ import annotations

import pytest

from engine.observe.base.memo import Memo


def test_each_argument_is_asked_for_once_until_the_memo_is_full() -> None:
    asked: list[int] = []

    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    memo = Memo(double, limit=2)
    assert [memo[number] for number in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert asked == [1, 2]
    assert [memo[number] for number in (3, 1)] == [6, 2]
    assert asked == [1, 2, 3, 1]
    assert len(memo) == 2


def test_what_raises_is_asked_for_again() -> None:
    memo = Memo(int)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            memo["x"]
    assert memo == {}
