"""`portscope diff` as a shell sees it."""

import json
from pathlib import Path

import pytest

from engine.observe.recording.snapshot_file import dumps
from tests.hosts.stock import docker_world
from tests.workbench.test_cli import assert_one_line_error, portscope
from workbench.exits import Exit

DROP = "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("saved")
    before, after = folder / "before.json", folder / "after.json"
    before.write_text(dumps(docker_world().snapshot()))
    after.write_text(dumps(docker_world(user=(DROP.removeprefix("-A DOCKER-USER "),)).snapshot()))
    return before, after


def test_each_change_is_a_line(files):
    done = portscope("diff", *files)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert done.stdout == f"1 change: 1 rule; in host\nrule:\n  {DROP} of filter/DOCKER-USER added in host\n"


def test_no_change_is_told(files):
    done = portscope("diff", files[0], files[0])
    assert (done.returncode, done.stdout) == (Exit.DONE, "no difference affects packets\n")


def test_a_question_is_answered_on_both_sides_with_what_flipped_it(files):
    done = portscope("diff", *files, "--why", ":8080", "--from", "ns:lan")
    assert done.returncode == Exit.NOT_REACHABLE
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "before  ✓ reachable  lan → 10.77.0.1:8080/tcp  connected",
        "after   ✗ not reachable  lan → 10.77.0.1:8080/tcp  timeout",
    ]
    assert lines[2:4] == ["the answer flips because of", f"  rule {DROP} of filter/DOCKER-USER added in host"]


def test_the_exit_code_says_whether_the_answer_flips(files):
    question = ("--why", ":8080", "--from", "ns:lan")
    assert portscope("diff", files[0], files[0], *question).returncode == 0
    assert portscope("diff", files[1], files[1], *question).returncode == 0
    assert portscope("diff", *reversed(files), *question).returncode == 1


def test_neighbours_are_counted_and_listed_on_demand(files, tmp_path):
    world = docker_world()
    world["host"].neighbour("up0", "10.77.0.9", "02:00:00:00:00:09")
    after = tmp_path / "after.json"
    after.write_text(dumps(world.snapshot()))
    few, whole = (portscope("diff", files[0], after, *more).stdout for more in ((), ("--all",)))
    assert "1 neighbour entries, which come and go by themselves: --all" in few
    assert "10.77.0.9" not in few
    assert "10.77.0.9" in whole


def test_as_json_it_is_one_document(files):
    done = portscope("diff", *reversed(files), "--why", ":8080", "--from", "ns:lan", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["schema"] == "portscope.diff/1"
    (change,) = document["changes"]
    assert (change["how"], change["what"], change["netns"]) == ("deleted", "rule", "host")
    assert document["why"]["flipped"] is True
    assert document["why"]["flipped_by"] == [change]
    assert document["why"]["before"]["reach"] == "no"


def test_a_question_of_neither_is_a_usage_error(files):
    assert_one_line_error(portscope("diff", *files, "--why", "nobody:80"), Exit.USAGE, "nobody")
    everywhere = portscope("diff", *files, "--why", ":8080", "--from", "everywhere")
    assert_one_line_error(everywhere, Exit.USAGE, "name one source")
    assert_one_line_error(portscope("diff", files[0], files[0].parent / "none.json"), Exit.USAGE, "none.json")
