"""A real Swarm of two machines, with an attachable overlay network that both have a container in.

    node1 (manager) 10.9.0.1 ── eth0 ── eth0 ── 10.9.0.2 node2
    web 10.0.1.x:80  ═══════════ overlay ov ═══════════  cli 10.0.1.y

Each node is a machine (`tests.harness.machine`) with a Docker Engine of its own, whose files are in the machine's
memory and go with it. A client is a process in cli's network namespace: `docker exec` needs a cgroup that is not there.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import loads
from engine.several.joining import joined
from engine.several.naming import Given
from tests.engines.images import image_layer
from tests.harness.machine import Machine, Machines
from tests.harness.netns import CommandFailed

#: Seconds for an engine to answer, and for an overlay's entries to be written.
START, SETTLE = 40.0, 15.0
#: The cgroup controllers of this machine, mounted again: a machine's /sys is new, and an engine wants them below it.
CGROUPS = """
mount -t tmpfs cgroups /sys/fs/cgroup
sed -n 's/^[^ ]* [^ ]*cgroup\\/\\([a-z_,]*\\) cgroup .*/\\1/p' /mnt/mounts | while read -r name; do
    mkdir -p "/sys/fs/cgroup/$name"
    mount -t cgroup -o "$name" cgroups "/sys/fs/cgroup/$name" 2>/dev/null || rmdir "/sys/fs/cgroup/$name"
done
[ -n "$(ls /sys/fs/cgroup)" ] || mount -t cgroup2 cgroups /sys/fs/cgroup
"""
ENGINE = {
    "data-root": "/mnt/docker",
    "exec-root": "/run/docker",
    "pidfile": "/run/docker.pid",
    "hosts": ["unix:///run/docker.sock"],
    "storage-driver": "vfs",
}
#: Connects, and says what came of it in the words of an answer.
CLIENT = """
import errno, socket, sys
words = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "host-unreachable", errno.ENETUNREACH: "net-unreachable"}
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close(); print("connected")
except TimeoutError: print("timeout")
except OSError as error: print(words.get(error.errno, error))
"""


class Node:
    """A machine with an engine."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.machine, self.address = machine, address
        machine.ip(f"address add {address}/24 dev eth0")
        machine.run("sh", "-c", "cat > /mnt/mounts", stdin=Path("/proc/mounts").read_text())
        machine.run("sh", "-c", CGROUPS)
        machine.run("sh", "-c", "cat > /mnt/daemon.json", stdin=json.dumps(ENGINE))
        engine = "echo starts; exec dockerd --config-file /mnt/daemon.json >/mnt/log 2>&1"
        machine.start("sh", "-c", engine, ready="starts")

    def docker(self, *words: str) -> str:
        """What the engine's client prints. Raises `CommandFailed`."""
        return self.machine.run("docker", "-H", "unix:///run/docker.sock", *words).strip()

    def ready(self) -> None:
        """Waits for the engine. Raises `CommandFailed`."""
        until = time.monotonic() + START
        while time.monotonic() < until:
            try:
                self.docker("version")
            except CommandFailed:
                time.sleep(0.1)
            else:
                return
        raise CommandFailed(f"dockerd of {self.machine.name} did not start: {self.machine.run('tail', '/mnt/log')}")

    def pid(self, container: str) -> str:
        """The first process of a container."""
        return self.docker("inspect", "-f", "{{.State.Pid}}", container)

    def overlay(self, *argv: str) -> str:
        """Runs a command in the namespace of the overlay `ov`, which is called by the network's id."""
        name = f"1-{self.docker('network', 'inspect', '-f', '{{.Id}}', 'ov')[:10]}"
        return self.machine.run("nsenter", f"--net=/run/docker/netns/{name}", *argv)


class Swarm(ExitStack):
    """Both nodes; all of it ends with the block."""

    def __enter__(self) -> Swarm:
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="portscope-swarm-"))
        self.callback(shutil.rmtree, folder)
        made = self.enter_context(Machines())
        machines = made.machine("node1"), made.machine("node2")
        made.wire(machines[0], "eth0", machines[1], "eth0")
        self.manager, self.worker = Node(machines[0], "10.9.0.1"), Node(machines[1], "10.9.0.2")
        layer = image_layer(folder)
        for node in (self.manager, self.worker):
            node.ready()
            node.docker("import", str(layer), "bb")
        self.manager.docker("swarm", "init", "--advertise-addr", self.manager.address)
        token = self.manager.docker("swarm", "join-token", "-q", "worker")
        self.worker.docker("swarm", "join", "--token", token, "--advertise-addr", self.worker.address, "10.9.0.1:2377")
        self.manager.docker("network", "create", "-d", "overlay", "--attachable", "ov")
        self.manager.docker("run", "-d", "--name", "web", "--network", "ov", "bb", "/bin/httpd", "-f", "-p", "80")
        self.worker.docker("run", "-d", "--name", "cli", "--network", "ov", "bb", "/bin/sleep", "600")
        self.web = self.manager.docker("inspect", "-f", "{{.NetworkSettings.Networks.ov.IPAddress}}", "web")
        until = time.monotonic() + SETTLE
        while self.ask(80) != "connected" and time.monotonic() < until:
            time.sleep(0.2)

    def ask(self, port: int) -> str:
        """What a client in cli sees of web's port."""
        netns = f"--net=/proc/{self.worker.pid('cli')}/ns/net"
        return self.worker.machine.run("nsenter", netns, "python3", "-I", "-c", CLIENT, self.web, str(port)).strip()

    def snapshot(self) -> Snapshot:
        """Both nodes, each read on itself."""
        nodes = (self.manager.machine, self.worker.machine)
        return joined([Given(loads(each.portscope("snapshot")), each.name) for each in nodes])
