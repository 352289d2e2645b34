"""An answer has a budget: rules that jump round, nest too deep or are too many end in "could not tell", and soon."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.model.trace import Outcome
from engine.model.verdict import Reach, Verdict
from engine.path.budget import SHARE, Budget, OutOfBudget
from tests.explain.hosts import behind_rules
from views.reports.answer_text import render


def jumps(levels: int, each: int) -> str:
    """A chain of chains, each with so many jumps to the next one; the last one is empty, and then all is accepted."""
    chains = [f":C{number} - [0:0]" for number in range(levels)]
    rules = ["-A FORWARD -j C0"]
    rules += [f"-A C{number} -j C{number + 1}" for number in range(levels - 1) for _ in range(each)]
    head = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    return "\n".join([*head, *chains, *rules, "-A FORWARD -j ACCEPT", "COMMIT", ""])


def answer(snapshot: Snapshot) -> Verdict:
    return ask(snapshot, resolve(snapshot, "web:80", "ns:shop-lan"))


@pytest.mark.parametrize("backend", [Backend.XT_LEGACY, Backend.XT_NFT])
def test_more_jumps_than_can_be_followed_are_no_certain_answer(backend: Backend) -> None:
    verdict = answer(behind_rules(jumps(13, 10), backend))
    assert verdict.reach is Reach.DEPENDS
    assert verdict.conversation.forward.outcome is Outcome.UNKNOWN
    (cause,) = verdict.causes
    assert cause.code == "INFO_UNEXPLAINED"
    assert "too many rules to follow" in cause.sentence
    assert cause.at.text.startswith("-A C")
    assert len(render(verdict).splitlines()) < 300


def test_few_jumps_are_followed() -> None:
    assert answer(behind_rules(jumps(13, 1), Backend.XT_NFT)).reach is Reach.YES


def test_rules_in_a_circle_are_no_certain_answer() -> None:
    circle = jumps(2, 2).replace("-A FORWARD -j ACCEPT", "-A C1 -j C0\n-A C1 -j C0\n-A FORWARD -j ACCEPT")
    assert answer(behind_rules(circle, Backend.XT_LEGACY)).reach is Reach.DEPENDS


@pytest.mark.parametrize(("backend", "levels", "reach"), [
    (Backend.XT_NFT, 15, Reach.YES),
    (Backend.XT_NFT, 16, Reach.DEPENDS),
    (Backend.XT_LEGACY, 16, Reach.YES),
    (Backend.XT_LEGACY, 300, Reach.YES),
])  # fmt: skip
def test_nf_tables_takes_fifteen_levels_of_jumps_and_legacy_iptables_any(
    backend: Backend, levels: int, reach: Reach
) -> None:
    verdict = answer(behind_rules(jumps(levels, 1), backend))
    assert verdict.reach is reach
    assert any("16 levels" in cause.sentence for cause in verdict.causes) == (reach is Reach.DEPENDS)


def test_a_search_that_takes_too_long_still_names_the_rule() -> None:
    listed = "".join(f"-A FORWARD -m recent --name r{number} --rcheck -j DROP\n" for number in range(40))
    text = jumps(1, 1).replace("-A FORWARD -j ACCEPT\n", f"{listed}-A FORWARD -p tcp -m tcp --dport 80 -j DROP\n")
    verdict = answer(behind_rules(text, Backend.XT_LEGACY))
    assert verdict.reach is not Reach.YES
    assert verdict.causes


def test_a_walk_that_is_out_of_budget_says_so_and_a_search_raises() -> None:
    budget = Budget(10)
    assert budget.spend(10)
    assert not budget.spend(1)
    budget.search()
    assert budget.spend(10)
    with pytest.raises(OutOfBudget):
        budget.spend(1)


@pytest.mark.parametrize("answers", [1, 2, 3, 10, 10_000])
def test_many_answers_share_what_they_cost(answers: int) -> None:
    share = Budget.part_of(answers).share
    assert SHARE / 10 <= share <= SHARE
    assert answers > 10 or share * answers <= 2 * SHARE
