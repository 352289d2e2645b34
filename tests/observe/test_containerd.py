"""containerd's running tasks, from folders laid out as containerd lays them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.model.container import PublishedPort
from engine.model.packet import Protocol
from engine.observe.containerd import parse_task, read_tasks
from engine.observe.processes import ProcessTable, Running

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


def test_containers_of_a_pod_share_its_namespace(tmp_path: Path) -> None:
    lay_out(tmp_path, "k8s.io", "a" * 64, configuration(POD), 10)
    lay_out(tmp_path, "k8s.io", "b" * 64, configuration(WEB), 11)
    lay_out(tmp_path, "moby", "c" * 64, configuration({}), 12)
    lay_out(tmp_path, "k8s.io", "d" * 64, configuration(WEB), 99)
    tasks, gaps = read_tasks(table(10, 11, 12), (str(tmp_path),))
    assert [(task.container.name, task.container.pod, task.netns) for task in tasks] == [
        ("web", "web-0", "/run/netns/cni-1"),
        ("web-0", "web-0", "/run/netns/cni-1"),
    ]
    assert [task.container.network_mode for task in tasks] == [f"container:{'a' * 64}", "bridge"]
    assert (tasks[0].container.image, tasks[0].container.command) == ("nginx:1", ("crictl",))
    assert [gap.source for gap in gaps] == ["containerd"]
    assert "crictl inspectp" in gaps[0].reason
    assert SECRET not in repr(tasks)


def test_a_container_of_nerdctl_has_its_name_networks_and_ports(tmp_path: Path) -> None:
    ports = [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": "0.0.0.0"}, {"HostPort": "x"}]
    notes = {"nerdctl/name": "web", "nerdctl/networks": '["bridge"]', "nerdctl/ports": json.dumps(ports)}
    lay_out(tmp_path, "default", "e" * 64, configuration(notes), 10)
    (task,), gaps = read_tasks(table(10), (str(tmp_path),))
    assert (task.container.name, task.container.command) == ("web", ("ctr", "-n", "default"))
    assert task.container.published == (PublishedPort(Protocol.TCP, None, 8080, 80),)
    assert [attachment.network for attachment in task.container.attachments] == ["bridge"]
    assert gaps == ()


def test_a_container_without_a_network_namespace_is_in_the_host_s() -> None:
    task = parse_task("f" * 64, "default", {"linux": {"namespaces": [{"type": "pid"}]}}, 1)
    assert (task.container.network_mode, task.netns, task.container.name) == ("host", "", "f" * 12)


def test_what_is_no_task_is_passed_over_and_no_folder_is_no_gap(tmp_path: Path) -> None:
    folder = tmp_path / "io.containerd.runtime.v2.task" / "default" / "broken"
    folder.mkdir(parents=True)
    (folder / "init.pid").write_text("no number")
    assert read_tasks(table(10), (str(tmp_path), str(tmp_path / "none"))) == ((), ())


def test_cri_o_is_a_gap() -> None:
    _, (gap,) = read_tasks(table(10, names=("crio",)), ())
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
