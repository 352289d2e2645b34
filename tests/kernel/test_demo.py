"""The demo lab on the real kernel: its fault, its end in every way that a process can end, and ordinary users."""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from engine.apply.errors import BuildError
from engine.apply.namespaces import run_in
from engine.apply.run import sweep
from engine.change.namespace import CreateNetns
from engine.change.rule import DeleteRule
from engine.lab.demo import demo
from engine.lab.running import DemoLab, demo_lab
from engine.model.firewall import Backend, Rule
from engine.model.where import RulePlace, named
from engine.programs import environment
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, World, run
from tests.harness.ordinary import User, ordinary_user
from tests.harness.probe import probe

require("ip", "iptables-nft", "setpriv", root=True)

#: A program that has a demo up until its standard input ends; its first line says which.
PROGRAM = """
import sys
from pathlib import Path
{before}
from engine.lab.running import demo_lab
with demo_lab({directory!r} and Path({directory!r}), {names!r}) as lab:
    print(lab.name, flush=True)
    sys.stdin.read()
print("ended", flush=True)
"""
#: Kills the program, as `kill -9` does, at the moment in which the journal or the kernel is at a certain step.
KILL_AT = """
import os, signal
from engine.apply import journal, namespaces, hands
calls = []
def deadly(owner, name, number, before):
    real = getattr(owner, name)
    def wrapped(*arguments, **words):
        calls.append(name)
        if before and len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **words)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, wrapped)
deadly({owner}, {name!r}, {number}, {before})
"""


@dataclass(frozen=True)
class Kill:
    """A moment: the `number`-th call of a function of the engine, when it begins or when it has returned."""

    owner: str
    name: str
    number: int
    before: bool


STEPS = [
    Kill("journal.Journal", "_write", 1, before=False),
    Kill("journal.Journal", "will_all", 1, before=False),
    Kill("journal.Journal", "made", 1, before=True),
    Kill("journal.Journal", "made", 3, before=False),
    Kill("journal.Journal", "made", 5, before=True),
    Kill("journal.Journal", "undone", 1, before=True),
    Kill("journal.Journal", "undone", 3, before=False),
    Kill("journal.Journal", "forget", 1, before=True),
    Kill("namespaces", "mount", 2, before=True),
    Kill("namespaces", "mount", 2, before=False),
    Kill("namespaces", "unmount", 2, before=False),
    Kill("hands.Hands", "create_veth", 2, before=False),
    Kill("hands.Hands", "run", 1, before=True),
    Kill("hands.Hands", "serve", 1, before=False),
]
#: Names that no other program's demos have.
NAMES = tuple(f"pst{secrets.token_hex(2)}d{number}" for number in range(3))


def start(directory: Path, before: str = "") -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    text = PROGRAM.format(before=before, directory=str(directory), names=NAMES)
    # A test run that was itself started by nohup ignores SIGHUP, and its children would inherit that.
    argv = ["env", "--default-signal=HUP,INT,TERM", sys.executable, "-c", text]
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment())


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def demos() -> set[str]:
    """Names of namespaces of this module's demos."""
    return {path.name for name in NAMES for path in NETNS_FOLDER.glob(f"{name}*")}


def greeting(netns: str, address: str, port: int) -> str:
    """What a client in a namespace is told that says nothing itself."""

    def read() -> str:
        with socket.create_connection((address, port), timeout=5) as client:
            return client.makefile().readline()

    return run_in(netns, read)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[DemoLab]:
    with demo_lab(tmp_path / "labs", NAMES) as lab:
        yield lab


