"""What Podman keeps on disk: stores found by conmon's command line, a database and network files as it writes them."""

from __future__ import annotations

import json
import sqlite3
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.application.client_proxy import ClientProxy
from engine.model.container import Attachment, Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.engines import podman
from engine.observe.engines.containers import read_containers
from engine.observe.engines.podman import Store, find_stores, parse_monitor, read_store
from engine.observe.engines.podman_documents import parse_container, parse_document, parse_network, parse_record
from engine.observe.proc.processes import ProcessTable, Running

TCP, UDP = Protocol.TCP, Protocol.UDP


def monitor(*options: str, client: str = "/usr/bin/podman") -> list[str]:
    """conmon's command line for a store that is chosen by options."""
    told = [
        *options,
        "--db-backend",
        "sqlite",
        "--transient-store=false",
        "container",
        "cleanup",
        "--stopped-only",
        "c0",
    ]
    arguments = [word for option in told for word in ("--exit-command-arg", option)]
    return ["/usr/bin/conmon", "-c", "c0", "-n", "web", "--exit-command", client, *arguments, ""]


def config(**fields: Any) -> dict[str, Any]:
    """A container's configuration, with what must never get out of it."""
    secret = {"process": {"env": ["TOKEN=secret"], "args": ["--password=secret"]}, "linux": {"namespaces": []}}
    return {"spec": secret, "createNetNS": True, "command": ["secret"], "rootfsImageName": "bb", **fields}


