"""How long a twin takes from its file to listening sockets, beside a shell script of `ip`, `sysctl` and restore tools.

    python -m bench.twin [CONTAINERS [RULES]]      as root; in a network and mounts of its own (`unshare`)

Two hosts in turn: one of CONTAINERS (200) containers with published ports and Docker's rules, recorded from a lab, and
one of a few containers with RULES (25,000) rules in a chain. The script is the twin's own (`lab script`): it reads no
file, compares nothing at its end, and starts a Python for each listener.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engine.apply.journal import Header, Journal
from engine.apply.namespaces import run_in
from engine.apply.run import carry_out
from engine.lab import description, lifecycle
from engine.model.firewall import Backend, Chain, Rule
from engine.model.host import Snapshot
from engine.model.where import named
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import save
from engine.records import replace

APART = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
PRIVATE = 'mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"'
NAME = "twbench"


def containers(count: int) -> Snapshot:
    """A host of a lab with so many containers on four networks."""
    rows = [f"  c{number}: {{ports: ['{10000 + number}:80'], networks: [n{number % 4}]}}" for number in range(count)]
    text = "\n".join(["services:", *rows, "networks: {n0: {}, n1: {}, n2: {}, n3: {}}", ""])
    draft = lifecycle.draft(text, "bench.yaml", NAME)
    with carry_out(draft.plan, named(), Journal(Header.new(NAME))):
        return description.alone(run_in(lifecycle.host_path(NAME), take), draft.lab)


def ruled(host: Snapshot, count: int) -> Snapshot:
    """A host with so many rules in a chain of its filter table."""
    netns = host.host_netns
    rules = tuple(
        Rule(number, (), f"-A BAN -s 10.{number >> 16}.{number >> 8 & 255}.{number & 255}/32 -p tcp -j DROP")
        for number in range(count)
    )
    tables = tuple(
        replace(table, chains=(*table.chains, Chain("BAN", rules)))
        if (table.backend, table.family, table.name) == (Backend.XT_NFT, "ip", "filter")
        else table
        for table in netns.firewall.tables
    )
    return host.with_netns(replace(netns, firewall=replace(netns.firewall, tables=tables)))


def timed(*words: str) -> float:
    """Seconds that a program takes."""
    start = time.perf_counter()
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - start


def compare(title: str, snapshot: Snapshot, folder: Path) -> None:
    """Prints what the twin and its script take."""
    file, script = folder / "host.json", folder / "twin.sh"
    save(snapshot, file)
    lab = (sys.executable, "-P", "-m", "workbench.start", "lab")
    twin = timed(*lab, "twin", str(file), "--name", NAME)
    script.write_text(subprocess.run([*lab, "script", NAME], check=True, capture_output=True, text=True).stdout)
    down = timed(*lab, "down", NAME)
    shell = timed("sh", str(script))
    timed("sh", str(script), "down")
    print(f"{title:<24} twin {twin:5.1f} s  (down {down:4.1f} s)   script {shell:5.1f} s   {twin / shell:4.2f} of it")


def main(arguments: Sequence[str]) -> int:
    """Goes into namespaces of its own first."""
    if os.environ.get("TWIN_BENCH") != "apart":
        argv = [*APART, "sh", "-c", PRIVATE, "sh", sys.executable, "-m", "bench.twin", *arguments]
        return subprocess.run(argv, check=False, env={**os.environ, "TWIN_BENCH": "apart"}).returncode
    given = [int(word) for word in arguments]
    count, rules = given + [200, 25_000][len(given) :]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        compare(f"{count} containers", containers(count), Path(folder))
        compare(f"{rules} rules", ruled(containers(3), rules), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
