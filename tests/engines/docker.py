"""A real Docker Engine in a network namespace of its own, with a LAN beside it.

    lan 10.77.0.2 ── 10.77.0.1 up0  HOST  docker0 172.17.0.1 ── web 172.17.0.2

`DockerHost` owns all of it: the namespaces (a `World`), dockerd with its containerd, and one temporary folder
with data, sockets and the image, which is a busybox imported from this machine. `close()` removes the
containers, ends the daemon by its process id, unmounts and deletes the folder, and removes the namespaces,
whether or not the start succeeded.

An engine takes a second to start and is shared by many tests; `fresh()` brings it to the healthy state before
each: no containers but a new `web`, both namespaces as they were after start-up (see `baseline`), no tracked
flows and no learned neighbours.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import loads
from tests.harness.baseline import Baseline
from tests.harness.netns import CommandFailed, End, Netns, World, run
from tests.harness.probe import Result, probe
from tests.harness.processes import gone, running, wait
from tests.harness.servers import serve

PROGRAMS = (
    "dockerd",
    "docker",
    "containerd",
    "runc",
    "iptables",
    "iptables-legacy",
    "nft",
    "conntrack",
    "ip",
    "nsenter",
    "setpriv",
    "sysctl",
    "busybox",
)
IMAGE = "bb"
APPLETS = ("sh", "httpd", "nc", "sleep", "ip", "cat", "kill")
HTTPD = ("/bin/httpd", "-f", "-p", "80")
#: Seconds for the daemon to answer, and for it to stop all containers and end.
START, STOP = 30.0, 20.0
REPOSITORY = Path(__file__).resolve().parents[2]

HOST_ADDRESS, LAN_ADDRESS = "10.77.0.1", "10.77.0.2"


@dataclass(frozen=True)
class Container:
    """A running container: its name, and the namespace that its first process is in."""

    name: str
    id: str
    pid: int

    @property
    def netns(self) -> Netns:
        """Its network namespace, entered by its process."""
        return Netns(f"/proc/{self.pid}/ns/net")


@dataclass
class DockerHost:
    """A running engine. Build with `docker_host(…)`; `options` are entries of dockerd's daemon.json."""

    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World()
        self.folder = Path(tempfile.mkdtemp(prefix="portscope-docker-"))
        self.socket = self.folder / "docker.sock"
        self._servers: list[subprocess.Popen[str]] = []
        self._daemon: subprocess.Popen[str] | None = None

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Builds the two namespaces, starts the daemon in one, imports the image."""
        self.host, self.lan = self.world.netns("host"), self.world.netns("lan")
        up0 = End(self.host, "up0", (f"{HOST_ADDRESS}/24",))
        self.world.veth(up0, End(self.lan, "eth0", (f"{LAN_ADDRESS}/24",)))
        self.host.route(f"default via {LAN_ADDRESS}")
        config = self.folder / "daemon.json"
        config.write_text(json.dumps(self._config()))
        with (self.folder / "log").open("w") as log:
            argv = self.host.enter(["dockerd", "--config-file", str(config)])
            self._daemon = self.world.start(argv, stdout=log, stderr=log)
        self._await_daemon()
        self._import_image()
        self.host.quicken("docker0")
        self.baselines = (Baseline.read(self.host), Baseline.read(self.lan))

    def _config(self) -> dict[str, Any]:
        return {
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "docker.pid"),
            "hosts": [f"unix://{self.socket}"],
            **self.options,
        }

    def _await_daemon(self) -> None:
        until = time.monotonic() + START
        while time.monotonic() < until and self._daemon and self._daemon.poll() is None:
            with suppress(CommandFailed):
                self.docker("version")
                return
            time.sleep(0.05)
        raise CommandFailed(f"dockerd did not start: {(self.folder / 'log').read_text()[-800:]}")

    def _import_image(self) -> None:
        self.docker("import", str(self._image_layer()), IMAGE)

    def _image_layer(self) -> Path:
        """The files of the image as an archive."""
        root = self.folder / "image" / "bin"
        root.mkdir(parents=True)
        shutil.copy(shutil.which("busybox") or "busybox", root / "busybox")
        for applet in APPLETS:
            (root / applet).symlink_to("busybox")
        archive = self.folder / "image.tar"
        run(["tar", "-C", str(root.parent), "-cf", str(archive), "."])
        return archive

    def close(self) -> None:
        """Removes everything; each step is made even when one before it failed."""
        with ExitStack() as steps:
            steps.callback(shutil.rmtree, self.folder)
            steps.callback(self._unmount)
            steps.callback(self.world.close)
            steps.callback(self._stop_daemon)
            if self._daemon and self._daemon.poll() is None:
                steps.callback(self._remove_containers)

    def _remove_containers(self) -> None:
        names = self.docker("ps", "-aq").split()
        if names:
            self.docker("rm", "-f", *names)

    def _stop_daemon(self) -> None:
        """Ends dockerd, and its containerd if dockerd could not take it along."""
        pids = self.containerd_pids()
        if self._daemon:
            self.world.stop(self._daemon, STOP)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        wait(lambda: all(gone(pid) for pid in pids), f"containerd {pids} does not end", STOP)

    def containerd_pids(self) -> list[int]:
        """This engine's containerd and its shims: they have our folder on their command line."""
        ours = f"{self.folder}/"
        return [
            process.pid
            for process in running()
            if process.name.startswith("containerd") and any(word.startswith(ours) for word in process.words)
        ]

    def _unmount(self) -> None:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in reversed([point for point in points if point.startswith(f"{self.folder}/")]):
            run(["umount", point])

    # -- use ----------------------------------------------------------------------------------------------

    def docker(self, *argv: str) -> str:
        """The docker client on this engine."""
        return run(["docker", "-H", f"unix://{self.socket}", *argv])

    def container(self, name: str, *options: str, command: Sequence[str] = HTTPD) -> Container:
        """Starts a container and waits until an httpd in it listens."""
        self.docker("run", "-d", "--name", name, *options, IMAGE, *command)
        container = self.inspect(name)
        for link in container.netns.ip_json("link show"):
            container.netns.quicken(link["ifname"])
        if command[0].endswith("httpd"):
            port = int(command[command.index("-p") + 1].rpartition(":")[2])
            wait(lambda: container.netns.listening(port), f"{name} does not listen on {port}")
        return container

    def inspect(self, name: str) -> Container:
        """A container that runs."""
        row = json.loads(self.docker("inspect", name))[0]
        return Container(name, row["Id"], row["State"]["Pid"])

    def remove(self, name: str) -> None:
        """Removes a container, running or not."""
        self.docker("rm", "-f", name)

    def proxies(self) -> list[int]:
        """This engine's docker-proxy processes."""
        daemon = int((self.folder / "docker.pid").read_text())
        return [process.pid for process in running() if process.name == "docker-proxy" and process.parent == daemon]

    def kill_proxies(self) -> None:
        """docker-proxy dies; the engine does not notice."""
        for pid in self.proxies():
            os.kill(pid, signal.SIGKILL)
        wait(lambda: not self.proxies(), "docker-proxy does not end")

    def serve(self, netns: Netns, name: str, *specs: str) -> None:
        """A server of ours in a namespace, until the next healthy state."""
        self._servers.append(serve(self.world, netns, name, *specs))

    def stop_servers(self) -> None:
        """Ends what `serve` started."""
        while self._servers:
            self.world.stop(self._servers.pop())

    def neighbour(self, name: str, network: str = "bridge") -> Container:
        """A second container that only waits, on web's bridge or on a network of its own."""
        if network not in ("bridge", "host", "none"):
            self.docker("network", "create", network)
        return self.container(name, "--network", network, command=("/bin/sleep", "1000"))

    def probe(self, source: Netns, address: str, port: int, protocol: str = "tcp") -> Result:
        """What a real client in a namespace sees."""
        return probe(source.path, address, port, protocol)

    def why(self, target: str, *options: str) -> dict[str, Any]:
        """`portscope why TARGET … --json` as a user of this host runs it."""
        argv = self.host.enter([sys.executable, "-m", "workbench.start", "why", target, *options, "--json"])
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=REPOSITORY)
        if not done.stdout.strip():
            raise CommandFailed(f"why {target}: exit {done.returncode}: {done.stderr.strip()}")
        answer: dict[str, Any] = json.loads(done.stdout)
        answer["exit"] = done.returncode
        return answer

    def snapshot(self) -> Snapshot:
        """What `portscope snapshot` sees of this host."""
        return loads(run(self.host.enter([sys.executable, "-m", "workbench.start", "snapshot"]), cwd=REPOSITORY))

    # -- the healthy state -----------------------------------------------------------------------------------

    def fresh(self, *options: str, command: Sequence[str] = HTTPD) -> Container:
        """The healthy host with a new `web` (published as 8080→80 unless options say otherwise)."""
        self.empty()
        return self.container("web", *(options or ("-p", "8080:80")), command=command)

    def empty(self) -> None:
        """The healthy host without containers and without networks of a user's own."""
        self.clear()
        for baseline in self.baselines:
            baseline.restore()
        self.forget()

    def clear(self) -> None:
        """Ends everything that runs on the host beside the engine. What was done to its namespace stays."""
        self.stop_servers()
        self._remove_containers()
        for network in self.docker("network", "ls", "-q", "--filter", "type=custom").split():
            self.docker("network", "rm", network)

    def forget(self) -> None:
        """No tracked flows, and no learned neighbours (permanent ones stay)."""
        self.host.run("conntrack", "-F")
        for netns in (self.host, self.lan):
            netns.run("ip", "neigh", "flush", "all")


@contextmanager
def docker_host(**options: Any) -> Iterator[DockerHost]:
    """An engine for the length of a `with` block. Keyword names are daemon.json's with `_` for `-`."""
    engine = DockerHost({name.replace("_", "-"): value for name, value in options.items()})
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
