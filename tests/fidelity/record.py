"""Records broken Docker hosts with what real clients saw of them, for tests that need neither root nor Docker.

    python -m tests.fidelity.record [NAME…]      as root; all breaks take some ten minutes

For each break `tests/hosts/docker26/NAME.json.gz` is the snapshot that portscope takes of the broken host, and
`tests/hosts/docker26/truth.json` has the symptom that a client got at every vantage point. Only the namespaces of the
test bed are kept, under names that do not change from run to run.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps, loads
from tests.engines.breaks import EVERYWHERE, Break, Vantage, source_of
from tests.engines.docker import DockerHost, docker_host
from tests.engines.tables import PLAIN, WITHOUT_PROXY

FOLDER = Path(__file__).resolve().parents[1] / "hosts" / "docker26"
TRUTH = FOLDER / "truth.json"
HEALTHY = Break("healthy", "connected")


@dataclass(frozen=True)
class Row:
    """One attempt: from a source (a namespace's id in the snapshot) to a target, and how it ended."""

    source: str
    address: str
    port: int
    protocol: str
    symptom: str


def read_truth() -> dict[str, list[Row]]:
    """What clients saw, by the name of the break."""
    return {name: [Row(*row) for row in rows] for name, rows in json.loads(TRUTH.read_text()).items()}


def write_truth(truth: dict[str, list[Row]]) -> None:
    """One line for each attempt, so that recordings can be compared."""
    hosts = []
    for name, rows in sorted(truth.items()):
        lines = ",\n".join(f"    {json.dumps(list(vars(row).values()))}" for row in rows)
        hosts.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
    TRUTH.write_text("{\n" + ",\n".join(hosts) + "\n}\n")


def read_host(name: str) -> Snapshot:
    """A recorded host."""
    return loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()).decode())


def write_host(name: str, snapshot: Snapshot) -> None:
    """The same bytes for the same snapshot."""
    (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(dumps(snapshot).encode(), mtime=0))


def alone(host: DockerHost, snapshot: Snapshot) -> Snapshot:
    """The snapshot without anything of this machine but the test bed, and with names that stay the same."""
    ours = tuple(each for each in snapshot.containers if str(host.socket) in " ".join(each.command))
    keep = {host.host.name, host.lan.name, *(each.netns for each in ours)}
    kept = replace(
        snapshot,
        namespaces=tuple(netns for netns in snapshot.namespaces if netns.id in keep),
        containers=ours,
        networks=tuple(each for each in snapshot.networks if each.engine == "docker"),
        gaps=tuple(each for each in snapshot.gaps if each.netns in keep),
        hostname="host",
        taken_at="",
    )
    text = dumps(kept)
    for ours_here, stable in (
        (host.host.name, "host"),
        (host.lan.name, "lan"),
        (str(host.folder), "/run/docker-of-tests"),
    ):
        text = text.replace(ours_here, stable)
    return loads(text)


def record(host: DockerHost, broken: Break) -> list[Row]:
    """Breaks the host, looks at it, then lets a client try from everywhere."""
    web = host.fresh(*broken.options, command=broken.command)
    host.neighbour("client")
    host.neighbour("far", "farnet")
    vantages = [each for each in dict.fromkeys((broken.vantage, *EVERYWHERE)) if usable(broken, each)]
    broken.make(host, web)
    sources = {each.source: source_of(host, each.source) for each in vantages}
    host.forget()
    snapshot = alone(host, host.snapshot())
    write_host(broken.name, snapshot)

    def attempt(each: Vantage) -> Row:
        seen = host.probe(sources[each.source], each.address, each.port, each.protocol)
        return Row(each.source, each.address, each.port, each.protocol, seen.symptom)

    with ThreadPoolExecutor(len(vantages)) as pool:
        return list(pool.map(attempt, vantages))


def usable(broken: Break, vantage: Vantage) -> bool:
    """Whether web has a namespace of its own to ask from."""
    return vantage.source != "web" or (broken.name != "stopped" and "--network" not in broken.options)


def record_all(host: DockerHost, breaks: Iterable[Break], names: set[str], truth: dict[str, list[Row]]) -> None:
    """Records the breaks of those names; of all, when there are none."""
    for broken in breaks:
        if not names or broken.name in names:
            truth[broken.name] = record(host, broken)
            write_truth(truth)
            print(broken.name, truth[broken.name][0].symptom, flush=True)


def main(names: set[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    truth = read_truth() if names and TRUTH.exists() else {}
    with docker_host() as host:
        record_all(host, (HEALTHY, *PLAIN), names, truth)
    with docker_host(userland_proxy=False) as host:
        record_all(host, WITHOUT_PROXY, names, truth)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
