"""A real Podman with netavark in a network namespace of its own, with a LAN beside it: a `DockerHost` without a daemon.

    lan 10.77.0.2 ── 10.77.0.1 up0  HOST  podman0 10.88.0.1 ── web 10.88.128.0 or above

Podman is one program that acts on the namespace it is started in; its store, run files and networks are in the
temporary folder. netavark makes podman0 and its table with the first container and removes the bridge with the last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.engines.docker import HOST_ADDRESS, HTTPD, LAN_ADDRESS, START, Container, DockerHost
from tests.harness.baseline import Baseline
from tests.harness.netns import CommandFailed, End, run
from tests.harness.processes import wait

PROGRAMS = ("podman", "conmon", "runc", "nft", "iptables", "conntrack", "ip", "nsenter", "sysctl", "busybox")
BRIDGE = "podman0"
#: Which addresses are taken, Podman keeps for the whole machine, in a file outside of the store: of the network's upper
#: half each run of the tests has one address of its own, so that no container of another run can hold it.
WEB_ADDRESS = str(ip_address("10.88.128.0") + os.getpid() % (1 << 15))


@dataclass
class PodmanHost(DockerHost):
    """A host whose containers are Podman's. Build with `podman_host()`."""

    def start(self) -> None:
        """Builds the two namespaces and imports the image."""
        self.host, self.lan = self.world.netns("host"), self.world.netns("lan")
        up0 = End(self.host, "up0", (f"{HOST_ADDRESS}/24",))
        self.world.veth(up0, End(self.lan, "eth0", (f"{LAN_ADDRESS}/24",)))
        self.host.route(f"default via {LAN_ADDRESS}")
        self._import_image()
        self.baselines = (Baseline.read(self.host), Baseline.read(self.lan))

    def docker(self, *argv: str) -> str:
        """Runs the podman client on this host's store."""
        return run(self._client(*argv))

    def _client(self, *argv: str) -> list[str]:
        folders = {"--root": "root", "--runroot": "run", "--tmpdir": "tmp", "--network-config-dir": "networks"}
        store = [word for option, name in folders.items() for word in (option, str(self.folder / name))]
        options = ["--runtime", "/usr/sbin/runc", "--cgroup-manager=cgroupfs", "--storage-driver=vfs"]
        client = ["env", "PODMAN_IGNORE_CGROUPSV1_WARNING=1", "podman", *store, *options]
        return self.host.enter([*client, *argv])

    def container(self, name: str, *options: str, command: Sequence[str] = HTTPD) -> Container:
        """Starts a container and waits until an httpd in it listens. `web` is always at the same address."""
        fixed = ("--ip", WEB_ADDRESS) if name == "web" and "--network" not in options else ()
        made = super().container(name, *fixed, *options, command=command)
        if any(link["ifname"] == BRIDGE for link in self.host.ip_json("link show")):
            self.host.quicken(BRIDGE)
        return made

    def inspect(self, name: str) -> Container:
        """A container that runs."""
        row = json.loads(self.docker("inspect", name))[0]
        return Container(name, row["Id"], row["State"]["Pid"])

    def clear(self) -> None:
        """Removes containers and networks. What was done to the host's namespace stays."""
        self.stop_servers()
        self._remove_containers()
        self.docker("network", "prune", "-f")

    def _remove_containers(self) -> None:
        """Rules that a test removed are not there to be removed again, which podman reports and goes on."""
        try:
            self.docker("rm", "-f", "-t", "0", "-a")
        except CommandFailed:
            self.docker("rm", "-f", "-t", "0", "-a")

    def _stop_daemon(self) -> None:
        """There is none; the containers go with their monitors."""
        if (self.folder / "root").exists():
            self._remove_containers()

    def settings(self) -> dict[str, str]:
        """The environment in which a plain `podman` acts on this host's store."""
        store = f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n'
        engine = f'[engine]\ntmp_dir = "{self.folder}/tmp"\ncgroup_manager = "cgroupfs"\n'
        network = f'[network]\nnetwork_config_dir = "{self.folder}/networks"\n'
        (self.folder / "storage.conf").write_text(store)
        (self.folder / "containers.conf").write_text(engine + network)
        files = {"CONTAINERS_STORAGE_CONF": "storage.conf", "CONTAINERS_CONF": "containers.conf"}
        found = {name: str(self.folder / file) for name, file in files.items()}
        return {**os.environ, **found, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}

    @contextmanager
    def api(self) -> Iterator[Path]:
        """Podman's API on a socket, for the length of a `with` block."""
        socket = self.folder / "podman.sock"
        service = self.world.start(self._client("system", "service", "--time=0", f"unix://{socket}"))
        try:
            wait(socket.exists, "the API of podman does not start", START)
            yield socket
        finally:
            self.world.stop(service)

    def reload(self, name: str) -> None:
        """Has podman make a container's rules again."""
        self.docker("network", "reload", name)


@contextmanager
def podman_host() -> Iterator[PodmanHost]:
    """A host for the length of a `with` block."""
    host = PodmanHost()
    try:
        host.start()
        yield host
    finally:
        host.close()
