"""`portscope report` as a shell sees it."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.observe.recording.embedded import embedded
from engine.observe.recording.snapshot_file import dumps, open_file
from engine.records import replace
from tests.hosts.stock import docker_world
from tests.workbench.test_cli import ROOT, assert_one_line_error, portscope
from views.reports.writers import FORMATS
from workbench import cli
from workbench.exits import Exit


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "host.json"
    path.write_text(dumps(docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",)).snapshot()))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_files_ending_tells_the_format(name, saved, tmp_path, capsys):
    target = tmp_path / f"network{FORMATS[name].suffix}"
    assert cli.main(["report", "--snapshot", str(saved), "-o", str(target)]) == Exit.DONE
    assert capsys.readouterr() == ("", "")
    assert cli.main(["report", "--snapshot", str(saved), "--format", name]) == Exit.DONE
    assert capsys.readouterr().out == target.read_bytes().decode()


def test_questions_are_answered_in_the_report(saved):
    done = portscope(
        "report", "--snapshot", saved, "--format", "json", "--why", ":8080", "--why", ":9999", "--from", "ns:lan"
    )
    document = json.loads(done.stdout)
    assert [one["reach"] for one in document["answers"]] == ["no", "no"]
    assert any(node["stop"] for node in document["topology"]["nodes"])


def test_a_question_from_everywhere_is_answered_for_each_place(saved, capsys):
    words = ["report", "--snapshot", str(saved), "--format", "json", "--why", ":8080", "--from"]
    places: dict[str, list[str]] = {}
    for source in ("everywhere", "ns:lan"):
        assert cli.main([*words, source]) == Exit.DONE
        answers = json.loads(capsys.readouterr().out)["answers"]
        places[source] = [one["question"]["from"]["netns"] for one in answers]
    assert places["ns:lan"] == ["lan"]
    assert {"lan", "host", "web", "db"} <= set(places["everywhere"])


def test_the_matrix_is_a_row_for_each_cell(saved):
    rows = list(csv.DictReader(io.StringIO(portscope("report", "--snapshot", saved, "--format", "csv").stdout)))
    blocked = next(row for row in rows if row["service"] == "published" and row["from"].startswith("lan"))
    assert (blocked["reach"], blocked["symptom"]) == ("no", "timeout")
    assert blocked["ends"] == "RULE_DROP in host: filter/DOCKER-USER 1"


def test_what_cannot_be_done_is_one_line_and_leaves_nothing(saved, tmp_path):
    nowhere = tmp_path / "nowhere" / "network.html"
    assert_one_line_error(portscope("report", "--snapshot", saved, "-o", nowhere), Exit.REFUSED, "cannot write")
    odd = tmp_path / "network.odd"
    assert_one_line_error(portscope("report", "--snapshot", saved, "-o", odd), Exit.USAGE, "--format")
    alone = portscope("report", "--snapshot", saved, "--from", "ns:lan")
    assert_one_line_error(alone, Exit.USAGE, "--from goes with --why")
    unknown = portscope("report", "--snapshot", saved, "--why", "nobody:80")
    assert_one_line_error(unknown, Exit.USAGE, "nobody")
    assert list(tmp_path.iterdir()) == []


def test_a_redacted_report_has_no_address_or_name_of_the_host_and_the_same_answer(saved):
    words = ("report", "--snapshot", saved, "--format", "json", "--why", ":8080", "--from", "ns:lan")
    open_words, redacted = portscope(*words).stdout, portscope(*words, "--redact").stdout
    assert all(word in open_words for word in ("10.77.0.1", "172.17.0.2", '"web"', '"lan"'))
    assert not any(word in redacted for word in ("10.77.0.1", "172.17.0.2", '"web"', '"lan"'))
    one, other = (json.loads(text)["answers"][0] for text in (open_words, redacted))
    assert (one["symptom"], one["causes"][0]["code"]) == (other["symptom"], other["causes"][0]["code"])


def test_a_redacted_snapshot_can_be_asked(saved, tmp_path):
    target = tmp_path / "redacted.json"
    assert portscope("snapshot", saved, "-o", target, "--redact").returncode == Exit.DONE
    done = portscope("why", "container-1:80", "--snapshot", target)
    assert done.returncode == Exit.REACHABLE


def test_a_report_of_this_host_can_be_made():
    assert json.loads(portscope("report", "--format", "json").stdout)["schema"] == "portscope.report/1"


def test_an_interrupted_report_leaves_no_file_and_no_child(saved, tmp_path):
    """The interrupt comes once both children have begun."""
    begun = tmp_path.parent / f"{tmp_path.name}-begun"
    begun.write_text("")
    program = f"import time; open({str(begun)!r}, 'a').write('begun '); time.sleep(60)"
    code = (
        "import os, sys; from workbench.session import matrix_pool; from workbench.cli import main; "
        f"matrix_pool.WORTH_PROCESSES = 0; matrix_pool.PROGRAM = {program!r}; os.cpu_count = lambda: 2; "
        "sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "report", "--snapshot", str(saved), "--matrix", "-o", str(tmp_path / "n.html")]
    running = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 30
    while begun.read_text() != "begun begun " and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    _, words = running.communicate(timeout=30)
    assert running.returncode == Exit.INTERRUPTED
    assert words == "portscope: interrupted\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


@pytest.mark.parametrize("name", ["html", "json"])
def test_a_report_with_its_snapshot_is_asked_like_one(name, saved, tmp_path, capsys):
    target = tmp_path / f"report.{name}"
    assert cli.main(["report", "--snapshot", str(saved), "--embed", "-o", str(target)]) == Exit.DONE
    assert open_file(target) == open_file(saved)
    without = tmp_path / f"without.{name}"
    assert cli.main(["report", "--snapshot", str(saved), "-o", str(without)]) == Exit.DONE
    capsys.readouterr()
    assert cli.main(["why", ":8080", "--snapshot", str(without)]) == Exit.USAGE
    assert "this report has no snapshot in it" in capsys.readouterr().err


def test_what_a_snapshot_says_does_not_end_the_block_of_a_page(saved, tmp_path):
    snapshot = replace(open_file(saved), hostname="</script><script>alert(1)</script></body>")
    page = embedded("<!doctype html><html><body></body></html>", "html", snapshot)
    assert page.count("</script>") == 1
    target = tmp_path / "page.html"
    target.write_text(page)
    assert open_file(target) == snapshot


def test_only_some_reports_can_have_a_snapshot_in_them(saved, capsys):
    assert cli.main(["report", "--snapshot", str(saved), "--embed", "--format", "md"]) == Exit.USAGE
    assert "--embed goes with html and json" in capsys.readouterr().err
