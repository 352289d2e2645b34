"""What the endings of a question's branches come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from engine.explain.search.endings import Endings, QuestionEnding, reach_of
from engine.model.trace import Symptom
from engine.model.verdict import Reach


@dataclass(frozen=True)
class Case:
    endings: tuple[QuestionEnding, ...]
    reach: Reach


@pytest.mark.parametrize(
    "case",
    [
        Case((QuestionEnding(Symptom.CONNECTED, False, True),), Reach.YES),
        Case((QuestionEnding(Symptom.REFUSED, False, False),), Reach.NO),
        Case(
            (QuestionEnding(Symptom.CONNECTED, False, True), QuestionEnding(Symptom.TIMEOUT, False, False)),
            Reach.DEPENDS,
        ),
        Case(
            (QuestionEnding(Symptom.REFUSED, False, False), QuestionEnding(Symptom.TIMEOUT, False, False)),
            Reach.DEPENDS,
        ),
        Case((QuestionEnding(Symptom.TIMEOUT, True, False),), Reach.DEPENDS),
        Case((QuestionEnding(Symptom.CONNECTED, False, False),), Reach.NO),
    ],
    ids=str,
)
def test_one_answer_is_certain_and_two_are_none(case: Case) -> None:
    assert reach_of(cast(Endings, dict.fromkeys(case.endings))) is case.reach
