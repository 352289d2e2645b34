"""What differs between two fleets: ports that are open or closed now, hosts that only one has."""

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from engine.fleet.asking import views
from engine.fleet.buckets import table
from engine.fleet.comparing import CLOSED, OPENED, OTHERWISE, Comparison, compared
from engine.fleet.place import Place
from engine.fleet.rows import Row
from workbench.cli import main

DOCKER = Path(__file__).parents[1] / "hosts" / "docker26"
WEB = Row("one", container="web", address="172.17.0.2", port=80, protocol="tcp", zone="lan")
YES = WEB._replace(verdict="yes", symptom="connected", intended="published")
NO = WEB._replace(verdict="no", symptom="timeout", cause="FW_RULE_DROP", rule="a rule of this host")


def of(folder: Path, before: list[Row], after: list[Row]) -> Comparison:
    places = {}
    for name, rows in (("before", before), ("after", after)):
        place = Place(str(folder / name), make=True)
        (folder / name / "reach").mkdir()
        pyarrow.parquet.write_table(table(rows), place.bucket(0))
        places[name] = place.where
    with views(**places) as found:
        return compared(found)


def test_ports_that_are_opened_closed_or_end_for_another_reason(tmp_path):
    other = NO._replace(port=81)
    found = of(
        tmp_path,
        [YES, other, YES._replace(port=82)],
        [NO, other._replace(cause="FW_POLICY_DROP"), YES._replace(port=83)],
    )
    assert [(each.change, each.cell.port, each.before.verdict, each.after.verdict) for each in found.changes] == [
        (OTHERWISE, 81, "no", "no"),
        (CLOSED, 80, "yes", "no"),
        (CLOSED, 82, "yes", ""),
        (OPENED, 83, "", "yes"),
    ]


def test_a_container_with_another_address_is_the_same_port(tmp_path):
    moved = [YES._replace(address=f"172.17.0.{last}") for last in (2, 3)]
    found = of(tmp_path, moved, [YES._replace(address="172.17.0.3"), YES._replace(address="172.17.0.9")])
    assert found.changes == []
    found = of(tmp_path / "again", moved, [NO._replace(address="172.17.0.3"), YES._replace(address="172.17.0.9")])
    assert [(each.change, each.cell.address) for each in found.changes] == [(CLOSED, "172.17.0.3")]


def test_two_services_at_one_address_are_two_ports(tmp_path):
    twice = [YES, YES]
    assert of(tmp_path, twice, twice).changes == []
    found = of(tmp_path / "again", twice, [YES])
    assert [(each.change, each.after.verdict) for each in found.changes] == [(CLOSED, "")]


def test_rules_that_have_other_addresses_are_no_difference(tmp_path):
    assert of(tmp_path, [NO], [NO._replace(rule="another host's", fix="another")]).changes == []


def test_hosts_and_zones_that_only_one_has_are_not_compared(tmp_path):
    alone = [YES._replace(host="two"), YES._replace(zone="office"), Row("three", gap="damaged")]
    found = of(tmp_path, [YES, *alone], [YES, YES._replace(host="four")])
    assert found == (["three", "two"], ["four"], 1, ["lan"], [])


@pytest.fixture
def fleets(tmp_path, capsys) -> list[str]:
    folders = []
    for name in ("drop-another-port", "docker-user-drop"):
        folders.append(str(tmp_path / name))
        assert main(["fleet", "add", folders[-1], f"app={DOCKER / name}.json.gz"]) == 0
        assert main(["fleet", "answer", folders[-1], "--workers", "1"]) == 0
    capsys.readouterr()
    return folders


def test_the_command_and_its_exit_code(fleets, capsys):
    assert main(["fleet", "diff", *fleets]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "1 host that is in both, asked from internet, lan: 2 closed"
    assert " ".join(shown[3].split()) == (
        "closed app web 10.77.0.1 8080 tcp internet yes, published no timeout FW_RULE_DROP"
    )
    assert main(["fleet", "diff", fleets[0], fleets[0]]) == 0
    assert capsys.readouterr().out == "1 host that is in both, asked from internet, lan: no port ends otherwise\n"
    assert main(["fleet", "diff", *fleets, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "portscope.fleet-diff/1"
    assert document["hosts"] == {"only_before": [], "only_after": [], "both": 1}
    assert [(each["change"], each["before"]["verdict"], each["after"]["cause"]) for each in document["changes"]] == [
        ("closed", "yes", "FW_RULE_DROP")
    ] * 2


def test_fleets_that_were_asked_from_other_zones_cannot_be_compared(fleets, capsys):
    assert main(["fleet", "answer", fleets[1], "--from", "office=10.8.0.0/16", "--workers", "1"]) == 0
    capsys.readouterr()
    assert main(["fleet", "diff", *fleets]) == 2
    assert "no zone in common" in capsys.readouterr().err
