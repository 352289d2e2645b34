"""The published schemas: that they are schemas, that documents keep to them, that they notice what is missing."""

import copy
import gzip
import json

import pytest
from jsonschema import Draft202012Validator

from engine.fleet.rows import SCHEMA, Row
from engine.lab import description, library, lifecycle
from scripts import schemas
from tests.explain.test_codes import FAULTS
from tests.harness.schemas import check, validator
from tests.views.verdicts import ALL
from views.reports import answer_json
from views.schemas import fleets
from views.schemas.published import ALL as PUBLISHED
from workbench.cli import main


@pytest.mark.parametrize("each", PUBLISHED, ids=lambda each: each.name)
def test_each_is_a_schema_and_a_file(each):
    Draft202012Validator.check_schema(each.schema)
    assert sorted(path.name for path in schemas.FOLDER.iterdir()) == sorted(schemas.files())
    name = f"{each.name.replace('/', '-')}.json"
    assert (schemas.FOLDER / name).read_text() == schemas.files()[name], "python -m scripts.schemas writes it"


@pytest.mark.parametrize("name", ALL)
def test_answers(name):
    check(answer_json.document(ALL[name]))


def test_answers_about_every_fault():
    assert len(FAULTS) > 60
    for fault in FAULTS:
        check(answer_json.document(fault.verdict()))


@pytest.mark.parametrize("file", sorted((schemas.FOLDER.parents[1] / "tests" / "hosts").rglob("*.json.gz"))[::7])
def test_recorded_snapshots(file):
    check(json.loads(gzip.decompress(file.read_bytes())))


@pytest.mark.parametrize("name", library.names())
def test_labs(name):
    check(description.shown(lifecycle.draft(library.text(name), name).lab, ()), "portscope.lab/1")


def test_rows_of_a_fleet_have_their_columns_in_order():
    assert tuple(fleets.ROW) == Row._fields
    check(Row("one")._asdict(), SCHEMA)


@pytest.mark.parametrize("name", ["exposed", "dropped"])
def test_a_key_that_is_missing_or_of_another_type_is_noticed(name):
    whole = answer_json.document(ALL[name])
    for key in whole:
        lacking = {other: value for other, value in whole.items() if other != key}
        assert not validator("portscope.why/1").is_valid(lacking), key
    for spoil in ({"reach": "maybe"}, {"causes": None}, {"kernel": []}, {"forward": {"hops": []}}):
        assert not validator("portscope.why/1").is_valid({**copy.deepcopy(whole), **spoil})


def test_the_command_prints_one_by_name(capsys):
    assert main(["schema", "why"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "portscope.why/1"
    assert main(["schema"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [each.name for each in PUBLISHED]
    assert main(["schema", "whi"]) == 2
    assert "did you mean portscope.why/1?" in capsys.readouterr().err
