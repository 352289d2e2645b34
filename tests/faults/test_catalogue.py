"""The catalogue holds together: what it names exists, each fault is judged or has a reason, and the page is current."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.engines.tables import PLAIN, WITHOUT_PROXY
from tests.faults import page, table
from tests.faults.catalogue import CatalogueError, Fault, _fault, questions, read_catalogue, read_host
from tests.faults.stage import Judgement

ROOT = Path(__file__).resolve().parents[2]
FAULTS = read_catalogue()
DOCKER = {each.name for each in (*PLAIN, *WITHOUT_PROXY)}


def test_every_row_of_an_engine_that_is_named_exists() -> None:
    podman = (ROOT / "tests/engines/test_why_podman.py").read_text()
    assert {name for fault in FAULTS for name in fault.docker} <= DOCKER
    assert all(f'"{name}"' in podman for fault in FAULTS for name in fault.podman)


def test_every_scenario_and_test_that_is_named_exists() -> None:
    scenarios = {path.stem for path in (ROOT / "tests/scenarios").glob("*.toml")}
    assert {name for fault in FAULTS for name in fault.scenarios} <= scenarios
    for name in {name for fault in FAULTS for name in fault.tests}:
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert not function or function in {getattr(node, "name", "") for node in tree.body}, name


def test_no_fault_is_named_twice_and_each_is_judged_or_has_a_reason() -> None:
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)
    assert all(fault.places or (fault.reason and fault.instead) for fault in FAULTS)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.hosts], ids=str)
def test_what_is_asked_of_a_host_is_one_of_its_questions(fault: Fault) -> None:
    for each in fault.hosts:
        names = {netns.name for netns in read_host(each.host).namespaces}
        asked = questions(each)
        assert each.asked in asked
        assert {question.source for question in asked.values()} <= names
        assert {command.partition(": ")[0] for command in (*each.do, *each.owner)} <= names


@pytest.mark.parametrize(
    "wrong", [{"title": "t", "common": "always"}, {"title": "t", "common": "rare"}, {"colour": "red"}]
)
def test_a_table_that_is_not_understood_is_an_error(wrong: dict[str, str]) -> None:
    with pytest.raises(CatalogueError, match="x: "):
        _fault("x", wrong)


def test_the_page_is_what_the_catalogue_says() -> None:
    assert page.PAGE.read_text() == page.page(FAULTS), "write it anew: python -m tests.faults --page"


def test_the_table_tells_what_is_wrong() -> None:
    fault = next(each for each in FAULTS if each.id == "ip-forward-off")
    good, bad = Judgement(asked=11, mended=4), Judgement(cause=["lan: causes []"], asked=11)
    assert table.row(fault, good)[:6] == ("ip-forward-off", "yes", "yes", "yes", "yes", "yes")
    assert table.row(fault, Judgement(expert=["lan: the first fix is 'x', not 'y'"]))[5] == "NO"
    assert table.row(fault, bad)[2] == "NO"
    told = table.summary([fault], {fault.id: good})
    assert "11 questions, 4 of them mended by the fixes; the first fix is the expert's in 1 of 1; 0 wrong" in told
    assert "1 wrong" in table.summary([fault], {fault.id: bad})
