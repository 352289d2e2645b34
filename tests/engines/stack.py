"""A real Docker Engine with networks of a user's own, containers that have a C library's `getent` and `curl`, and a
resolver on the LAN. What a client in a container gets is asked for beside what portscope says of it.

    lan 10.77.0.2 dnsmasq ── HOST ─┬─ docker0
                                   ├─ front, back
                                   └─ inner (--internal)
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.engines.docker import LAN_ADDRESS, DockerHost
from tests.engines.images import image_layer
from tests.harness.processes import wait

#: The image with the programs below, beside the plain one.
FULL = "full"
CLIENTS = ("getent", "curl")
PROXIES = ("nginx", "haproxy", "apache2", "caddy")
PROGRAMS = (*CLIENTS, "dnsmasq")
NETWORKS = ("front", "back")
#: A name that the LAN's resolver has, and its address.
BLOG, BLOG_ADDRESS = "blog.example.test", LAN_ADDRESS
#: Seconds that a client waits at most.
PATIENCE = 20


@dataclass(frozen=True)
class Looked:
    """What getent found in a container: its exit code, the addresses, and the seconds it took."""

    code: int
    addresses: tuple[str, ...]
    seconds: float


class Stack(DockerHost):
    """The host; build with `stack(…)`."""

    def start(self) -> None:
        """Builds the host, then its networks, the second image and the LAN's resolver."""
        super().start()
        folder = self.folder / "full"
        folder.mkdir()
        files = {"/etc/nginx/mime.types": "types {}\n"}
        self.docker("import", str(image_layer(folder, (*CLIENTS, *self.programs), files)), FULL)
        words = [
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--user=root",
            "--pid-file",
        ]
        words += [f"--address=/{BLOG}/{BLOG_ADDRESS}", "--local=/example.test/", "--local=//", "--log-facility=-"]
        self.resolver = self.world.start(self.lan.enter(["dnsmasq", *words]), stdout=subprocess.DEVNULL)
        wait(lambda: self.lan.listening(53), "dnsmasq does not listen")
        self.lan.route("172.16.0.0/12 via 10.77.0.1")
        for network in NETWORKS:
            self.docker("network", "create", network)
        self.docker("network", "create", "--internal", "inner")

    programs: Sequence[str] = ()

    def run(self, name: str, *options: str, command: Sequence[str] = ("/bin/sleep", "1000")) -> str:
        """Starts a container of the full image; its name."""
        self.docker("run", "-d", "--name", name, *options, FULL, *command)
        return name

    def within(self, container: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A program in a container, as `docker exec` runs it."""
        argv = ["docker", "-H", f"unix://{self.socket}", "exec", container, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)

    def within_logs(self, container: str) -> str:
        """What a container wrote."""
        argv = ["docker", "-H", f"unix://{self.socket}", "logs", container]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stderr

    def looks_up(self, container: str, name: str) -> Looked:
        """What the C library of a container finds."""
        begun = time.monotonic()
        done = self.within(container, "/usr/bin/getent", "ahosts", name)
        addresses = tuple(dict.fromkeys(line.split()[0] for line in done.stdout.splitlines() if line.strip()))
        return Looked(done.returncode, addresses, time.monotonic() - begun)

    def fetches(self, container: str, url: str, *options: str) -> tuple[int, int]:
        """curl's exit code and the HTTP status, 0 for none."""
        words = ("-s", "-o", "/dev/null", "-m", str(PATIENCE), "-w", "%{http_code}", *options, url)
        done = self.within(container, "/usr/bin/curl", *words)
        return done.returncode, int(done.stdout or 0)

    def asks(self, target: str, source: str) -> dict[str, Any]:
        """What portscope says of it."""
        return self.why(target, "--from", source)

    def mends(self, answer: dict[str, Any]) -> None:
        """Runs the first fix of each cause, in order."""
        for cause in answer["causes"]:
            changing = [fix for fix in cause["fixes"] if fix["commands"]]
            for argv in changing[0]["commands"] if changing else ():
                done = subprocess.run(self.host.enter(argv), capture_output=True, text=True, timeout=60, check=False)
                assert done.returncode == 0, json.dumps([argv, done.stderr])


@contextmanager
def stack(*programs: str) -> Iterator[Stack]:
    """The host for the length of a `with` block, its second image with more programs."""
    host = Stack({"dns": [LAN_ADDRESS]})
    host.programs = programs
    try:
        host.start()
        yield host
    finally:
        host.close()
