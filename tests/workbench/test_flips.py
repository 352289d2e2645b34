"""What made an answer another one: never a guess, on a busy host neither, and an own fix by its name."""

from __future__ import annotations

from functools import partial

import pytest

from engine.change import applied
from engine.change.differences import Difference, How, changes
from engine.change.rule import DeleteRule
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Netns, Snapshot
from engine.model.verdict import Question
from engine.records import replace
from tests.hosts.stock import docker_world
from workbench.session import flips
from workbench.session.flips import FlipCause, OwnFix, flipping

DROP = "-i up0 -p tcp -m tcp --dport 80 -j DROP"


def asked(snapshot: Snapshot) -> Question:
    return resolve(snapshot, ":8080", "ns:lan")


def crowd(snapshot: Snapshot, first: int, count: int = 50) -> Snapshot:
    """The snapshot with other namespaces of the machine, as they come and go."""
    others = tuple(
        Netns(f"netns-{number}", inode=5_000_000 + number, path=f"/run/netns/o{number}", sysctls={"net.a": number})
        for number in range(first, first + count)
    )
    return replace(snapshot, namespaces=(*others, *snapshot.namespaces))


def hosts() -> tuple[Snapshot, Snapshot]:
    return docker_world().snapshot(), docker_world(user=[DROP]).snapshot()


@pytest.mark.parametrize("rounds", [1, 2])
def test_among_fifty_changes_a_second_the_rule_is_the_cause(rounds: int) -> None:
    healthy, broken = hosts()
    before, after = crowd(healthy, 0, 50 * rounds), crowd(broken, 50 * rounds, 50 * rounds)
    found = changes(before, after)
    assert len(found) > 100 * rounds
    cause = flipping((before, after), found, asked)
    assert cause.among == 0
    (line,) = cause.changed
    assert DROP in line


def test_a_cause_that_is_not_found_in_time_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "PATIENCE", -1.0)
    healthy, broken = hosts()
    before, after = crowd(healthy, 0), crowd(broken, 50)
    found = changes(before, after)
    cause = flipping((before, after), found, asked)
    assert cause.among == len(found)
    assert [DROP in line for line in cause.changed] == [True]
    assert cause.words.startswith(f"one of {len(found)} changes; this one touches the path: rule ")


def test_where_no_change_touches_the_path_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "PATIENCE", -1.0)
    healthy, broken = hosts()
    others = [Difference(How.ADDED, "namespace", f"n{number}", f"n{number}") for number in range(96)]
    cause = flipping((healthy, broken), others, asked)
    assert cause == FlipCause((), among=96)
    assert cause.words == "one of 96 changes; none of them is known to touch the path"


def test_an_own_fix_is_named_as_such_and_so_is_its_undoing() -> None:
    _, broken = hosts()
    fix = ask(broken, asked(broken)).causes[0].fixes[0]
    mended = crowd(applied(broken, fix.plan.changes), 50)
    own = OwnFix(fix.title, fix.plan.changes)
    forth = partial(flipping, (crowd(broken, 0), mended), changes(crowd(broken, 0), mended), asked)
    assert forth(own=[own]).words == f"your fix: {fix.title}"
    back = flipping((mended, crowd(broken, 90)), (), asked, own=[replace(own, applied=False)])
    assert back.words == f"your fix undone: {fix.title}"
    other = OwnFix("delete another rule", tuple(c for c in fix.plan.changes if isinstance(c, DeleteRule)))
    assert "your fix" not in forth(own=[other]).words
