"""`portscope explain`, and how texts are shown: in colours where they are wanted, in a pager where they are long."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from engine.catalogue import CODES, page_of
from engine.catalogue.words import WORDS, find_word, words_in
from engine.programs import environment
from workbench.cli import main

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "hosts" / "shop.json.gz"


def test_a_code_is_its_page_and_its_address(capsys):
    assert main(["explain", "fw-rule-drop"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# FW_RULE_DROP\n")
    assert "DOCKER-USER" in shown
    assert shown.endswith(f"{page_of('FW_RULE_DROP')}\n")


@pytest.mark.parametrize(
    ("asked", "name"),
    [("dnat", "DNAT, translates"), ("rp_filter", "reverse path filter"), ("default route", "default route")],
)
def test_a_term_is_found_by_each_of_its_spellings(capsys, asked, name):
    assert main(["explain", *asked.split()]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")


def test_all_of_it_as_a_document(capsys):
    assert main(["explain", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [each["name"] for each in entries] == [*(word.name for word in WORDS), *CODES]


def test_an_unknown_name_has_a_near_one(capsys):
    assert main(["explain", "FW_RULE_DRO"]) == 2
    assert (
        capsys.readouterr().err == "portscope: no answer of portscope uses 'FW_RULE_DRO'; did you mean FW_RULE_DROP?\n"
    )


def test_every_term_is_found_in_its_own_name_and_a_part_of_a_word_is_none():
    assert [word.name for word in WORDS if find_word(word.name) is None] == []
    assert words_in("backdrops reroute, unrouted chained") == []


def test_every_term_of_an_answer_has_its_line_below_it(capsys):
    assert main(["why", "web:80", "--snapshot", str(SHOP), "--from", "db", "-v"]) == 1
    shown = capsys.readouterr().out
    answer, _, terms = shown.partition("\nterms\n")
    for word in words_in(answer.partition("\nforward path")[0]):
        assert f"  {word.name}: " in terms


@pytest.mark.parametrize(("when", "painted"), [("always", True), ("never", False), ("auto", False)])
@pytest.mark.parametrize("before", [True, False])
def test_colours_are_as_the_option_says_on_either_side_of_the_command(capsys, when, painted, before):
    asked = ["why", "web:80", "--snapshot", str(SHOP), "--from", "db"]
    option = [f"--color={when}"]
    assert main([*option, *asked] if before else [*asked, *option]) == 1
    assert ("\x1b[" in capsys.readouterr().out) is painted


def on_a_terminal(*words: str, **variables: str) -> str:
    """What a command shows on a terminal of 24 lines."""
    ours, theirs = pty.openpty()
    settled = environment(PYTHONPATH=str(ROOT), TERM="xterm", **variables)
    argv = [sys.executable, "-P", "-m", "workbench.start", *words]
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=settled) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: every other end is closed
                break
            if not piece:
                break
            shown += piece
        assert child.wait(60) == 0
    os.close(ours)
    return shown.decode()


def test_a_long_text_goes_through_the_pager_and_a_short_one_does_not():
    assert len(on_a_terminal("explain", PAGER="head -n 3").splitlines()) == 3
    assert "MSS: " in on_a_terminal("explain", "mss", PAGER="head -n 0")
    assert on_a_terminal("explain", PAGER="cat").count("\n") > len(CODES)
    assert on_a_terminal("explain", PAGER="no-such-pager").count("\n") > len(CODES)
    assert len(on_a_terminal("explain", PAGER="cat", PORTSCOPE_PAGER="head -n 2").splitlines()) == 2
