"""A host with many containers, as Docker Engine 26 leaves it, in network namespaces of its own.

    lan 10.77.0.2 ── 10.77.0.1 up0  HOST  br-app 172.30.0.1 ── eth0 of each container, 172.30.x.y

Every container has a namespace with a veth on the host's bridge, a default route, a process that listens, and the rules
and sockets of Docker's name server at 127.0.0.11. The host publishes port 80 of each, with the rules and the two
docker-proxy processes for it. In place of dockerd a small process answers for the containers (`engine_api`), because a
real one needs two minutes and gigabytes for two hundred; the rules are its own, written by iptables-nft.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.docker_rules import RESOLVER, rules_of
from tests.harness.netns import End, Netns, World

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = ("ip", "nsenter", "setpriv", "iptables-nft-restore", "docker-proxy", "ss", "nft")
HOST_ADDRESS, LAN_ADDRESS = "10.77.0.1", "10.77.0.2"
BRIDGE, GATEWAY, PREFIX = "br-0123456789ab", "172.30.0.1", 16
NETWORK_ID = "0123456789ab".ljust(64, "0")
FIRST_PORT = 20000
#: Namespaces that one batch of commands sets up at the same time.
_AT_ONCE = 4


@dataclass(frozen=True)
class Tenant:
    """A container of the host: its number, its process, and the file that enters its namespace."""

    number: int
    pid: int
    sandbox: str

    @property
    def netns(self) -> Netns:
        """Its network namespace."""
        return Netns(self.sandbox)

    @property
    def address(self) -> str:
        """Its address on the bridge."""
        return f"172.30.{1 + self.number // 250}.{1 + self.number % 250}"

    @property
    def port(self) -> int:
        """The host's port that leads to its port 80."""
        return FIRST_PORT + self.number

    @property
    def mac(self) -> str:
        """The address of its device, as Docker makes it of the IP address."""
        return "02:42:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))


@dataclass(frozen=True)
class LargeHost:
    """The host's namespace, the LAN's, the containers, and the socket and pid of what answers for their engine."""

    host: Netns
    lan: Netns
    tenants: tuple[Tenant, ...]
    socket: str
    engine: int

    @property
    def namespaces(self) -> tuple[Netns, ...]:
        """All namespaces, the host's first."""
        return (self.host, self.lan, *(each.netns for each in self.tenants))


@contextmanager
def large_host(count: int) -> Iterator[LargeHost]:
    """Builds the host with `count` containers; at the end all of it is gone, also where SIGTERM is the end. Raises
    CommandFailed."""
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(tempfile.mkdtemp(prefix="portscope-bench-"))
    try:
        with World() as world:
            yield _build(world, folder, count)
    finally:
        shutil.rmtree(folder)


