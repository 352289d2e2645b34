import re
import shlex
from dataclasses import replace

import pytest

from engine.model.verdict import Reach
from tests.views.golden import same_as_golden
from tests.views.verdicts import ALL, DROPPED, DROPPED_BY_RULE, FIX
from views.reports import answer_text
from views.verdict.outline import FIRST, HEADLINES, NEXT


@pytest.mark.parametrize("name", ALL)
def test_the_words_are_as_they_were_read(name):
    same_as_golden(f"answer-{name}.txt", answer_text.render(ALL[name], 100))


def test_every_word_of_the_vocabulary_has_its_text():
    assert set(HEADLINES) == set(FIRST) == set(NEXT) == set(Reach)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_only_commands_are_wider_than_the_terminal(width):
    commands = {shlex.join(argv) for cause in DROPPED.causes for fix in cause.fixes for argv in fix.commands}
    for line in answer_text.render(DROPPED, width).splitlines():
        assert len(line) <= width or line.strip() in commands or " " not in line.strip()


def test_a_command_can_be_copied_from_one_line():
    lines = [line.strip() for line in answer_text.render(DROPPED, 60).splitlines()]
    assert shlex.join(FIX.commands[0]) in lines


@pytest.mark.parametrize("word", ["two\nlines", "it's\ta tab", "back\\slash\x1b[31m", "é\x9b"])
def test_a_word_with_control_characters_reaches_a_shell_as_it_is(word, run_in_bash):
    line = answer_text.shell(("printf", "%s", word))
    assert line.isprintable()
    assert run_in_bash(line) == word


def test_colour_is_only_paint():
    painted = answer_text.render(DROPPED, 80, colour=True)
    plain = answer_text.render(DROPPED, 80)
    assert "\x1b[" not in plain
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", painted)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()
    assert painted != plain


def test_a_hostile_name_cannot_steer_the_terminal():
    nasty = "evil\x1b]0;title\x07\x9b2J\u202e\nname"
    cause = replace(DROPPED_BY_RULE, sentence=nasty, evidence=(nasty,), at=replace(DROPPED_BY_RULE.at, name=nasty))
    text = answer_text.render(replace(DROPPED, causes=(cause,)), 80)
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\x1b" in text
