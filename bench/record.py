"""What the flight recorder costs on a host of 200 containers, and how quickly its store answers.

    python -m bench.record [--containers 200] [--seconds 60] [--states 10000]

The recorder runs as users start it, in a process of its own, with one change a second of each kind in turn (a route, an
address, a rule of iptables-nft, a link of a container down and up, a listener), and as long with none. Measured are its
processor's time (user and system, with its children's, in percent of one processor), its memory, and what the store
grows by. Beside it is the naive way: a whole snapshot as JSON, packed by gzip, for each change.

Then a store of so many states (random changes to this host's snapshot, made without a kernel) is asked: `why --at` and
`when` from shell to answer, beside a walk through each state of a part of it.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from bench.large_host import REPOSITORY, LargeHost, large_host
from bench.watch import Changer
from engine.explain.question import resolve
from engine.explain.survey.flip import ending
from engine.model.host import Netns, Snapshot
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import dumps
from engine.recorder.errors import StoreError
from engine.recorder.history import History
from engine.recorder.keeping import Keep, Keeper
from engine.records import replace

KEEP = Keep(timedelta(days=14), 1 << 32)
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--states", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, large_host(arguments.containers) as host:
        os.environ["DOCKER_HOST"] = f"unix://{host.socket}"
        recording(host, Path(folder) / "store", arguments.seconds)
        snapshot = apart(lambda: looked(host))
        naive(snapshot)
        asking(snapshot, Path(folder) / "many", arguments.states)


def looked(host: LargeHost) -> Snapshot:
    enter(NetnsRef(os.stat(host.host.path).st_ino, ways=(host.host.path,)))
    return take()


def recording(host: LargeHost, store: Path, seconds: int) -> None:
    """Records with a change a second, then with none."""
    argv = host.host.enter([sys.executable, "-m", "workbench.start", "record", "--store", str(store)])
    with subprocess.Popen(argv, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as recorder:
        try:
            assert recorder.stderr is not None
            recorder.stderr.readline()
            while not moments(store):
                time.sleep(0.2)
            time.sleep(15)
            pid = recorder.pid
            changer = Changer(host)
            for name, kinds in (("a change a second", every(changer)), ("no change", None)):
                had, size, count, start = spent(pid), grown(store), moments(store), time.monotonic()
                for _ in range(seconds):
                    if kinds is not None:
                        next(kinds)()
                    time.sleep(1)
                percent = 100 * (spent(pid) - had) / (time.monotonic() - start)
                more = moments(store) - count
                print(
                    f"{name:36} {percent:6.2f} % of a processor   {memory(pid) / 1e6:6.1f} MB of memory   "
                    f"{more} moments, {(grown(store) - size) / max(1, more) / 1000:.1f} kB each"
                )
            print(f"{'most memory':36} {memory(pid, 'VmHWM') / 1e6:6.1f} MB")
            changer.close()
        finally:
            recorder.terminate()
            recorder.wait(timeout=60)


def every(changer: Changer) -> Iterator[object]:
    """A change of each kind in turn, and it back."""
    rule = ("FORWARD", "-s", "198.51.100.7", "-j", "DROP")
    ways = [change for kind in islice(changer.kinds(), 5) for change in kind.ways]
    ways += [changer.tool("iptables-nft", "-A", *rule), changer.tool("iptables-nft", "-D", *rule)]
    return cycle([*ways, changer.listen, changer.hang_up])


def naive(snapshot: Snapshot) -> None:
    """A whole snapshot for each change."""
    start = time.process_time()
    packed = gzip.compress(dumps(snapshot).encode(), 6)
    spent_on_it = time.process_time() - start
    print(
        f"{'a whole snapshot a second, packed':36} {100 * spent_on_it:6.2f} % of a processor without reading   "
        f"{len(packed) / 1000:.1f} kB each"
    )


def asking(snapshot: Snapshot, folder: Path, count: int) -> None:
    """Questions to a store of many states."""
    start = time.perf_counter()
    began = datetime.now(UTC) - timedelta(seconds=count)
    with Keeper(folder, KEEP) as keeper:
        for number, state in enumerate(states(snapshot, count)):
            at = began + timedelta(seconds=number)
            keeper.add(replace(state, taken_at=at.isoformat(timespec="milliseconds")))
    took = time.perf_counter() - start
    each_kb = grown(folder) / count / 1000
    print(f"{f'{count} states written':36} {1000 * took / count:9.2f} ms each   {each_kb:9.2f} kB each")
    port = next(port.host_port for _, port in snapshot.published)
    asked = f":{port}"
    with History(folder) as history:
        moment = history.moments[count // 2]
        place = moment.at.isoformat()
        start = time.perf_counter()
        history.state(moment)
        print(f"{'a moment, opened':36} {1000 * (time.perf_counter() - start):9.0f} ms")
        part = history.moments[: count // 20]
        start = time.perf_counter()
        for each in part:
            ending(history.state(each), lambda state: resolve(state, asked, "host"))
        walked = (time.perf_counter() - start) * 20
    for name, words in (("why --at", ("why", asked, "--at", place)), ("when", ("when", asked))):
        start = time.perf_counter()
        argv = [sys.executable, "-m", "workbench.start", *words, "--store", str(folder)]
        subprocess.run(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        print(f"{'portscope ' + name:36} {1000 * (time.perf_counter() - start):9.0f} ms")
    print(f"{'each state read and walked, all of them':36} {1000 * walked:9.0f} ms")


def states(snapshot: Snapshot, count: int) -> Iterator[Snapshot]:
    """Random changes, one after the other: rules, routes, listeners, settings, on the host and in containers."""
    dice = random.Random(7)
    for number in range(count):
        yield snapshot
        host = dice.random() < 0.5
        netns = snapshot.host_netns if host else dice.choice(snapshot.namespaces)
        snapshot = snapshot.with_netns(changed(dice, netns, number))


def changed(dice: random.Random, netns: Netns, number: int) -> Netns:
    """The namespace with one thing more, or less."""
    kind = dice.choice(("routes", "listeners", "neighbours", "sysctls", "rules"))
    if kind == "sysctls":
        return replace(netns, sysctls={**netns.sysctls, "net.ipv4.conf.all.log_martians": number % 2})
    if kind == "rules":
        return ruled(dice, netns, number)
    rows = getattr(netns, kind)
    if len(rows) > 2 and dice.random() < 0.5:
        at = dice.randrange(len(rows))
        return replace(netns, **{kind: (*rows[:at], *rows[at + 1 :])})
    return replace(netns, **{kind: (*rows, dice.choice(rows))}) if rows else netns


def ruled(dice: random.Random, netns: Netns, number: int) -> Netns:
    """The namespace with another comment at one of its rules."""
    tables = [table for table in netns.firewall.tables if any(chain.rules for chain in table.chains)]
    if not tables:
        return netns
    table = dice.choice(tables)
    chain = dice.choice([chain for chain in table.chains if chain.rules])
    at = dice.randrange(len(chain.rules))
    rules = list(chain.rules)
    rules[at] = replace(rules[at], comment=f"change {number}")
    other = replace(chain, rules=tuple(rules))
    chains = tuple(other if each is chain else each for each in table.chains)
    whole = tuple(replace(table, chains=chains) if each is table else each for each in netns.firewall.tables)
    return replace(netns, firewall=replace(netns.firewall, tables=whole))


def moments(store: Path) -> int:
    """How many there are; none while the recorder begins."""
    with suppress(StoreError), History(store) as history:
        return len(history.moments)
    return 0


def grown(store: Path) -> int:
    return sum(each.stat().st_size for each in store.glob("store.db*"))


def spent(pid: int) -> float:
    """Seconds of the processor that a process and its ended children have had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def memory(pid: int, name: str = "VmRSS") -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
