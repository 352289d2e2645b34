"""Whether the rows of a fleet are what real clients see: sampled hosts are rebuilt as twins, and all their cells tried.

    python -m tests.fidelity.fleets --hosts 200 --seed 7      as root

Half of the hosts are recorded ones with a fault each, half are made by chance; all are renumbered, as the hosts of a
fleet differ. Rows are those of `portscope fleet answer`: most are shared between hosts that are alike.
"""

from __future__ import annotations

import argparse
import gzip
import secrets
import sys
import threading
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from engine.fleet.sharing import Sharing
from engine.fleet.zones import client, zones_of
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Question, Reach
from engine.observe.recording.snapshot_file import dumps, loads
from tests.fidelity.fleet_host import FleetHost
from tests.fidelity.fuzz.generate import scenario
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.fidelity.fuzz.twinning import Twinned, judged
from tests.fidelity.fuzz.worker import Worker, share
from tests.fleet.renumbered import renumbered

RECORDED = sorted((Path(__file__).parents[1] / "hosts" / "docker26").glob("*.json.gz"))
ZONES = zones_of("internet,lan,office=10.8.0.0/16,partner=100.64.7.0/24")
#: Hosts made by chance of which each renumbered one is.
KINDS = 40


def tried(host: FleetHost) -> Twinned:
    """A host's rows, and what clients of its twin see."""
    try:
        text = renumbered(_kind(host), host.name)
    except Refused as error:
        return Twinned(host.name, refused=str(error))
    return judged(host.name, loads(text), _predicted(loads(text), text, host.name))


def _kind(host: FleetHost) -> str:
    number, chance = divmod(host.number, 2)
    if not chance:
        return gzip.decompress(RECORDED[number % len(RECORDED)].read_bytes()).decode()
    return _made(host.seed, number % KINDS)


@cache
def _made(seed: int, number: int) -> str:
    """The snapshot of a host that chance makes. Raises Refused."""
    stage = Stage(scenario(seed, number))
    try:
        return dumps(stage.look())
    finally:
        stage.close()


@cache
def _sharing() -> Sharing:
    """What this worker has found, for all its hosts."""
    return Sharing()


def _predicted(snapshot: Snapshot, text: str, name: str) -> list[tuple[Question, Symptom]]:
    zones = {zone.name: zone for zone in ZONES}
    found = []
    for row in _sharing().rows(text, name, ZONES):
        if row.verdict in (Reach.YES, Reach.NO):
            address = ip_address(row.address)
            source = client(snapshot, zones[row.zone], address.version)
            found.append((Question(source, address, row.port, Protocol(row.protocol)), Symptom(row.symptom)))
    return found


def outcomes(seed: int, hosts: int, jobs: int) -> list[Twinned]:
    """What came of the hosts of a seed's fleet, by `jobs` workers."""
    found: list[Twinned] = []
    lock = threading.Lock()

    def one(worker: Worker[Twinned], number: int) -> None:
        answer = worker.ask(FleetHost(seed, number))
        with lock:
            found.append(answer)

    share("fleets", jobs, iter(range(hosts)), one)
    return [each for each in found if not each.refused]


def main() -> int:
    """Exit code 1 where a client sees something else on a twin that has everything."""
    options = argparse.ArgumentParser(prog="python -m tests.fidelity.fleets", description=__doc__)
    options.add_argument("--hosts", type=int, default=20, metavar="N")
    options.add_argument("--seed", type=int, default=None, metavar="S", help="default: a new one, which is printed")
    options.add_argument("--jobs", type=int, default=2, metavar="J")
    options.add_argument("--keep", type=Path, metavar="DIR", help="write the snapshots of twins that differ")
    asked = options.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    found = outcomes(seed, asked.hosts, asked.jobs)
    for each in found:
        if each.wrong:
            print("\n".join((each.name, *(f"    {line}" for line in (*each.left_out, *each.wrong)))))
            if asked.keep:
                (asked.keep / f"{each.name}.json").write_text(each.snapshot)
    cells, agree = sum(each.cells for each in found), sum(each.agree for each in found)
    partial = sum(bool(each.left_out) for each in found)
    print(f"{len(found)} hosts, {partial} with something left out: {agree} of {cells} cells as the rows say")
    return 1 if any(each.wrong and not each.left_out for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
