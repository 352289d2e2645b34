from __future__ import annotations

from itertools import product

from engine.model.trace import Assumption
from engine.path.choices import MOST_RUNS, Choices, explore

COIN, DIE = Assumption("COIN", "which side is up"), Assumption("DIE", "which number is up")


def test_a_walk_without_a_question_is_run_once() -> None:
    runs, complete = explore(lambda _choices: "end")
    assert [(run.result, run.decisions) for run in runs] == [("end", ())]
    assert complete


def test_every_combination_is_run_once_and_in_order() -> None:
    runs, complete = explore(lambda choices: (choices.pick(2, COIN), choices.pick(3, DIE)))
    assert [run.result for run in runs] == list(product(range(2), range(3)))
    assert complete


def test_a_question_that_is_asked_on_one_branch_only_does_not_multiply_the_other() -> None:
    def walk(choices: Choices) -> tuple[int, ...]:
        side = choices.pick(2, COIN)
        return (side, choices.pick(3, DIE)) if side else (side,)

    runs, _ = explore(walk)
    assert [run.result for run in runs] == [(0,), (1, 0), (1, 1), (1, 2)]


def test_a_run_knows_what_it_rests_on() -> None:
    runs, _ = explore(lambda choices: choices.pick(2, COIN))
    assert [run.decisions for run in runs] == [((0, COIN),), ((1, COIN),)]


def test_more_runs_than_people_wait_for_are_not_made_and_the_answer_says_so() -> None:
    runs, complete = explore(lambda choices: [choices.pick(2, COIN) for _ in range(10)])
    assert len(runs) == MOST_RUNS
    assert not complete


def test_a_script_is_followed_and_option_0_is_taken_past_its_end() -> None:
    choices = Choices((1,))
    assert [choices.pick(2, COIN), choices.pick(2, COIN)] == [1, 0]
