"""How long a proof takes, beside catching the same packets by hand. Needs root and tshark's dumpcap.

    python -m bench.prove [--rounds 7]

Builds the routed network of the tests: a client, a router with rules of nft, a server. Each round runs all rows once,
in turn; times are of whole processes, from shell to answer. By hand means: `nft monitor trace` on the router and
dumpcap in each namespace, one connection, and an end of them all; to read what they caught is left to the user. A
ratio is to that. It asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.why import Spent, in_turn, table, timed
from tests.harness.netns import Netns, run
from tests.kernel.proving import Net, routed_network

REPOSITORY = Path(__file__).parents[1]
CONNECTS, DROPPED = "10.8.1.1:8080", "10.8.2.2:90"
#: Seconds of the attempt that nobody answers.
TIMEOUT = 1.0
BY_HAND = "by hand: dumpcap, nft monitor, one connection"
#: Milliseconds that the project promises.
LIMITS = {"why --prove, connects": 1000, "why --prove --timeout 1, dropped": 1500}
CONNECT = "import socket; one = socket.create_connection(('10.8.1.1', 8080), 3); one.send(b'x'); one.recv(1)"


def by_hand(net: Net, folder: Path) -> None:
    """What people start to see a packet on its way, and the packet."""
    listening = [listen(net.router, "nft", "monitor", "trace")]
    for netns in (net.client, net.router, net.server):
        listening.append(listen(netns, "dumpcap", "-q", "-i", "any", "-w", str(folder / f"{netns.name}.pcapng")))
        while listening[-1].stderr and "File:" not in (listening[-1].stderr.readline() or "File:"):
            pass
    net.client.run(sys.executable, "-c", CONNECT)
    for program in listening:
        program.terminate()
    for program in listening:
        program.communicate()


def listen(netns: Netns, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(netns.enter(words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def measure(net: Net, folder: Path, rounds: int) -> dict[str, list[Spent]]:
    """Every row in every round."""
    net.router.run("nft", "add", "rule", "ip", "t", "pass", "tcp", "dport", "90", "drop")
    source = ("--from", f"ns:{net.client.name}")

    def why(*words: str) -> Callable[[], Spent]:
        argv = net.router.enter([sys.executable, "-m", "workbench.start", "why", *words, *source])
        return lambda: timed(lambda: run(argv, cwd=REPOSITORY, check=False))

    rows: dict[str, Callable[[], Spent]] = {
        BY_HAND: lambda: timed(lambda: by_hand(net, folder)),
        "why": why(CONNECTS),
        "why --prove, connects": why(CONNECTS, "--prove"),
        "why --prove --trace, connects": why(CONNECTS, "--prove", "--trace"),
        "why --prove --timeout 1, dropped": why(DROPPED, "--prove", "--timeout", f"{TIMEOUT:g}"),
    }
    return in_turn(rows, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    if os.geteuid() != 0 or not shutil.which("dumpcap"):
        print("this benchmark needs root and dumpcap (of tshark)", file=sys.stderr)
        return 4
    with routed_network() as net, TemporaryDirectory() as folder:
        taken = measure(net, Path(folder), rounds)
    print(f"{rounds} rounds, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print(table(taken, BY_HAND, LIMITS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
