"""The command line as a shell sees it: what comes on stdout, what on stderr, and the exit code."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from engine.model.verdict import Reach
from engine.observe.recording.snapshot_file import dumps
from tests.harness.answer_shape import wrong_in
from tests.workbench.plain_host import plain_host
from workbench import cli, exits, world
from workbench.exits import Exit, Refusal

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "workbench.start"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "host.json"
    path.write_text(dumps(plain_host()))
    return path


def portscope(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [*COMMAND, *map(str, words)]
    env = {**os.environ, **environment}
    return subprocess.run(
        argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def assert_one_line_error(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("portscope: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("port", "code", "words"), [(8080, Exit.REACHABLE, "connects"), (81, Exit.NOT_REACHABLE, "connection refused")]
)
def test_why_answers_in_words_and_by_its_exit_code(port, code, words, saved):
    done = portscope("why", f"10.77.0.1:{port}", "--from", "ns:lan", "--snapshot", saved)
    assert done.stderr == ""
    assert done.returncode == code
    mark = "✓" if code is Exit.REACHABLE else "✗"
    assert done.stdout.startswith(f"{mark} lan → 10.77.0.1:{port}/tcp   {words}\n")
    assert len(done.stdout.splitlines()) <= 12
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("option", "shown", "hidden"),
    [
        ([], [], ["forward path", "not inspected"]),
        (["-v"], ["forward path"], ["not inspected"]),
        (["-vv"], ["forward path"], []),
    ],
)
def test_why_shows_as_much_as_is_asked_for(option, shown, hidden, saved):
    done = portscope("why", "10.77.0.1:81", "--from", "ns:lan", "--snapshot", saved, *option)
    assert all(each in done.stdout for each in shown)
    assert not any(each in done.stdout for each in hidden)


def test_rules_are_audited_as_text_and_as_json(saved):
    done = portscope("rules", "--snapshot", saved)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(portscope("rules", "--snapshot", saved, "--netns", "host", "--json").stdout)
    assert document["schema"] == "portscope.rules/1"
    refused = portscope("rules", "--snapshot", saved, "--netns", "nowhere")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_why_supposes_a_change(saved):
    asked = ("why", "10.77.0.1:81", "--from", "ns:lan", "--snapshot", saved, "--if", "listen on 0.0.0.0:81")
    done = portscope(*asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ lan → 10.77.0.1:81/tcp   connects\n  if            listen on 0.0.0.0:81\n")
    document = json.loads(portscope(*asked, "--json").stdout)
    assert document["if"]["without"] == {"reach": "no", "symptom": "refused"}
    for more in (["--watch"], ["--prove"], ["--from", "everywhere"], ["--if", "nonsense"]):
        refused = portscope(*asked, *more)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_why_as_json_is_one_document_and_nothing_else(saved):
    done = portscope("why", "10.77.0.1:8080", "--from", "ns:lan", "--snapshot", saved, "--json")
    document = json.loads(done.stdout)
    assert wrong_in(document) == []
    assert done.stderr == ""
    assert done.returncode == exits.EXIT_OF_REACH[Reach(document["reach"])]
    assert document["question"]["to"] == {"address": "10.77.0.1", "port": 8080, "protocol": "tcp"}


def test_udp_is_asked_for_by_an_option(saved):
    done = portscope("why", "10.77.0.1:8080", "--udp", "--from", "ns:lan", "--snapshot", saved, "--json")
    assert json.loads(done.stdout)["question"]["to"]["protocol"] == "udp"


@pytest.mark.parametrize(
    "words",
    [
        ("why", "10.77.0.1:70000"),
        ("why", "10.77.0.1:0"),
        ("why", "10.77.0.1:http"),
        ("why", "10.77.0.1"),
        ("why", "nobody:80"),
        ("why", ""),
        ("why", ":"),
        ("why", "[::1:80"),
        ("why", "10.77.0.1:8080", "--from", "ns:nowhere"),
        ("why", "10.77.0.1:8080", "--from", "nobody"),
        ("why", "10.77.0.1:8080", "--from", "192.0.2.300"),
        ("why", "10.77.0.1:8080", "--from", "192.0.2.3@nodev0"),
    ],
    ids=" ".join,
)
def test_a_question_that_cannot_be_asked_is_a_usage_error_of_one_line(words, saved):
    assert_one_line_error(portscope(*words, "--snapshot", saved), Exit.USAGE)
    assert_one_line_error(portscope(*words, "--snapshot", saved, "--json"), Exit.USAGE)


@pytest.mark.parametrize(
    "words",
    [
        ("nope",),
        ("why",),
        ("open",),
        ("why", "a:1", "b:2"),
        ("why", "a:1", "--snap", "f"),
        ("why", "a:1", "--guess"),
        ("lab",),
        ("report", "--format", "pdf"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_is_not_one_is_a_usage_error_of_one_line(words):
    assert_one_line_error(portscope(*words), Exit.USAGE, "--help")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"schema": "portscope.snapshot/99"}', "\x00", "[" * 9999]
)
@pytest.mark.parametrize("command", ["open", "why"])
def test_a_broken_snapshot_file_is_a_usage_error_of_one_line(command, text, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(text)
    words = ("open", path) if command == "open" else ("why", "a:1", "--snapshot", path)
    assert_one_line_error(portscope(*words), Exit.USAGE, str(path), "portscope snapshot")


def test_a_file_that_is_not_there_or_not_text_is_a_usage_error(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent", tmp_path, binary):
        assert_one_line_error(portscope("open", path), Exit.USAGE, str(path))


def test_without_a_terminal_what_the_workbench_would_show_is_printed(saved):
    done = portscope("open", saved)
    assert done.returncode == Exit.DONE
    assert done.stdout == portscope("report", "--snapshot", saved).stdout
    assert done.stderr.startswith("portscope: no terminal: ")
    assert done.stderr.count("\n") == 1


def test_a_collected_file_is_converted_and_asked(tmp_path):
    script, path = portscope("collect"), tmp_path / "collected"
    assert script.returncode == Exit.DONE
    subprocess.run(["sh", "-s", path], input=script.stdout, text=True, check=True, capture_output=True)
    converted = portscope("snapshot", path)
    assert converted.returncode == Exit.DONE
    assert json.loads(converted.stdout)["host"] == json.loads(portscope("snapshot").stdout)["host"]
    path.write_bytes(path.read_bytes()[:-9])
    assert_one_line_error(portscope("why", "127.0.0.1:1", "--snapshot", path), Exit.USAGE, "ends too early")


def test_a_snapshot_of_this_host_can_be_opened_again(tmp_path):
    path = tmp_path / "here.json"
    done = portscope("snapshot", "-o", path)
    assert done.returncode == Exit.DONE, done.stderr
    assert done.stdout == ""
    assert dumps(world.load(path)) == path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_a_snapshot_that_cannot_be_written_is_refused(tmp_path):
    assert_one_line_error_ignoring_gaps(portscope("snapshot", "-o", tmp_path / "absent" / "file"))


def assert_one_line_error_ignoring_gaps(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (Exit.REFUSED, "")
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_refused(saved):
    with open("/dev/full", "w") as full:
        argv = [*COMMAND, "why", "10.77.0.1:8080", "--from", "ns:lan", "--snapshot", str(saved)]
        done = subprocess.run(argv, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == Exit.REFUSED
    assert done.stderr == "portscope: cannot write to stdout: No space left on device\n"


def test_a_reader_that_goes_away_changes_neither_the_code_nor_stderr(saved):
    words = ["why", "10.77.0.1:8080", "--from", "ns:lan", "--snapshot", str(saved)]
    expected = portscope(*words).returncode
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, *words], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (expected, "")


def test_an_old_locale_gets_replacements_instead_of_a_traceback(saved):
    done = portscope("why", "10.77.0.1:8080", "--from", "ns:lan", "--snapshot", saved, PYTHONIOENCODING="ascii")
    assert done.returncode == Exit.REACHABLE
    assert done.stderr == ""
    assert "? " in done.stdout


def test_why_loads_no_terminal_program_and_no_netlink_library(saved):
    script = (
        "import sys; from workbench.cli import main; "
        f"main(['why', '10.77.0.1:8080', '--from', 'ns:lan', '--json', '--snapshot', {str(saved)!r}]); "
        "from engine.observe.look.snapshot import take; take(); "
        "slow = {'textual', 'rich', 'networkx', 'pyroute2', 'iptc', 'asyncio'}; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & slow), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"


def test_help_names_every_command_and_each_command_its_own():
    overview = portscope("--help")
    assert overview.returncode == 0
    for command in ("open", "demo", "why", "snapshot"):
        assert f"\n    {command} " in overview.stdout
        assert portscope(command, "--help").stdout.startswith(f"usage: portscope {command}")


def test_the_version_is_the_packages_own():
    try:
        number = version("portscope")
    except PackageNotFoundError:
        number = "(not installed)"
    assert portscope("--version").stdout == f"portscope {number}\n"


# --- what `main` makes of what a command raises


@pytest.fixture
def command_raises(monkeypatch):
    def prepare(error: BaseException) -> None:
        def look() -> None:
            raise error

        monkeypatch.setattr(world, "look", look)

    return prepare


def test_a_refusal_is_its_line_and_its_code(command_raises, capsys):
    command_raises(Refusal(Exit.REFUSED, "two\nlines"))
    assert cli.main(["snapshot"]) == Exit.REFUSED
    assert capsys.readouterr() == ("", "portscope: two lines\n")


def test_an_interruption_ends_as_shells_expect(command_raises, capsys):
    command_raises(KeyboardInterrupt())
    assert cli.main(["snapshot"]) == 128 + signal.SIGINT
    assert capsys.readouterr().err == "portscope: interrupted\n"


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_fault_of_our_own_says_so_and_shows_a_traceback_only_when_asked(debug, command_raises, capsys, monkeypatch):
    monkeypatch.setenv("PORTSCOPE_DEBUG", debug)
    command_raises(ZeroDivisionError("by\nzero"))
    assert cli.main(["snapshot"]) == Exit.REFUSED
    said = capsys.readouterr().err
    assert "this is an error in portscope, not yours (ZeroDivisionError: by zero)" in said
    assert ("Traceback" in said) == bool(debug)
    assert debug or said.count("\n") == 1


def test_exit_codes_are_those_that_scripts_rely_on():
    assert {code.name: int(code) for code in exits.Exit.__members__.values()} | {"DONE": 0} == {
        "DONE": 0, "NOT_REACHABLE": 1, "USAGE": 2, "UNDECIDED": 3, "REFUSED": 4, "INTERRUPTED": 130,
    }  # fmt: skip
    assert exits.EXIT_OF_REACH == {Reach.YES: 0, Reach.NO: 1, Reach.DEPENDS: 3}


def test_everywhere_is_a_table_of_vantage_points(saved: Path) -> None:
    done = portscope("why", "10.77.0.1:8080", "--from", "everywhere", "--snapshot", saved)
    assert done.returncode == Exit.REACHABLE, done.stderr
    rows = [line.split("  ")[1] for line in done.stdout.splitlines()]
    assert rows[:3] == ["lan (via eth0)", "host", "host, at 127.0.0.1"]


def test_everywhere_is_one_document_for_scripts(saved: Path) -> None:
    done = portscope("why", "10.77.0.1:9", "--from", "everywhere", "--json", "--snapshot", saved)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"]) == (Exit.NOT_REACHABLE, "portscope.why-all/1")
    assert all(wrong_in(answer) == [] for answer in document["answers"])
