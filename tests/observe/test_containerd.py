"""containerd's running tasks, from folders laid out as containerd lays them out."""

from __future__ import annotations

import base64
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.container import Attachment, Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.engines import cni, containerd
from engine.observe.engines.containerd import State, parse_task, read_state, unread_engines
from engine.observe.proc.processes import ProcessTable, Running

SECRET = "hunter2"
CRI = "io.kubernetes.cri."
POD = {f"{CRI}container-type": "sandbox", f"{CRI}sandbox-id": "a" * 64, f"{CRI}sandbox-name": "web-0"}
WEB = {**POD, f"{CRI}container-type": "container", f"{CRI}container-name": "web", f"{CRI}image-name": "nginx:1"}


def configuration(notes: dict[str, str], path: str = "/run/netns/cni-1") -> dict[str, Any]:
    process = {"args": ["serve", SECRET], "env": [f"TOKEN={SECRET}"]}
    return {"annotations": notes, "process": process, "linux": {"namespaces": [{"type": "network", "path": path}]}}


def lay_out(state: Path, namespace: str, identity: str, document: object, pid: int) -> None:
    folder = state / "io.containerd.runtime.v2.task" / namespace / identity
    folder.mkdir(parents=True)
    (folder / "init.pid").write_text(str(pid))
    (folder / "config.json").write_text(json.dumps(document))


def table(*pids: int, names: tuple[str, ...] = ()) -> ProcessTable:
    return ProcessTable(tuple(Running(pid, name, "S", 1) for pid, name in zip(pids, names or ("x",) * 9, strict=False)))


