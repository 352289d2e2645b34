"""A lab's life on the real kernel: no change twice, only the difference, back on failure, gone after any death."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.apply import journal, standing_labs
from engine.apply.diff import diff
from engine.apply.errors import BuildError
from engine.apply.hands import Hands
from engine.apply.journal import Journal
from engine.apply.namespaces import run_in
from engine.change.namespace import CreateNetns, DeleteNetns
from engine.change.route import AddRoute
from engine.lab import lifecycle
from engine.lab.lifecycle import Draft
from engine.model.host import Snapshot
from engine.model.plan import Plan
from engine.observe.look.snapshot import take
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, World, run
from tests.harness.probe import probe

require("ip", "nft", "iptables-nft", root=True)

ROOT = Path(__file__).parents[2]
FILE = """\
services:
  web: {ports: ["8080:80"], networks: [front]}
  db: {expose: ["5432"], networks: [front]}
networks: {front: {}}
"""
BACK = """\
services:
  web: {ports: ["8080:80"], networks: [front]}
  db: {expose: ["5432"], networks: [back]}
  extra: {networks: [back]}
networks: {front: {}, back: {}}
"""


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    found = f"lb{secrets.token_hex(3)}"
    yield found
    assert lifecycle.down(found, tmp_path) == ()
    assert not list(NETNS_FOLDER.glob(f"{found}-*"))


def seen(name: str) -> Snapshot:
    return run_in(lifecycle.host_path(name), take)


def become(now: Draft, text: str, directory: Path) -> tuple[Draft, Plan]:
    wanted = lifecycle.draft(text, "lab.yaml", now.lab.name)
    todo = lifecycle.difference(now, wanted, seen(now.lab.name))
    lifecycle.change(wanted, todo, directory)
    return wanted, todo.plan


def ask(name: str, node: str, address: str, port: int) -> str:
    return str(probe(str(NETNS_FOLDER / f"{name}-{node}"), address, port).symptom)


@pytest.mark.parametrize("layout", ["docker-28", "docker-29", "podman"])
def test_a_lab_that_is_up_needs_no_change(tmp_path: Path, name: str, layout: str) -> None:
    draft = lifecycle.draft(f"{FILE}x-lab: {{layout: {layout}}}\n", "lab.yaml", name)
    lifecycle.up(draft, tmp_path)
    assert lifecycle.nothing(lifecycle.difference(draft, draft, seen(name)))


def test_a_lab_that_was_tampered_with_is_mended_by_what_is_missing(tmp_path: Path, name: str) -> None:
    draft = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(draft, tmp_path)
    host, web = f"{name}-host", f"{name}-web"
    run(["ip", "-n", web, "route", "del", "default"])
    run(["ip", "-n", host, "link", "set", "br-front", "down"])
    run(["ip", "netns", "exec", host, "sysctl", "-qw", "net.ipv4.ip_forward=0"])
    run(
        ["ip", "netns", "exec", host, "iptables-nft", "-D", "FORWARD", "-i", "docker0", "-o", "docker0", "-j", "ACCEPT"]
    )
    assert ask(name, "lan", "192.168.30.1", 8080) != "connected"
    _, made = become(draft, draft.text, tmp_path)
    assert sorted(type(change).__name__ for change in made.changes) == ["AddRoute", "LoadRules", "SetLink", "SetSysctl"]
    assert ask(name, "lan", "192.168.30.1", 8080) == "connected"
    assert lifecycle.nothing(lifecycle.difference(draft, draft, seen(name)))


def test_a_changed_file_changes_only_the_difference_and_back(tmp_path: Path, name: str) -> None:
    first = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(first, tmp_path)
    inode = (NETNS_FOLDER / f"{name}-web").stat().st_ino
    second, made = become(first, BACK, tmp_path)
    assert [change.name for change in made.changes if isinstance(change, CreateNetns)] == [f"{name}-extra"]
    assert (NETNS_FOLDER / f"{name}-web").stat().st_ino == inode
    assert diff(second.plan, seen(name), second.plan).changes == ()
    assert ask(name, "lan", "192.168.30.1", 8080) == "connected"
    third, made = become(second, FILE, tmp_path)
    assert [change.name for change in made.changes if isinstance(change, DeleteNetns)] == [f"{name}-extra"]
    assert diff(third.plan, seen(name), third.plan).changes == ()
    links = run(["ip", "-n", f"{name}-host", "-j", "link"])
    assert {link["ifname"] for link in json.loads(links) if link["ifname"].startswith("br-")} == {"br-front"}


def test_published_ports_follow_the_file(tmp_path: Path, name: str) -> None:
    first = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(first, tmp_path)
    become(first, FILE.replace("8080:80", "8081:80"), tmp_path)
    assert ask(name, "lan", "192.168.30.1", 8081) == "connected"
    assert ask(name, "lan", "192.168.30.1", 8080) == "refused"
    assert ask(name, "host", "127.0.0.1", 8081) == "connected"


def test_a_change_that_fails_leaves_the_lab_as_it_was(tmp_path: Path, name: str) -> None:
    first = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(first, tmp_path)
    wrong = BACK + "x-lab: {rules: [iptables -A NOWHERE -j DROP]}\n"
    with pytest.raises(BuildError, match="NOWHERE"):
        become(first, wrong, tmp_path)
    assert diff(first.plan, seen(name), first.plan).changes == ()
    assert lifecycle.stands(name, tmp_path).text == FILE
    assert not (NETNS_FOLDER / f"{name}-extra").exists()
    assert ask(name, "web", "172.18.0.3", 5432) == "connected"
    assert ask(name, "lan", "192.168.30.1", 8080) == "connected"


def test_namespaces_that_a_failed_change_had_removed_are_there_again_and_answer(tmp_path: Path, name: str) -> None:
    first = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(first, tmp_path)
    wrong = (
        FILE.replace('  db: {expose: ["5432"], networks: [front]}\n', "") + "x-lab: {rules: [iptables -A NO -j DROP]}\n"
    )
    with pytest.raises(BuildError, match="-A NO"):
        become(first, wrong, tmp_path)
    assert diff(first.plan, seen(name), first.plan).changes == ()
    assert ask(name, "web", "172.18.0.3", 5432) == "connected"


def test_a_lab_that_cannot_be_built_leaves_nothing(tmp_path: Path, name: str) -> None:
    wrong = FILE + "x-lab: {rules: [iptables -A NOWHERE -j DROP]}\n"
    with pytest.raises(BuildError, match="NOWHERE"):
        lifecycle.up(lifecycle.draft(wrong, "lab.yaml", name), tmp_path)
    assert not list(NETNS_FOLDER.glob(f"{name}-*"))
    assert not (tmp_path / name).exists()


def test_a_lab_from_before_the_last_boot_is_not_up_and_its_name_is_free(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "lab.json").write_text(json.dumps({"boot": "another", "text": FILE, "file": "x", "name": name}))
    header = {"schema": "portscope.journal/1", "lab": name, "mark": "portscope:x:1", "pid": 1, "boot": "another"}
    will = {"n": 0, "will": "process", "pid": 1, "started": 1}
    (folder / "journal.jsonl").write_text(f"{json.dumps(header)}\n{json.dumps(will)}\n")
    assert lifecycle.names(tmp_path) == ()
    lifecycle.up(lifecycle.draft(FILE, "lab.yaml", name), tmp_path)
    assert lifecycle.names(tmp_path) == (name,)


def test_a_lab_whose_host_somebody_removed_is_not_up_and_is_built_again(tmp_path: Path, name: str) -> None:
    wanted = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(wanted, tmp_path)
    run(["ip", "netns", "del", f"{name}-host"])
    assert (lifecycle.names(tmp_path), lifecycle.standing(name, tmp_path)) == ((), None)
    lifecycle.up(wanted, tmp_path)
    assert diff(wanted.plan, seen(name), wanted.plan).changes == ()


@dataclass(frozen=True)
class Moment:
    """When a process dies: at the `number`-th call of a function, when it begins or when it has returned."""

    owner: type | ModuleType
    function: str
    number: int
    before: bool = True


def die(moment: Moment, work: Callable[[], object]) -> bool:
    """Does some work in a child that is killed as by kill -9 at a moment; False where it never comes."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            real, calls = getattr(moment.owner, moment.function), []

            def deadly(*arguments: Any, **words: Any) -> Any:
                calls.append(1)
                now = len(calls) == moment.number
                if now and moment.before:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = real(*arguments, **words)
                if now:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            setattr(moment.owner, moment.function, deadly)
            work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def every_write() -> Iterator[Moment]:
    """Each line of the journal, before it is written."""
    return (Moment(journal, "_append", number) for number in count(1))