WEB = config(
    newPortMappings=[
        {"host_ip": "", "container_port": 80, "host_port": 8080, "range": 1, "protocol": "tcp"},
        {"host_ip": "127.0.0.1", "container_port": 5000, "host_port": 6000, "range": 2, "protocol": "tcp,udp"},
    ],
    newNetworks={"podman": {"interface_name": "eth0"}},
    labels={"io.podman.compose.project": "shop", "io.podman.compose.service": "web"},
)
RUNNING = {
    "state": 3,
    "pid": 4711,
    "netns": "/run/netns/netns-1",
    "networkStatus": {
        "podman": {
            "interfaces": {
                "eth0": {
                    "subnets": [
                        {"ipnet": "10.88.0.2/16", "gateway": "10.88.0.1"},
                        {"ipnet": "fd00::2/64", "gateway": "fd00::1"},
                    ],
                    "mac_address": "02:00:00:00:00:01",
                }
            }
        }
    },
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the two tables that are read."""
    with sqlite3.connect(tmp_path / "db.sql") as database:
        database.execute("CREATE TABLE ContainerConfig (ID TEXT, Name TEXT, PodID TEXT, JSON TEXT)")
        database.execute("CREATE TABLE PodConfig (ID TEXT, Name TEXT, JSON TEXT)")
        database.execute("INSERT INTO PodConfig VALUES ('p1', 'shop', '{}')")
        database.execute("CREATE TABLE ContainerState (ID TEXT, State INTEGER, ExitCode INTEGER, JSON TEXT)")
    (tmp_path / "networks").mkdir()
    return Store(str(tmp_path), str(tmp_path / "networks"), ("podman",), 7)


def keep(store: Store, key: str, name: str, about: object, state: object) -> None:
    """Writes a container as Podman does: JSON as bytes."""
    with sqlite3.connect(f"{store.root}/db.sql") as database:
        database.execute("INSERT INTO ContainerConfig VALUES (?, ?, NULL, ?)", (key, name, json.dumps(about).encode()))
        database.execute("INSERT INTO ContainerState VALUES (?, 1, 0, ?)", (key, json.dumps(state).encode()))


def test_a_running_container_is_what_podman_wrote_down(store: Store) -> None:
    keep(store, "c0ffee", "web", WEB, RUNNING)
    (record,) = read_store(store, "podman").records
    web = parse_container(record, "podman", ("podman",), alive=True)
    assert (web.id, web.name, web.state, web.image, web.pid) == ("c0ffee", "web", "running", "bb", 4711)
    assert (web.network_mode, web.project, web.service, record.netns) == ("bridge", "shop", "web", "/run/netns/netns-1")
    local = ip_address("127.0.0.1")
    assert web.published == (
        PublishedPort(TCP, None, 8080, 80),
        PublishedPort(TCP, local, 6000, 5000),
        PublishedPort(UDP, local, 6000, 5000),
        PublishedPort(TCP, local, 6001, 5001),
        PublishedPort(UDP, local, 6001, 5001),
    )
    ends = (ip_address("10.88.0.2"), ip_address("fd00::2"), ip_address("10.88.0.1"))
    assert web.attachments == (Attachment("podman", *ends, "02:00:00:00:00:01", ip_address("fd00::1")),)


def test_no_environment_and_no_command_leaves_the_database(store: Store) -> None:
    keep(store, "c0ffee", "web", WEB, RUNNING)
    assert "secret" not in repr(read_store(store, "podman"))


def test_of_the_environment_only_what_names_a_proxy_leaves_the_database(store: Store) -> None:
    lines = ["TOKEN=secret", "HTTPS_PROXY=http://me:secret@proxy:3128", "no_proxy=db", "novalue"]
    keep(store, "c0ffee", "web", config(spec={"process": {"env": lines}, "linux": {"namespaces": []}}), RUNNING)
    (record,) = read_store(store, "podman").records
    assert record.config["env"] == lines[1:3]
    web = parse_container(record, "podman", ("podman",), alive=True)
    assert web.client_proxy == ClientProxy("", "proxy:3128", ("db",))


@pytest.mark.parametrize(
    ("about", "mode"),
    [
        (config(newNetworks={"appnet": {}}), "appnet"),
        (config(createNetNS=False, netNsCtr="c1"), "container:c1"),
        (config(createNetNS=False, spec={"linux": {"namespaces": [{"type": "pid"}, {"type": "network"}]}}), "none"),
        (config(createNetNS=False), "host"),
    ],
)
def test_the_network_mode_is_told_by_several_fields(store: Store, about: dict[str, Any], mode: str) -> None:
    keep(store, "c0ffee", "web", about, RUNNING)
    (record,) = read_store(store, "podman").records
    assert parse_container(record, "podman", (), alive=True).network_mode == mode


@pytest.mark.parametrize(
    ("number", "alive", "state"),
    [(1, False, "created"), (3, True, "running"), (3, False, "exited"), (5, True, "paused"), (6, False, "exited"),
     (99, False, "unknown")],
)  # fmt: skip
def test_a_state_is_podmans_word_and_needs_a_process(number: int, alive: bool, state: str) -> None:
    record = parse_record("c0", "web", "{}", json.dumps({"state": number, "pid": 1}))
    assert parse_container(record, "podman", (), alive=alive).state == state


def test_networks_are_files(store: Store) -> None:
    own = {"name": "appnet", "driver": "bridge", "network_interface": "podman1", "internal": True,
           "subnets": [{"subnet": "10.89.0.0/24"}], "options": {"isolate": "true", "mtu": 1}}  # fmt: skip
    folder = Path(store.networks)
    (folder / "appnet.json").write_text(json.dumps(own))
    (folder / "broken.json").write_text("{")
    (folder / "notes.txt").write_text("no network")
    assert read_store(store, "podman").networks == (
        Network("appnet", "podman", "bridge", "podman1", True, ("10.89.0.0/24",), (("isolate", "true"),)),
    )


def test_a_store_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "db.sql").write_bytes(b"no database at all" * 100)
    kept = read_store(Store(str(tmp_path), str(tmp_path), ("podman",), 7), "podman")
    assert kept.records == ()
    assert [(gap.source, "cannot be read" in gap.reason) for gap in kept.gaps] == [("podman", True)]


def test_an_older_store_is_a_gap_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "libpod").mkdir()
    (tmp_path / "libpod" / "bolt_state.db").touch()
    (gap,) = read_store(Store(str(tmp_path), str(tmp_path), ("podman",), 7), "podman").gaps
    assert "systemctl start podman.socket" in gap.reason
    assert not (tmp_path / "db.sql").exists()


def test_a_monitor_tells_the_store_and_the_client_that_reaches_it() -> None:
    own = ("--root", "/s/root", "--runroot", "/s/run", "--log-level", "warning", "--tmpdir=/s/tmp")
    assert parse_monitor(monitor(*own, "--network-config-dir", "/s/net", "--runtime", "runc"), 7) == Store(
        "/s/root",
        "/s/net",
        ("podman", "--root", "/s/root", "--runroot", "/s/run", "--tmpdir", "/s/tmp", "--network-config-dir", "/s/net",
         "--runtime", "runc"),
        7,
    )  # fmt: skip


def test_the_usual_store_needs_no_options() -> None:
    usual = ("--root", "/var/lib/containers/storage", "--runroot", "/run/containers/storage", "--tmpdir", "/run/libpod")
    found = parse_monitor(monitor(*usual, "--network-config-dir", "", "--runtime", "crun"), 7)
    assert found == Store("/var/lib/containers/storage", "/etc/containers/networks", ("podman",), 7)


@pytest.mark.parametrize("words", [[], ["conmon"], monitor(client="/usr/bin/crio"), ["conmon", "--exit-command"]])
def test_a_monitor_of_another_engine_tells_nothing(words: list[str]) -> None:
    assert parse_monitor(words, 7) is None


def test_of_two_stores_in_one_namespace_one_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {
        1: monitor("--root", "/b"),
        2: monitor("--root", "/a"),
        3: monitor("--root", "/c"),
        4: monitor("--root", "/a"),
    }
    monkeypatch.setattr(podman, "_store_of", lambda running: parse_monitor(lines[running.pid], running.netns))
    table = ProcessTable(tuple(Running(pid, "conmon", "S", 8 if pid == 3 else 7) for pid in lines))
    assert [(s.root, s.first) for s in find_stores(table, None)] == [("/a", True), ("/b", False), ("/c", True)]


def test_containers_of_a_store_are_in_the_view(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, "c0ffee", "web", WEB, {"state": 6})
    monkeypatch.setattr(podman, "find_stores", lambda *_: (store,))
    monkeypatch.setattr("engine.observe.engines.containers.find_engines", lambda *_: ((), ()))
    view = read_containers(ProcessTable(), 7)
    assert [(each.name, each.engine, each.state) for each in view.containers] == [("web", "podman", "exited")]
    assert [network.bridge for network in view.networks] == ["podman0"]
    assert (view.homes, view.gaps, (TCP, 8080) in view.published) == ({"podman": 7}, (), True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WEB, *RUNNING, "range"]), inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON, JSON)
def test_records_of_any_shape_give_nouns_and_no_error(about: object, state: object) -> None:
    record = parse_record("c0", "web", json.dumps(about), json.dumps(state))
    parse_container(record, "podman", (), alive=True)
    parse_network(about, "podman")


@given(st.text(max_size=30) | st.binary(max_size=30) | st.none())
def test_what_is_no_json_is_empty(raw: object) -> None:
    assert isinstance(parse_document(raw), dict)
    assert parse_container(parse_record("c0", "web", raw, raw), "podman", (), alive=False).name == "web"


def test_a_container_of_a_pod_has_its_name(store: Store) -> None:
    keep(store, "c0ffee", "web", {**WEB, "pod": "p1"}, RUNNING)
    (record,) = read_store(store, "podman").records
    assert parse_container(record, "podman", ("podman",), alive=True).pod == "shop"
