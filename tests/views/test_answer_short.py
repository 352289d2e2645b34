"""The short answer: a dozen lines, the next step first, a command never broken."""

import shlex
from dataclasses import replace

import pytest

from engine.model.host import Gap
from tests.explain.faults import Fault
from tests.explain.table import FAULTS
from tests.views.golden import same_as_golden
from tests.views.verdicts import ALL, DROPPED, FIX
from views.reports import answer_short


@pytest.mark.parametrize("name", ALL)
def test_the_words_are_as_they_were_read(name):
    same_as_golden(f"short-{name}.txt", answer_short.render(ALL[name], 100))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_an_answer_is_a_dozen_lines_and_names_its_cause(fault: Fault):
    verdict = fault.verdict()
    shown = answer_short.render(verdict, 100).splitlines()
    assert len(shown) <= answer_short.MOST_LINES
    assert shown[0][0] in "✓✗?"
    assert shown[-1].endswith("-v")
    told = " ".join(" ".join(shown).split())
    assert verdict.causes[0].sentence.split()[0] in told


@pytest.mark.parametrize("width", [40, 60, 100])
def test_only_commands_are_wider_than_the_terminal(width):
    commands = {shlex.join(argv) for cause in DROPPED.causes for fix in cause.fixes for argv in fix.commands}
    for line in answer_short.render(DROPPED, width).splitlines():
        assert len(line) <= width or line.strip() in commands or " " not in line.strip()


def test_the_first_fix_can_be_copied():
    assert shlex.join(FIX.commands[0]) in map(str.strip, answer_short.render(DROPPED, 60).splitlines())


@pytest.mark.parametrize(("code", "shown"), [("DST_NO_LISTENER", True), ("FW_RULE_DROP", False)])
def test_where_a_published_port_may_be_missing_an_engine_that_was_not_read_is_named(code, shown):
    fault = next(each for each in FAULTS if each.code == code and each.source == "ns:lan")
    stale = Gap("docker /run/docker.sock", "", "nothing listens at /run/docker.sock: start the engine")
    lines = answer_short.render(replace(fault.verdict(), gaps=(stale,))).splitlines()
    named = "  not known     containers of docker: nothing listens at /run/docker.sock: start the engine"
    assert (named in lines) is shown