def test_the_published_port_times_out_for_the_lan_and_deleting_the_rule_mends_it(lab: DemoLab) -> None:
    lan = str(NETNS_FOLDER / f"{lab.name}-lan")
    address, _, port = lab.target.rpartition(":")
    assert lab.source == f"ns:{lab.name}-lan"
    assert probe(lan, address, int(port)).symptom == "timeout"
    assert greeting(lan, address, 8000).startswith("api saw 192.168.30.2:")

    lines = run(["nsenter", f"--net={lab.host}", "iptables-nft-save"]).splitlines()
    (line,) = (line for line in lines if line.startswith("-A DOCKER-USER") and line.endswith("-j DROP"))
    place = RulePlace(lab.host.name, Backend.XT_NFT, "ip", "filter", "DOCKER-USER", 0)
    for argv in DeleteRule(place, Rule(0, (), line)).argv(named()):
        run(argv)
    assert greeting(lan, address, int(port)).startswith("web saw 192.168.30.2:")


def test_each_container_answers_the_host_and_each_other(lab: DemoLab) -> None:
    for node in lab.lab.nodes:
        (end,), (listen,) = node.ends, node.listens
        assert greeting(str(lab.host), str(end.address.ip), listen.port).startswith(f"{node.name} saw 172.30.0.1:")
    web = str(NETNS_FOLDER / f"{lab.name}-web")
    assert greeting(web, "172.30.0.4", 5432).startswith("db saw 172.30.0.2:")


def test_a_function_can_be_run_from_inside_the_host_and_the_caller_stays_where_it_is(lab: DemoLab) -> None:
    here = os.readlink("/proc/self/ns/net")
    inside = run_in(lab.host, lambda: os.readlink("/proc/thread-self/ns/net"))
    assert inside == f"net:[{lab.host.stat().st_ino}]"
    assert os.readlink("/proc/thread-self/ns/net") == here


def test_two_demos_are_up_at_once_under_names_of_their_own(lab: DemoLab, tmp_path: Path) -> None:
    with demo_lab(tmp_path / "labs", NAMES) as second:
        assert second.name != lab.name
        assert second.host.exists()
    assert not second.host.exists()
    assert lab.host.exists()


