"""Hosts that are hosts: two on one machine do not see each other, who stands outside sees both."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.model.host import Snapshot
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import loads
from tests.harness.machine import Machine, Machines
from tests.harness.needs import require
from tests.harness.netns import CommandFailed

require("unshare", "nsenter", "ip", "iptables-legacy", "hostname", root=True)

PYTHON = ("python3", "-I", "-c")
LISTEN = "import socket, time; held = socket.create_server(('', 5432)); print('ready', flush=True); time.sleep(600)"
CONNECT = "import socket; socket.create_connection(('10.9.0.2', 5432), 5)"


@pytest.fixture
def pair() -> Iterator[tuple[Machine, Machine]]:
    with Machines() as made:
        app, db = made.machine("app1"), made.machine("db1")
        made.wire(app, "eth0", db, "eth0")
        app.ip("address add 10.9.0.1/24 dev eth0")
        db.ip("address add 10.9.0.2/24 dev eth0")
        db.ip("netns add inner")
        db.run("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "DROP")
        db.start(*PYTHON, LISTEN, ready="ready")
        yield app, db


def seen_by(machine: Machine) -> Snapshot:
    return loads(machine.portscope("snapshot"))


def test_two_machines_do_not_see_each_other(pair: tuple[Machine, Machine]) -> None:
    app, db = map(seen_by, pair)
    assert (app.hostname, db.hostname) == ("app1", "db1") != (socket.gethostname(),) * 2
    assert [netns.id for netns in app.namespaces] == [app.host]
    assert sorted(netns.id for netns in db.namespaces) == sorted([db.host, "inner"])
    own = [str(each) for each in app.host_netns.addresses_by_value if each.version == 4]
    assert sorted(own) == ["10.9.0.1", "127.0.0.1"]
    assert not app.host_netns.listeners
    assert [(each.port, each.process is not None) for each in db.host_netns.listeners] == [(5432, True)]
    assert not app.host_netns.firewall.tables
    assert not app.containers
    for snapshot in (app, db):
        (eth0,) = (link for link in snapshot.host_netns.links if link.name == "eth0")
        assert eth0.peer is None


def test_the_cable_is_the_edge_of_the_host_and_carries_packets(pair: tuple[Machine, Machine]) -> None:
    app, db = pair
    assert app.run(*PYTHON, CONNECT) == ""
    assert "leaves the snapshot via eth0" in app.portscope("why", "10.9.0.2:5432", "-v")
    assert "✓" in db.portscope("why", "10.9.0.2:5432", "--from", "10.9.0.1")


def test_who_stands_outside_sees_both(pair: tuple[Machine, Machine]) -> None:
    seen = take()
    places = {str(address): netns.id for netns in seen.namespaces for address in netns.addresses_by_value}
    assert places["10.9.0.1"] != places["10.9.0.2"]
    assert [each.port for each in seen.by_id[places["10.9.0.2"]].listeners] == [5432]
    assert [machine.name for machine in pair] == ["app1", "db1"]


def test_nothing_is_left_of_a_machine() -> None:
    machine = Machine("gone1")
    machine.start(*PYTHON, LISTEN, ready="ready")
    inode = Path(f"/proc/{machine.pid}/ns/net").stat().st_ino
    machine.close()
    assert inode not in {path.stat().st_ino for path in Path("/proc").glob("[0-9]*/ns/net") if path.exists()}


def test_what_keeps_a_machine_from_coming_up_is_said() -> None:
    with pytest.raises(CommandFailed, match=r"machine n+ does not come up: .*hostname"):
        Machine("n" * 80)
