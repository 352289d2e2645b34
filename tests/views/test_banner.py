from dataclasses import replace

import pytest

from engine.model.trace import Symptom
from engine.model.verdict import Reach, Supposition
from tests.views.hosts import connected_verdict, dropped_verdict
from views.text import cells
from views.verdict.banner import COMMAND_LINES, banner_lines

KEYS = "[a] apply  [y] copy"


def words(width: int = 160, **changed: object) -> list[str]:
    return [line.words for line in banner_lines(replace(dropped_verdict(), **changed), width, KEYS)]


def test_verdict_question_sentence_and_command_with_its_keys_are_there_whole() -> None:
    head, sentence, fix = words()
    assert head == " ✗ NOT REACHABLE  lan → 10.77.0.1:8080/tcp   timeout: the client gets no answer and gives up"
    assert sentence == f"   {dropped_verdict().causes[0].sentence}"
    assert fix == (
        "   [a] apply  [y] copy  $ nsenter --net=/run/netns/dh iptables -D DOCKER-USER -p tcp --dport 80 -j DROP"
    )


def test_what_can_be_reached_takes_one_line() -> None:
    (head,) = banner_lines(connected_verdict(), 120, KEYS)
    assert head.words.startswith(" ✓ REACHABLE  lan → ")


def test_an_answer_on_a_model_says_so_first() -> None:
    told = Supposition(("delete rule filter/DOCKER-USER 1",), Reach.NO, Symptom.TIMEOUT)
    assert words(supposed=told)[0].startswith(" WHAT IF ✗ NOT REACHABLE")


def test_a_fix_without_a_command_has_its_title_and_no_keys() -> None:
    cause = dropped_verdict().causes[0]
    bare = replace(cause, fixes=(replace(cause.fixes[0], commands=(), title="listen on 0.0.0.0:80"),))
    assert words(causes=(bare,))[2] == "   fix: listen on 0.0.0.0:80"


def test_further_fixes_are_counted() -> None:
    cause = dropped_verdict().causes[0]
    assert "[y] copy and 2 more fixes  $ " in words(causes=(cause, cause, cause))[2]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    lines = words(width)
    assert len(lines) <= 2 + COMMAND_LINES
    assert max(map(cells, lines)) <= max(width, 20)
