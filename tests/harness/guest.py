"""The guest's end of a second kernel: loads its modules, calls functions, writes down what came of each."""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from functools import reduce
from itertools import count
from pathlib import Path

from tests.harness.second_kernel import MODULES, POLL, put

#: finit_module(2) on x86-64 and arm64.
FINIT_MODULE = {"x86_64": 313, "aarch64": 273}
#: Modules that are wanted: folders below kernel/, and single ones.
FOLDERS = ("net/netfilter", "net/ipv4/netfilter", "net/ipv6/netfilter", "net/bridge", "net/sched")
SINGLE = (
    *("veth", "dummy", "macvlan", "ipvlan", "vxlan", "geneve", "bonding", "vrf", "8021q"),
    *("ip_gre", "ip6_gre", "ipip", "sit", "ip6_tunnel", "xfrm_user", "esp4", "esp6", "ip_vs"),
    *("sctp", "sctp_diag", "udp_diag", "netlink_diag", "af_packet_diag"),
    "hmac",  # by which a listener of SCTP signs its cookies
)
#: What has no families to serve there.
LEFT_OUT = ("nft_", "nf_flow_table")


def load_modules() -> list[str]:
    """Loads what is wanted with what it needs; gives back what could not be loaded and why (without modprobe(8))."""
    root = MODULES / platform.release()
    needs = dict(_dependencies(root))
    names = {Path(path).name.removesuffix(".ko").replace("-", "_"): path for path in needs}
    wanted = [path for path in needs if any(path.startswith(f"kernel/{folder}/") for folder in FOLDERS)]
    wanted += [names[name] for name in SINGLE if name in names]
    failed, loaded = [], set[str]()
    for path in wanted:
        if Path(path).name.startswith(LEFT_OUT):
            continue
        for each in (*reversed(needs[path]), path):
            if each not in loaded:
                loaded.add(each)
                if reason := _load(root / each):
                    failed.append(f"{each}: {reason}")
    return failed


def _dependencies(root: Path) -> Iterator[tuple[str, list[str]]]:
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        yield path, needed.split()


def _load(path: Path) -> str:
    library = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file:
        done = library.syscall(FINIT_MODULE[platform.machine()], file.fileno(), b"", 0)
    error = ctypes.get_errno() if done else 0
    return "" if error in (0, 17) else os.strerror(error)  # 17: it is loaded


def main(folder: Path) -> None:
    """Calls the functions that are asked for, one after the other, until it is ended."""
    load_modules()
    for number in count(1):
        request = folder / f"request-{number}"
        while not request.exists():
            time.sleep(POLL)
        put(folder / f"answer-{number}", answer(request.read_bytes()))
        request.unlink()


def answer(request: bytes) -> bytes:
    """What came of one request, packed."""
    module, name, arguments = pickle.loads(request)
    try:
        found = ("returned", reduce(getattr, name.split("."), importlib.import_module(module))(*arguments))
    except BaseException as error:
        error.add_note(f"under the second kernel:\n{traceback.format_exc()}")
        found = ("raised", error)
    try:
        return pickle.dumps(found)
    except Exception as error:  # what cannot travel is told in words
        return pickle.dumps(("raised", RuntimeError(f"{found[1]!r} ({error})")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
