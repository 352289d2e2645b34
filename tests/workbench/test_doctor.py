"""`portscope doctor`: what is missing is said with how to get it."""

import json

from engine.model.host import Gap
from engine.records import replace
from tests.hosts.stock import docker_host
from workbench import world
from workbench.cli import main
from workbench.exits import refused


def checks(capsys, code: int) -> dict[str, dict]:
    assert main(["doctor", "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "portscope.doctor/1"
    return {each["name"]: each for each in document["checks"]}


def test_what_is_there_and_what_is_not(monkeypatch, capsys, tmp_path):
    gaps = (Gap("nf_tables", "web", "Permission denied"), Gap("nf_tables", "db", "Permission denied"))
    monkeypatch.setattr(world, "look", lambda: replace(docker_host(), gaps=gaps))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("engine.programs.ADMIN_FOLDERS", ())
    found = checks(capsys, 3)
    assert found["containers"]["purpose"] == "2 run, 2 in all"
    assert (found["nf_tables"]["there"], found["nf_tables"]["purpose"]) == (
        False,
        "Permission denied (in 2 namespaces)",
    )
    assert (found["ssh"]["there"], found["ssh"]["how"]) == (False, "apt install openssh-client")
    assert found["fleet"]["there"]


def test_a_list_for_people(monkeypatch, capsys):
    monkeypatch.setattr(world, "look", docker_host)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "This host"
    assert any(line.split()[:2] == ["✓", "namespaces"] for line in shown)


def test_a_host_that_cannot_be_read_is_one_of_the_lines(monkeypatch, capsys):
    def look():
        raise refused("no network namespace can be read")

    monkeypatch.setattr(world, "look", look)
    assert checks(capsys, 3)["network"]["purpose"] == "no network namespace can be read"