def test_programs_that_start_at_the_same_moment_get_labs_of_their_own(tmp_path: Path) -> None:
    programs = [start(tmp_path) for _ in NAMES]
    assert sorted(first_line(program) for program in programs) == sorted(NAMES)
    for program in programs:
        out, err = program.communicate("", timeout=20)
        assert (program.returncode, out, err) == (0, "ended\n", "")
    assert demos() == set()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_at_the_end_also_after_an_exception(tmp_path: Path) -> None:
    def fail() -> None:
        with demo_lab(tmp_path, NAMES):
            assert len(demos()) == 5
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert demos() == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_removes_the_lab(tmp_path: Path, number: int) -> None:
    process = start(tmp_path)
    assert first_line(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert out == ""
    assert (process.returncode, err) == (128 + number, "")
    assert demos() == set()
    assert list(tmp_path.iterdir()) == []


def test_a_signal_while_the_lab_is_being_built_waits_until_it_can_be_removed(tmp_path: Path) -> None:
    early = KILL_AT.format(owner="hands.Hands", name="create_veth", number=2, before=False)
    process = start(tmp_path, early.replace("SIGKILL", "SIGTERM"))
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (128 + signal.SIGTERM, "", "")
    assert demos() == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kill", STEPS, ids=str)
def test_after_kill_9_at_any_step_the_next_sweep_leaves_nothing(tmp_path: Path, kill: Kill) -> None:
    process = start(tmp_path, KILL_AT.format(**asdict(kill)))
    process.communicate("", timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) != []
    assert sweep(directory=tmp_path) == ()
    assert demos() == set()
    assert list(tmp_path.iterdir()) == []


def test_the_listeners_end_with_a_program_that_was_killed(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert first_line(process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ended = [os.pidfd_open(int(pid)) for pid in children]
    process.kill()
    process.communicate(timeout=10)
    try:
        assert ended
        assert all(map(wait_for, ended))
    finally:
        for handle in ended:
            os.close(handle)
    assert sweep(directory=tmp_path) == ()


def wait_for(pidfd: int) -> bool:
    """Waits until a process has ended (its pidfd is readable then)."""
    return bool(select.select([pidfd], [], [], 10)[0])


def test_namespaces_and_links_of_others_are_untouched(tmp_path: Path) -> None:
    with World() as world:
        other = world.netns("other")
        other.ip("link add demo0 type bridge")
        first = f"{world.prefix}d"
        beside = NETNS_FOLDER / f"{first}-stranger"
        run(["ip", "netns", "add", beside.name])
        try:
            with demo_lab(tmp_path, (first, *NAMES)) as lab:
                assert lab.name == NAMES[0]
            assert beside.exists()
            assert run(["ip", "netns", "exec", beside.name, "ip", "-br", "link"]).startswith("lo ")
        finally:
            run(["ip", "netns", "del", beside.name])
        assert other.ip_json("link show demo0")


def test_the_way_back_of_every_namespace_is_on_the_disk(lab: DemoLab, tmp_path: Path) -> None:
    text = (tmp_path / "labs" / lab.name / "journal.jsonl").read_text()
    for change in demo(lab.name).plan.changes:
        if isinstance(change, CreateNetns):
            assert f'"will": "netns", "name": "{change.name}"' in text


# An ordinary user

AS_USER = """
from engine.apply import userns
userns.enter()
"""


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    with ordinary_user("pyroute2", "ruamel.yaml") as found:
        yield found


def test_an_ordinary_user_has_the_lab_in_a_namespace_of_its_own(user: User) -> None:
    check = """
    import subprocess
    probe = "import socket; print(socket.create_connection(('192.168.30.1', 8000), 2).makefile().read())"
    argv = ["nsenter", f"--net=/run/netns/{lab.name}-lan", sys.executable, "-c", probe]
    print(subprocess.run(argv, capture_output=True, text=True).stdout, flush=True)
"""
    text = PROGRAM.format(before=AS_USER, directory="", names=("demo",)) + check
    text = text.replace("    sys.stdin.read()\n", check)
    done = subprocess.run(
        [*user.python, "-c", text.rpartition('print("ended"')[0]],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("demo\napi saw 192.168.30.2:")
    assert demos() == set()


def test_an_ordinary_users_lab_ends_with_its_program_however_that_ends(user: User) -> None:
    text = PROGRAM.format(before=AS_USER, directory="", names=("demo",))
    pipe = subprocess.PIPE
    process = subprocess.Popen([*user.python, "-c", text], stdin=pipe, stdout=pipe, text=True)
    assert first_line(process) == "demo"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    handles = [os.pidfd_open(int(pid)) for pid in children]
    process.kill()
    process.communicate(timeout=10)
    try:
        assert handles
        assert all(wait_for(handle) for handle in handles)
    finally:
        for handle in handles:
            os.close(handle)


def test_where_user_namespaces_are_forbidden_one_line_says_which_setting_does(user: User) -> None:
    # A user namespace with a limit of 0 forbids further ones inside it, without touching the machine's setting.
    setting = "/proc/sys/user/max_user_namespaces"
    inside = (
        f"open('{setting}', 'w').write('0')\n"
        "from engine.apply import userns\n"
        "try:\n    userns.enter()\n"
        "except userns.UserNamespaceForbidden as error:\n    print(error)\n"
        "print(userns.entered())\n"
    )
    words = ["unshare", "--user", "--map-root-user", *user.python[len(user.become) :]]
    done = subprocess.run([*user.become, *words, "-c", inside], capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    line, entered = done.stdout.splitlines()
    assert line == (
        "user.max_user_namespaces=0 forbids user namespaces: run with sudo, "
        "or allow them with `sysctl -w user.max_user_namespaces=15000`"
    )
    assert entered == "False"


def test_a_lab_that_cannot_be_built_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.programs.ADMIN_FOLDERS", ("/nonexistent",))
    monkeypatch.setenv("PATH", "/nonexistent")
    with (
        pytest.raises(BuildError, match="is not installed: install ip"),
        demo_lab(tmp_path, NAMES),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