def _leave(number: int, _frame: object) -> None:
    """Ends the program; a signal that comes again (timeout(1) sends two) does not end its tidying up."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _build(world: World, folder: Path, count: int) -> LargeHost:
    host, lan = world.netns("host"), world.netns("lan")
    world.veth(End(host, "up0", (f"{HOST_ADDRESS}/24",)), End(lan, "eth0", (f"{LAN_ADDRESS}/24",)))
    host.route(f"default via {LAN_ADDRESS}")
    host.sysctl("net.ipv4.ip_forward", 1)
    tenants = _tenants(world, folder, count)
    _wire(host, tenants)
    socket = str(folder / "docker.sock")
    file = folder / "engine.json"
    answers = {"answers": _documents(tenants), "resolvers": [each.sandbox for each in tenants]}
    file.write_text(json.dumps(answers))
    argv = host.enter([sys.executable, "-m", "bench.engine_api", socket, str(file)])
    engine, *ports = _said(world, argv)
    for tenant, tcp, udp in zip(tenants, ports[::2], ports[1::2], strict=True):
        tenant.netns.run("iptables-nft-restore", "--noflush", stdin=RESOLVER.format(tcp=tcp, udp=udp))
    host.run(
        "iptables-nft-restore", "--noflush", stdin=rules_of(BRIDGE, [(each.address, each.port) for each in tenants])
    )
    for tenant in tenants:
        _proxies(world, host, tenant)
    return LargeHost(host, lan, tenants, socket, engine)


def _said(world: World, argv: list[str]) -> list[int]:
    """Starts a process of the repository and returns the numbers behind its `ready`."""
    process = world.start(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=None)
    assert process.stdout is not None
    words = process.stdout.readline().split()
    if words[:1] != ["ready"]:
        raise RuntimeError(f"{argv} did not start")
    return [int(word) for word in words[1:]]


def _tenants(world: World, folder: Path, count: int) -> tuple[Tenant, ...]:
    pids = _said(world, [sys.executable, "-m", "bench.tenants", str(count)])
    (folder / "netns").mkdir()
    found = []
    for number, pid in enumerate(pids):
        sandbox = folder / "netns" / f"{number:012x}"
        sandbox.symlink_to(f"/proc/{pid}/ns/net")
        found.append(Tenant(number, pid, str(sandbox)))
    return tuple(found)


def _wire(host: Netns, tenants: tuple[Tenant, ...]) -> None:
    """The bridge, and a veth pair with address and routes for each container."""
    host.run("ip", "-batch", "-", stdin="\n".join(
        [f"link add {BRIDGE} type bridge", f"address add {GATEWAY}/{PREFIX} dev {BRIDGE}", f"link set {BRIDGE} up"]
        + [
            line
            for each in tenants
            for line in (
                f"link add veth{each.number} type veth peer name eth0 address {each.mac} netns {each.pid}",
                f"link set veth{each.number} master {BRIDGE} up",
            )
        ]
    ))  # fmt: skip
    for each in tenants:
        lines = ("link set lo up", "link set eth0 up", f"address add {each.address}/{PREFIX} dev eth0",
                 f"route add default via {GATEWAY}",
                 f"neighbour replace {GATEWAY} lladdr 02:42:00:00:00:01 dev eth0 nud reachable")  # fmt: skip
        each.netns.run("ip", "-batch", "-", stdin="\n".join(lines))


def _proxies(world: World, host: Netns, tenant: Tenant) -> None:
    """docker-proxy for both families; it tells on descriptor 3 that it listens."""
    for address in ("0.0.0.0", "::"):
        words = ["-proto", "tcp", "-host-ip", address, "-host-port", str(tenant.port)]
        words += ["-container-ip", tenant.address, "-container-port", "80"]
        script = 'exec 3>&1 >/dev/null; exec docker-proxy "$@"'
        world.start(host.enter(["sh", "-c", script, "sh", *words]), ready="0")


def _documents(tenants: tuple[Tenant, ...]) -> dict[str, Any]:
    """What dockerd answers, by resource; inspections are as long as real ones."""
    network = {
        "Name": "app", "Id": NETWORK_ID, "Driver": "bridge", "Internal": False, "Options": {}, "Labels": {},
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.30.0.0/16", "Gateway": GATEWAY}]},
    }  # fmt: skip
    answers: dict[str, Any] = {"/networks": [network], "/containers/json?all=1": [_summary(each) for each in tenants]}
    return answers | {f"/containers/{_id(each)}/json": _inspection(each) for each in tenants}


def _id(tenant: Tenant) -> str:
    return f"{tenant.number + 1:064x}"


def _summary(tenant: Tenant) -> dict[str, Any]:
    return {
        "Id": _id(tenant), "Names": [f"/web{tenant.number}"], "Image": "web:1", "ImageID": "sha256:" + "1" * 64,
        "Command": "/bin/httpd -f -p 80", "Created": 1764000000, "State": "running", "Status": "Up 2 hours",
        "Ports": [{"IP": ip, "PrivatePort": 80, "PublicPort": tenant.port, "Type": "tcp"} for ip in ("0.0.0.0", "::")],
        "Labels": {"com.docker.compose.project": "app", "com.docker.compose.service": "web"},
        "HostConfig": {"NetworkMode": "app"}, "Mounts": [],
        "NetworkSettings": {"Networks": {"app": _endpoint(tenant)}},
    }  # fmt: skip


def _endpoint(tenant: Tenant) -> dict[str, Any]:
    return {
        "IPAMConfig": None, "Links": None, "Aliases": [f"web{tenant.number}"], "MacAddress": tenant.mac,
        "NetworkID": NETWORK_ID, "EndpointID": _id(tenant), "Gateway": GATEWAY, "IPAddress": tenant.address,
        "IPPrefixLen": PREFIX, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
        "DriverOpts": None, "DNSNames": [f"web{tenant.number}"],
    }  # fmt: skip


def _inspection(tenant: Tenant) -> dict[str, Any]:
    bound = [{"HostIp": ip, "HostPort": str(tenant.port)} for ip in ("0.0.0.0", "::")]
    kept = [f"/proc/{name}" for name in ("asound", "acpi", "kcore", "keys", "latency_stats", "timer_list", "scsi")]
    limits = dict.fromkeys(
        ("CpuShares", "Memory", "NanoCpus", "CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime",
         "KernelMemory", "MemoryReservation", "MemorySwap", "PidsLimit", "CpuCount", "CpuPercent", "ShmSize"), 0
    )  # fmt: skip
    return {
        "Id": _id(tenant), "Created": "2026-11-24T12:00:00.123456789Z", "Path": "/bin/httpd", "Args": ["-f"],
        "State": {"Status": "running", "Running": True, "Pid": tenant.pid, "ExitCode": 0, "Error": ""},
        "Image": "sha256:" + "1" * 64, "Name": f"/web{tenant.number}", "Driver": "overlay2", "Platform": "linux",
        "HostConfig": {"NetworkMode": "app", "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": str(tenant.port)}]},
                       "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}, "MaskedPaths": kept, **limits},
        "GraphDriver": {"Data": {name: f"/var/lib/docker/overlay2/{_id(tenant)}/{name}" for name in
                                 ("LowerDir", "MergedDir", "UpperDir", "WorkDir")}, "Name": "overlay2"},
        "Config": {"Hostname": _id(tenant)[-12:], "Env": [f"VARIABLE_{n}={'v' * 40}" for n in range(12)],
                   "Cmd": ["/bin/httpd", "-f", "-p", "80"], "Image": "web:1",
                   "Labels": {f"org.opencontainers.image.label{n}": "x" * 40 for n in range(12)}},
        "NetworkSettings": {"SandboxID": _id(tenant), "SandboxKey": tenant.sandbox, "Ports": {"80/tcp": bound},
                            "Networks": {"app": _endpoint(tenant)}},
    }  # fmt: skip


def snapshot_argv(host: LargeHost, path: str) -> list[str]:
    """The command line that takes a snapshot of the host into a file."""
    return host.host.enter(
        [
            "env",
            f"DOCKER_HOST=unix://{host.socket}",
            sys.executable,
            "-m",
            "workbench.start",
            "snapshot",
            "--force",
            "-o",
            path,
        ]
    )


def main() -> None:
    """Builds a host and waits for the end of its input, for measurements by hand."""
    with large_host(int(sys.argv[1])) as host:
        print(host.host.name, host.socket, os.getpid(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
