"""A real containerd with its CRI and CNI plugins in a network namespace of its own: what a kubelet would ask of it.

    lan 10.77.0.2 ── 10.77.0.1 up0  HOST  cni0 10.22.0.1 ── web-0 10.22.0.2

Pods are in a network of CNI's bridge plugin, and host ports are those of its portmap plugin. containerd has a mount
namespace of its own, so that what CNI keeps under /var/lib is in the temporary folder; namespaces of pods are mounted
where everybody sees them.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.cri import CallFailed, Message, call
from tests.engines.docker import HOST_ADDRESS, HTTPD, LAN_ADDRESS, START, DockerHost
from tests.harness.netns import CommandFailed, End, Netns, run
from tests.harness.processes import wait

PLUGINS = "/usr/lib/cni"
PROGRAMS = ("containerd", "ctr", "runc", f"{PLUGINS}/portmap", "iptables", "ip", "nsenter", "unshare", "busybox")
IMAGE = "portscope.test/bb:1"
NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.22.0.0/16"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
CONFIGURATION = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/ttrpc.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/net.d"
"""
#: NamespaceMode NODE of the CRI: the pod is in the host's network.
NODE = 2


@dataclass
class ContainerdHost(DockerHost):
    """A host whose containers are pods. Build with `containerd_host()`."""

    def start(self) -> None:
        """Builds the two namespaces, starts the daemon in one, imports the image."""
        self._pods: list[str] = []
        self.host, self.lan = self.world.netns("host"), self.world.netns("lan")
        up0 = End(self.host, "up0", (f"{HOST_ADDRESS}/24",))
        self.world.veth(up0, End(self.lan, "eth0", (f"{LAN_ADDRESS}/24",)))
        self.host.route(f"default via {LAN_ADDRESS}")
        self.socket = self.folder / "containerd.sock"
        (self.folder / "net.d").mkdir()
        (self.folder / "net.d" / "pods.conflist").write_text(json.dumps(NETWORK))
        (self.folder / "var").mkdir()
        words = CONFIGURATION.format(folder=self.folder, image=IMAGE, plugins=PLUGINS)
        (self.folder / "config.toml").write_text(words)
        script = f"mount --make-private / && mount --bind {self.folder}/var /var/lib"
        argv = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c"]
        argv.append(f"{script} && exec containerd --config {self.folder}/config.toml")
        with (self.folder / "log").open("w") as log:
            self._daemon = self.world.start(self.host.enter(argv), stdout=log, stderr=log)
        wait(self._answers, "containerd does not start", START)
        self._import_image()

    def _answers(self) -> bool:
        if self._daemon and self._daemon.poll() is not None:
            raise CommandFailed(f"containerd did not start: {(self.folder / 'log').read_text()[-800:]}")
        with suppress(OSError, CallFailed):
            return bool(call(self.socket, "Version", {}))
        return False

    def _import_image(self) -> None:
        layer = self._image_layer().read_bytes()
        digest = hashlib.sha256(layer).hexdigest()
        settings = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "1000"]}}
        settings |= {"rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
        index = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
        files = {"config.json": json.dumps(settings), "manifest.json": json.dumps(index)}
        archive = self.folder / "archive.tar"
        with tarfile.open(archive, "w") as tar:
            for name, data in ({name: words.encode() for name, words in files.items()} | {"layer.tar": layer}).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        client = ("ctr", "-a", str(self.socket), "-n", "k8s.io")
        run([*client, "images", "import", "--snapshotter", "native", str(archive)])

    def _remove_containers(self) -> None:
        while self._pods:
            pod = {1: self._pods.pop()}
            self._call("StopPodSandbox", pod)
            self._call("RemovePodSandbox", pod)

    def _first_process(self, key: str) -> int:
        return int((self.folder / "state/io.containerd.runtime.v2.task/k8s.io" / key / "init.pid").read_text())

    def _call(self, method: str, message: Message) -> dict[int, list[Any]]:
        """One call; its failure has the daemon's own words, since those of the answer are packed."""
        try:
            return call(self.socket, method, message)
        except CallFailed as error:
            errors = [line for line in (self.folder / "log").read_text().splitlines() if "level=error" in line]
            raise CommandFailed("\n".join([str(error), *errors[-2:]])) from None

    def close(self) -> None:
        """Removes everything, and the control groups of the pods."""
        with ExitStack() as steps:
            steps.callback(self._remove_groups)
            steps.callback(super().close)

    def _remove_groups(self) -> None:
        for path in Path("/sys/fs/cgroup").glob(f"**/{self.world.prefix}"):
            path.rmdir()

    def pod(
        self, name: str, *ports: Mapping[str, Any], command: Sequence[str] = HTTPD, in_host: bool = False
    ) -> tuple[str, Netns]:
        """A pod with one container, `NAME-main`: its id and its network. Ports have the names of a pod's `ports`."""
        mappings = [
            {
                1: ("TCP", "UDP").index(port.get("protocol", "TCP")),
                2: port["containerPort"],
                3: port["hostPort"],
                4: port.get("hostIP", ""),
            }
            for port in ports
        ]
        linux = {1: f"/{self.world.prefix}", 2: {1: {1: NODE if in_host else 0}}}
        hostname = "" if in_host else name
        pod = {1: {1: name, 2: name, 3: "shop"}, 2: hostname, 3: str(self.folder / "logs"), 5: mappings, 8: linux}
        (raw,) = self._call("RunPodSandbox", {1: pod})[1]
        key = raw.decode()
        self._pods.append(key)
        container = {1: {1: f"{name}-main"}, 2: {1: IMAGE}, 3: list(command), 11: f"{name}.log"}
        (made,) = self._call("CreateContainer", {1: key, 2: container, 3: pod})[1]
        self._call("StartContainer", {1: made})
        pids = [self._first_process(each) for each in (key, made.decode())]
        wait(lambda: not any(map(_is_being_made, pids)), f"{name} does not run what it should")
        netns = Netns(f"/proc/{pids[0]}/ns/net")
        if command == HTTPD:
            wait(lambda: netns.listening(80), f"{name} does not listen")
        return key, netns


def _is_being_made(pid: int) -> bool:
    """Whether a container's process is still runc's, which becomes the container's program after its start."""
    return Path(f"/proc/{pid}/comm").read_text().startswith("runc")


@contextmanager
def containerd_host() -> Iterator[ContainerdHost]:
    """A host for the length of a `with` block."""
    host = ContainerdHost()
    try:
        host.start()
        yield host
    finally:
        host.close()