@pytest.fixture
def others() -> Iterator[None]:
    """Somebody else's bridge, namespace, table and process are there all the time, and stay."""
    with World() as world:
        other = world.netns("other")
        other.ip("link add br-front type bridge")
        other.run("nft", "add table ip docker-bridges")
        sleeper = world.start(other.enter(["sleep", "1000"]))
        foreign = (other.ip_json("link show"), other.run("nft", "list", "ruleset"))
        yield
        assert (other.ip_json("link show"), other.run("nft", "list", "ruleset")) == foreign
        assert sleeper.poll() is None


def gone(name: str, directory: Path) -> bool:
    """Takes a lab down; whether all of it is gone then."""
    return (
        lifecycle.down(name, directory) == ()
        and not list(NETNS_FOLDER.glob(f"{name}-*"))
        and not (directory / name).exists()
    )


@pytest.mark.usefixtures("others")
def test_after_kill_9_at_every_step_of_up_down_leaves_a_clean_host(tmp_path: Path, name: str) -> None:
    draft = lifecycle.draft(FILE, "lab.yaml", name)
    done = []
    for moment in every_write():
        if not die(moment, lambda: lifecycle.up(draft, tmp_path)):
            break
        assert gone(name, tmp_path), moment
        done.append(moment)
    assert gone(name, tmp_path)
    assert len(done) > 8
    others = [Moment(Hands, "run", 1, before=False), Moment(standing_labs, "write_record", 1)]
    others += [Moment(Hands, "serve", number, before=False) for number in (1, 2)]
    others += [Moment(standing_labs, "write_record", 1, before=False)]
    for moment in others:
        assert die(moment, lambda: lifecycle.up(draft, tmp_path)), moment
        assert gone(name, tmp_path), moment


