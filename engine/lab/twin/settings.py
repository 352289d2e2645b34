"""Sysctls of a twin's namespaces: those that a namespace has of its own, in the order in which they are written.

Settings of all devices come before those of one, which they overwrite. `net.` of the lab's own namespaces is all that
is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from engine.change.words import sysctl_path
from engine.lab.twin.left_out import Omissions
from engine.model.host import Netns

#: A namespace's own settings. The others count, or are one for the machine.
OWN = re.compile(r"net\.(ipv4|ipv6|bridge|netfilter)\.[A-Za-z0-9_.@~+=,-]+")
SHARED = frozenset(("net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max"))
#: What a kernel that has the modules does by itself in a new namespace, where the snapshot's did nothing of the kind.
BRIDGE = tuple(f"net.bridge.bridge-nf-call-{name}" for name in ("iptables", "ip6tables", "arptables"))
#: What a new device begins with: no addresses by itself, and no question whether an address is free.
NEW_DEVICES = (
    ("ipv6/conf/default/addr_gen_mode", "1"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
)
NO_IPV6 = tuple((f"ipv6/conf/{which}/disable_ipv6", "1") for which in ("all", "default"))


def settings(netns: Netns, devices: Iterable[str], out: Omissions) -> tuple[tuple[str, str], ...]:
    """Paths below /proc/sys/net and values, in order. `devices` are those that are built."""
    known = {"all", "default", *devices}
    rows = [*_own(netns, known, out), *_absent(netns)]
    return tuple(sorted(rows, key=lambda row: _rank(row[0])))


def _rank(path: str) -> int:
    """What is written first: the settings of everything, then of all devices, then of one."""
    if path == "ipv4/ip_forward":
        return 0
    return 3 if "/conf/" not in path else 1 if "/conf/all/" in path else 2 if "/conf/default/" in path else 4


def _own(netns: Netns, devices: Iterable[str], out: Omissions) -> Iterator[tuple[str, str]]:
    values = _joined(netns.sysctls)
    for name, value in values.items():
        if name in SHARED:
            continue
        try:
            path = sysctl_path(name).removeprefix("net/")
        except ValueError as error:
            out.leave(netns.id, f"setting {name}", str(error))
            continue
        if not OWN.fullmatch(name):
            out.leave(netns.id, f"setting {name}", "it is not of a namespace alone")
        elif "/conf/" not in path or path.split("/")[2] in devices:
            yield path, value


def _joined(values: Mapping[str, int]) -> dict[str, str]:
    """Settings of two numbers in one, as the kernel has them."""
    found = {name: str(value) for name, value in values.items() if not name.endswith((".low", ".high"))}
    for name, low in values.items():
        if name.endswith(".low"):
            whole = name.removesuffix(".low")
            found[whole] = f"{low} {values.get(f'{whole}.high', low)}"
    return found


def _absent(netns: Netns) -> Iterator[tuple[str, str]]:
    """What the snapshot's kernel did not have, and this one does by itself."""
    for name in BRIDGE:
        if name not in netns.sysctls:
            yield sysctl_path(name).removeprefix("net/"), "0"
    if netns.sysctls and not any(name.startswith("net.ipv6.") for name in netns.sysctls):
        yield from NO_IPV6