#: What libcni kept of a pod's network, as containerd's CRI and the plugins bridge and portmap left it there.
CONFIGURATION = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [{"type": "bridge", "bridge": "cni0", "ipam": {"ranges": [[{"subnet": "10.22.0.0/16"}]]}}],
}
RESULT = {
    "kind": "cniCacheV1",
    "containerId": "a" * 64,
    "config": base64.b64encode(json.dumps(CONFIGURATION).encode()).decode(),
    "ifName": "eth0",
    "networkName": "pods",
    "cniArgs": [["IgnoreUnknown", "1"], ["K8S_POD_NAME", "web-0"], ["K8S_POD_NAMESPACE", "shop"]],
    "capabilityArgs": {
        "portMappings": [
            {"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""},
            {"hostPort": 53, "containerPort": 5353, "protocol": "udp", "hostIP": "10.77.0.1"},
            {"HostPort": 0, "ContainerPort": 81, "Protocol": "tcp"},
        ]
    },
    "result": {
        "interfaces": [
            {"mac": "66:22:ba:11:e2:d6", "name": "cni0"},
            {"mac": "46:dd:ea:30:72:9c", "name": "eth0", "sandbox": "/var/run/netns/cni-1"},
        ],
        "ips": [
            {"address": "10.22.0.2/16", "gateway": "10.22.0.1", "interface": 1},
            {"address": "fd22::2/64", "gateway": "fd22::1"},
            {"address": "10.22.0.3/16"},
        ],
    },
}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """An empty folder of a containerd, and a folder for what CNI keeps beside it."""
    monkeypatch.setattr(cni, "RESULTS", str(tmp_path / "results"))
    (tmp_path / "results").mkdir()
    return State(str(tmp_path))


def keep(state: State, name: str, document: object) -> None:
    (Path(state.folder) / "results" / name).write_text(json.dumps(document))


def test_containers_of_a_pod_share_its_namespace(state: State) -> None:
    lay_out(Path(state.folder), "k8s.io", "a" * 64, configuration(POD), 10)
    lay_out(Path(state.folder), "k8s.io", "b" * 64, configuration(WEB), 11)
    lay_out(Path(state.folder), "moby", "c" * 64, configuration({}), 12)
    lay_out(Path(state.folder), "k8s.io", "d" * 64, configuration(WEB), 99)
    told = read_state(state, table(10, 11, 12))
    tasks = told.tasks
    assert [(task.container.name, task.container.pod, task.netns) for task in tasks] == [
        ("web", "web-0", "/run/netns/cni-1"),
        ("web-0", "web-0", "/run/netns/cni-1"),
    ]
    assert [task.container.network_mode for task in tasks] == [f"container:{'a' * 64}", "bridge"]
    assert (tasks[0].container.image, tasks[0].container.command) == ("nginx:1", ("crictl",))
    assert [gap.source for gap in told.gaps] == ["containerd"]
    assert "crictl inspectp" in told.gaps[0].reason
    assert SECRET not in repr(tasks)


def test_a_pod_has_the_addresses_and_host_ports_that_cni_keeps(state: State) -> None:
    lay_out(Path(state.folder), "k8s.io", "a" * 64, configuration(POD), 10)
    lay_out(Path(state.folder), "k8s.io", "b" * 64, configuration(WEB), 11)
    keep(state, f"pods-{'a' * 64}-eth0", RESULT)
    keep(state, f"cni-loopback-{'a' * 64}-lo", {**RESULT, "ifName": "lo", "networkName": "cni-loopback"})
    told = read_state(state, table(10, 11))
    web, pod = (task.container for task in told.tasks)
    address, address6, gateway, gateway6 = map(ip_address, ("10.22.0.2", "fd22::2", "10.22.0.1", "fd22::1"))
    assert pod.attachments == (Attachment("pods", address, address6, gateway, "46:dd:ea:30:72:9c", gateway6),)
    assert pod.published == (
        PublishedPort(Protocol.TCP, None, 8080, 80),
        PublishedPort(Protocol.UDP, ip_address("10.77.0.1"), 53, 5353),
    )
    assert (web.attachments, web.published) == ((), ())
    assert told.networks == (Network("pods", "containerd", "bridge", "cni0", subnets=("10.22.0.0/16",)),)
    assert told.gaps == ()


def test_results_that_may_not_be_read_are_a_gap(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(Path(state.folder), "k8s.io", "a" * 64, configuration(POD), 10)

    def refuse(_engine: str, _root: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.observe.engines.containerd.cni.read_results", refuse)
    told = read_state(state, table(10))
    assert [(gap.source, "run as root" in gap.reason) for gap in told.gaps] == [("containerd", True)]
    assert [task.container.name for task in told.tasks] == ["web-0"]


def test_a_container_of_nerdctl_has_its_name_networks_and_ports(state: State) -> None:
    ports = [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": "0.0.0.0"}, {"HostPort": "x"}]
    notes = {"nerdctl/name": "web", "nerdctl/networks": '["bridge"]', "nerdctl/ports": json.dumps(ports)}
    lay_out(Path(state.folder), "default", "e" * 64, configuration(notes), 10)
    found = read_state(state, table(10))
    (task,) = found.tasks
    assert (task.container.name, task.container.command) == ("web", ("ctr", "-n", "default"))
    assert task.container.published == (PublishedPort(Protocol.TCP, None, 8080, 80),)
    assert [attachment.network for attachment in task.container.attachments] == ["bridge"]
    assert found.gaps == ()
    keep(state, "bridge", {**RESULT, "containerId": f"default-{'e' * 64}", "networkName": "bridge"})
    (task,) = read_state(state, table(10)).tasks
    assert [str(each.address) for each in task.container.attachments] == ["10.22.0.2"]


def test_a_container_without_a_network_namespace_is_in_the_host_s() -> None:
    task = parse_task("f" * 64, "default", {"linux": {"namespaces": [{"type": "pid"}]}}, 1)
    assert (task.container.network_mode, task.netns, task.container.name) == ("host", "", "f" * 12)


def test_what_is_no_task_is_passed_over_and_no_folder_is_no_gap(tmp_path: Path) -> None:
    folder = tmp_path / "io.containerd.runtime.v2.task" / "default" / "broken"
    folder.mkdir(parents=True)
    (folder / "init.pid").write_text("no number")
    for state in (tmp_path, tmp_path / "none"):
        assert read_state(State(str(state)), table(10)) == containerd.RuntimeContainers()


def test_of_another_pid_namespace_the_folder_counts_and_no_pid_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path, "default", "e" * 64, configuration({}), 4711)
    (task,) = read_state(State(str(tmp_path), "containerd /run/containerd", same_pids=False), table(10)).tasks
    assert (task.container.pid, task.container.engine) == (None, "containerd /run/containerd")


def test_cri_o_is_a_gap() -> None:
    assert unread_engines(table(10)) == ()
    (gap,) = unread_engines(table(10, names=("crio",)))
    assert (gap.source, "crictl ps" in gap.reason) == ("cri-o", True)


KEYS = ("annotations", "linux", "namespaces", "type", "path", "nerdctl/ports", "nerdctl/networks", f"{CRI}sandbox-name")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=5), st.text(max_size=30))
def test_any_configuration_is_a_container(document: dict[str, Any], words: str) -> None:
    assert parse_task("a" * 64, "default", document, 1).container.id == "a" * 64
    assert parse_task("a", "default", {"annotations": {"nerdctl/ports": words}}, 1).container.published == ()


@given(st.dictionaries(st.sampled_from(sorted(RESULT)), json_values), st.binary(max_size=20))
def test_any_result_of_cni_is_one_or_none(changed: dict[str, Any], noise: bytes) -> None:
    for document in ({**RESULT, **changed}, {**RESULT, "config": base64.b64encode(noise).decode()}):
        assert isinstance(cni.parse_result(document, "containerd"), cni.Joined | None)
