"""What the endings of a question's branches come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from engine.explain.search.endings import Endings, reach_of
from engine.model.trace import Symptom
from engine.model.verdict import Reach


@dataclass(frozen=True)
class Case:
    endings: tuple[tuple[Symptom, bool], ...]
    reach: Reach


@pytest.mark.parametrize(
    "case",
    [
        Case(((Symptom.CONNECTED, False),), Reach.YES),
        Case(((Symptom.REFUSED, False),), Reach.NO),
        Case(((Symptom.CONNECTED, False), (Symptom.TIMEOUT, False)), Reach.DEPENDS),
        Case(((Symptom.REFUSED, False), (Symptom.TIMEOUT, False)), Reach.DEPENDS),
        Case(((Symptom.TIMEOUT, True),), Reach.DEPENDS),
    ],
    ids=str,
)
def test_one_answer_is_certain_and_two_are_none(case: Case) -> None:
    assert reach_of(cast(Endings, dict.fromkeys(case.endings))) is case.reach