@pytest.mark.usefixtures("others")
def test_after_kill_9_at_every_step_of_down_a_second_one_leaves_a_clean_host(tmp_path: Path, name: str) -> None:
    draft = lifecycle.draft(FILE, "lab.yaml", name)
    done = []
    for moment in (*islice(every_write(), 7), Moment(Journal, "forget", 1)):
        lifecycle.up(draft, tmp_path)
        assert die(moment, lambda: lifecycle.down(name, tmp_path)), moment
        assert gone(name, tmp_path), moment
        done.append(moment)
    lifecycle.up(draft, tmp_path)
    assert not die(Moment(journal, "_append", len(done)), lambda: lifecycle.down(name, tmp_path))


@pytest.mark.usefixtures("others")
def test_after_kill_9_at_every_step_of_a_change_the_next_one_completes_it(tmp_path: Path, name: str) -> None:
    """Whatever was half done, `up` makes the lab what the file says, and `down` leaves nothing."""
    first, second = lifecycle.draft(FILE, "lab.yaml", name), lifecycle.draft(BACK, "lab.yaml", name)
    elsewhere = (
        Moment(Hands, "create_netns", 1, before=False),
        Moment(Hands, "create_veth", 1, before=False),
        Moment(Hands, "run", 1, before=False),
        Moment(Hands, "serve", 2, before=False),
        Moment(standing_labs, "write_record", 1),
    )
    done = []
    for moment in chain(elsewhere, every_write()):
        lifecycle.up(first, tmp_path)
        todo = lifecycle.difference(first, second, seen(name))
        if not die(moment, lambda todo=todo: lifecycle.change(second, todo, tmp_path)):  # type: ignore[misc]
            break
        now = lifecycle.stands(name, tmp_path)
        again = lifecycle.difference(now, second, seen(name), running=lifecycle.running(name, tmp_path))
        lifecycle.change(second, again, tmp_path)
        assert diff(second.plan, seen(name), second.plan).changes == (), moment
        assert ask(name, "lan", "192.168.30.1", 8080) == "connected", moment
        assert ask(name, "extra", "172.19.0.2", 5432) == "connected", moment
        assert gone(name, tmp_path), moment
        done.append(moment)
    assert gone(name, tmp_path)
    assert len(done) > len(elsewhere) + 3


def test_what_the_diff_adds_for_a_lost_namespace_is_all_of_it(tmp_path: Path, name: str) -> None:
    draft = lifecycle.draft(FILE, "lab.yaml", name)
    lifecycle.up(draft, tmp_path)
    run(["ip", "netns", "del", f"{name}-db"])
    wanted, made = become(draft, FILE, tmp_path)
    assert CreateNetns(f"{name}-db") in made.changes
    assert any(isinstance(change, AddRoute) for change in made.changes)
    assert diff(wanted.plan, seen(name), wanted.plan).changes == ()
    assert ask(name, "web", "172.18.0.3", 5432) == "connected"


BESIDE_IP_NETNS = """
set -e
mount -t tmpfs none /run
python -P -m workbench.start lab up "$1" 2>&1
ip netns add beside
python -P -m workbench.start lab down "$2" 2>&1
ls /run/netns
"""


def test_who_adds_namespaces_behind_a_lab_does_not_keep_it(name: str, tmp_path: Path) -> None:
    """`ip netns add` makes /run/netns a mount, over whatever is in it until then."""
    (tmp_path / "lab.yaml").write_text(f"name: {name}\n{FILE}")
    script = ["bash", "-c", BESIDE_IP_NETNS, "bash", str(tmp_path / "lab.yaml"), name]
    settled = ["env", f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}", f"PYTHONPATH={ROOT}"]
    words = ["unshare", "--mount", "--net", *settled, f"XDG_STATE_HOME={tmp_path}", *script]
    *_, up, left = run(words).splitlines()
    assert up.startswith("portscope: up:")
    assert left == "beside"
