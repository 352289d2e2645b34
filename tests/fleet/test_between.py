"""A zone that is another host of the fleet: its own rules, the network in between, and the host that is asked."""

import pytest

from engine.fleet.asking import reach
from engine.fleet.errors import FleetError
from engine.fleet.place import Place
from engine.fleet.work import answer
from engine.fleet.zones import zones_of
from engine.model.host import Snapshot
from tests.several.hosts import MACS, machine, seen
from workbench.cli import main

OUTPUT_DROP = "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 81 -j DROP\nCOMMIT\n"
FROM_APP = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 10.9.0.7/32 -p tcp -m tcp --dport 5432 -j DROP\nCOMMIT\n"


def app(rules: str = OUTPUT_DROP) -> Snapshot:
    world, host = machine("10.9.0.7/24", MACS["app1"])
    host.neighbour("eth0", "10.9.0.2", MACS["db1"], "stale").iptables(rules)
    return seen(world, "app1")


def data() -> Snapshot:
    world, host = machine("10.9.0.2/24", MACS["db1"])
    host.listen(5432).listen(81).iptables(FROM_APP)
    return seen(world, "db1")


def far() -> Snapshot:
    world, host = machine("10.77.0.9/24", MACS["router"])
    host.listen(22)
    return seen(world, "far")


def fleet(folder, **hosts: Snapshot) -> str:
    place = Place(str(folder), make=True)
    for name, snapshot in hosts.items():
        place.add(name, snapshot)
    return place.where


def found(where: str, columns: str = "host, port, verdict, symptom") -> list[tuple]:
    with reach(where) as rows:
        return list(rows.ask(f"select {columns} from reach where zone = 'app' order by host, port").rows)


@pytest.fixture
def where(tmp_path) -> str:
    folder = fleet(tmp_path / "fleet", app1=app(), db1=data(), far=far())
    answer(folder, zones_of("lan,app=@app1"), 1)
    return folder


def test_the_rules_of_both_hosts_count(where):
    """5432 takes packets of app1 alone, and app1's own OUTPUT drops what it sends to 81."""
    assert found(where)[:2] == [("db1", 81, "no", "timeout"), ("db1", 5432, "yes", "connected")]
    with reach(where) as rows:
        [(lan,)] = rows.ask("select verdict from reach where zone = 'lan' and host = 'db1' and port = 5432").rows
    assert lan == "no"


def test_a_rule_of_the_asker_is_named_with_its_host(where):
    [(rule, owner, cause)] = [row for row in found(where, "rule, owner, cause") if row[0]]
    assert "--dport 81 -j DROP" in rule
    assert (owner, cause) == ("admin", "FW_RULE_DROP")


def test_a_host_that_nothing_joins_is_a_row_that_says_so(where):
    assert found(where, "host, gap")[2] == ("far", "no network joins app1 with this host")


def test_rows_are_answered_again_when_the_zone_s_host_has_changed(where):
    assert answer(where, zones_of("lan,app=@app1"), 1).answered == 0
    Place(where).add("app1", app("*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"))
    assert answer(where, zones_of("lan,app=@app1"), 1).answered == 3
    assert found(where)[0] == ("db1", 81, "yes", "connected")


def test_a_zone_s_host_that_is_not_in_the_fleet_is_one_line(where, capsys):
    with pytest.raises(FleetError, match="zone 'web' is the host 'web1'"):
        answer(where, zones_of("web=@web1"), 1)
    assert main(["fleet", "answer", where, "--from", "web=@web1", "--workers", "1"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
