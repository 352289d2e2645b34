"""What the script finds there and does not gather: a gap for each, so that nothing unread counts as absent.

The rows are tried on every namespace; those of the machine are tried once.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.observe.collected.reading import Reading, rows
from engine.observe.firewall.bridge_tables import gaps_of
from engine.observe.firewall.ipvs import parse_services, services_gap
from engine.observe.netlink.link_programs import KINDS, SOURCE
from engine.observe.netlink.stack import NetworkStack
from engine.observe.proc.sysctls import COUNT

#: The section with the services of IPVS.
SERVICES = "ipvs"


def note(reading: Reading, stack: NetworkStack, sysctls: Mapping[str, int]) -> None:
    """Adds the gaps of one namespace."""
    if count := sysctls.get(COUNT, 0):
        reading.gap("conntrack", f"{count} flows are not shown: the script does not gather them")
    told = "classifiers" in reading.sections
    for name in () if told else sorted(set(reading.read("disciplines", _classified) or ())):
        reading.gap(SOURCE, f"the classifiers of {name} were not inspected; `tc filter show dev {name}` shows them")
    if any(route.mtu is not None for route in stack.routes):
        reading.gap("routes", "locked MTUs of routes were not inspected; `ip route` shows them")
    reading.gaps += services_gap(reading.netns, reading.read(SERVICES, lambda text: tuple(parse_services(text))) or ())
    bridges = any(each.link.kind == "bridge" for each in stack.links)
    modules = (reading.read("ebtables", str.split) or []) if bridges else []
    reading.gaps += gaps_of(reading.netns, modules, reading.read("arptables", str.split) or [])


def note_machine(reading: Reading) -> None:
    """Adds the gaps of the whole machine."""
    reading.text("bpf")
    for namespace in reading.read("tasks", str.split) or ():
        reading.gap("containerd", f"containers of its namespace {namespace} are not gathered by the script")


def _classified(text: str) -> list[str]:
    """The devices with classifiers at ingress or egress, in `tc -j qdisc show`."""
    return [str(row["dev"]) for row in rows(text) if row.get("kind") in KINDS]
