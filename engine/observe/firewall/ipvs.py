"""The virtual services of IPVS in the calling thread's namespace: a gap, for what it makes of their packets is not
followed. Swarm's routing mesh and kube-proxy's mode ipvs are such.

Source: net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_info_seq_show): a line for each service, addresses in hexadecimal, and
lines with an arrow for where it leads. The file is not there before the kernel has the module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from engine.model.address import end_of
from engine.model.host import Gap
from engine.observe.base.errors import gap
from engine.observe.base.files import small

FILE = "/proc/thread-self/net/ip_vs"
SOURCE = "IPVS"
#: So many services are named.
MOST = 3


def read_balancer(netns: str, file: str = FILE) -> tuple[Gap, ...]:
    """The gap for the services that there are; none without any. Raises nothing."""
    try:
        return services_gap(netns, tuple(parse_services(small(file).decode("ascii", "replace"))))
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (gap(SOURCE, netns, error),)


def services_gap(netns: str, services: Sequence[str]) -> tuple[Gap, ...]:
    """The gap for the services of a namespace, by name; none without any."""
    if not services:
        return ()
    more = f" and {len(services) - MOST} more" if len(services) > MOST else ""
    words = f"it takes packets for {', '.join(services[:MOST])}{more}, to where `ipvsadm -Ln` shows"
    return (Gap(SOURCE, netns, words),)


def parse_services(text: str) -> Iterator[str]:
    """The services: `10.96.0.10:80/tcp`, or `the mark 256` for those that a mark of the packet chooses."""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        where = rest.split()[0] if rest.split() else ""
        if kind == "FWM":
            yield f"the mark {int(where, 16)}"
        elif kind in ("TCP", "UDP", "SCTP") and ":" in where:
            address, _, port = where.rpartition(":")
            own = ip_address(address.strip("[]") if ":" in address else int(address, 16))
            yield f"{end_of(own, int(port, 16))}/{kind.lower()}"
