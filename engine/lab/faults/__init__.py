"""Breaking a lab on purpose: which faults there are (`table`), and what one of them does to a lab.

`changes` is pure: a fault and a blueprint give changes, each with its way back, so that mending is undoing. A fault
is about one published port; without a word it is the lab's first one. `listening` gives the programs of a lab with
the faults that are about a program rather than about the network.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, ip_address

from engine.change.program import Command, Serve
from engine.change.sysctl import SetSysctl
from engine.lab.blueprint import Blueprint, Node, Outside, Published
from engine.lab.commands import way_back
from engine.lab.errors import LabError
from engine.lab.faults.table import FILTERS, Fault
from engine.lab.faults.table_names import NAMES
from engine.lab.faults.table_paths import PATHS
from engine.lab.layouts.names import BACKENDS
from engine.model.address import IPAddress, end_of
from engine.model.firewall import XT_SUFFIX, Backend
from engine.model.packet import Protocol
from engine.model.plan import Change, Plan
from engine.records import replace

__all__ = ["FAULTS", "Fault", "client", "find", "fits", "listening", "plan", "question", "subject"]

FAULTS: Mapping[str, Fault] = {each.name: each for each in (*FILTERS, *PATHS, *NAMES)}
WORD = re.compile(r"\{(\w+)\}")
SYSCTL = re.compile(r"(net\.\S+)=(\d+)")
#: How far a program's new port is from the published one.
OTHER_PORT = 1000


def find(name: str) -> Fault:
    """The fault of that name. Raises LabError."""
    if name not in FAULTS:
        near = difflib.get_close_matches(name, FAULTS, 1)
        raise LabError(
            f"there is no fault {name}; " + (f"did you mean {near[0]}?" if near else "'lab faults' lists them")
        )
    return FAULTS[name]


def subject(lab: Blueprint) -> Published:
    """The published port that a fault is about: the first TCP one in the file that every address of the host has, else
    the first that is for others than the host itself."""
    ports = [(service.name, port.container_port) for service in lab.spec.services for port in service.ports]
    written = {each: -place for place, each in enumerate(reversed(ports))}  # a twin has no file with ports
    found = [port for port in lab.published if port.protocol is Protocol.TCP]
    if not found:
        raise LabError(f"lab {lab.name} publishes no TCP port to break; add ports: to a service")

    def order(port: Published) -> tuple[bool, bool, int]:
        return port.host_address is not None, _at_home(port), written.get((port.service, port.container_port), 0)

    return min(found, key=order)


def client(lab: Blueprint) -> Outside:
    """Who asks for it: the first node outside."""
    if not lab.outside:
        raise LabError(f"lab {lab.name} has no client outside; add a node below x-lab.outside")
    return lab.outside[0]


def question(lab: Blueprint, fault: Fault | None = None) -> tuple[str, str]:
    """The node that asks for the port of `subject`, and `ADDRESS:PORT` as it asks; of a fault about another question,
    the one that it is about. Raises LabError."""
    if fault is not None and fault.asks:
        node, _, target = _filled(fault.asks, _words(lab)).partition(" ")
        return (_near(lab).name if node == "near" else node), target
    port, outside = subject(lab), client(lab)
    address: IPAddress = port.host_address or outside.near.ip
    if address.is_unspecified:  # any address of one family; where nobody outside has IPv6, the host's own
        side = outside.near if address.version == 4 else outside.near6
        address = side.ip if side else IPv6Address("::1")
    return "host" if address.is_loopback else outside.name, end_of(address, port.host_port)


def _at_home(port: Published) -> bool:
    """Whether only the host itself reaches it."""
    return port.host_address is not None and port.host_address.is_loopback


def fits(fault: Fault, lab: Blueprint) -> bool:
    """Whether a fault can be made in a lab."""
    return not _missing(fault, lab)


def plan(fault: Fault, lab: Blueprint) -> Plan:
    """What a fault does to a lab, reversible change by change. Raises LabError where it does not fit."""
    missing = _missing(fault, lab)
    if missing:
        raise LabError(f"{fault.name} does not fit lab {lab.name}: {missing}")
    words = _words(lab)
    return Plan(fault.name, tuple(_change(action, words, lab) for action in fault.actions))


def _missing(fault: Fault, lab: Blueprint) -> str:
    """What a lab would need for a fault, "" where it has it: DOCKER-USER is a chain of Docker's iptables layouts, a
    program is exchanged that the lab itself serves, and who asks by name has to be there, with a network of names and
    another port than the host's."""
    port = subject(lab)
    if fault.listen and not _servers(lab):
        return f"port {port.container_port} of {port.service} is served by no listener of the lab's own to exchange"
    if any("{moved}" in action for action in fault.actions) and not _words(lab)["moved"]:
        return "it needs a published proxy whose hosts file (extra_hosts) has the address of a neighbour"
    named = lab.spec.names and neighbours(lab) and not port.end.bridge.own
    by_port = fault.asks.startswith("near") and "{hport}" in fault.asks
    if fault.asks and (not named or (by_port and port.host_port == port.container_port)):
        return "it needs a second service on the published one's network, with names, and another port on the host"
    chains = BACKENDS[lab.backend] is not Backend.NFT and lab.spec.layout != "podman"
    if not chains and any("DOCKER-USER" in action for action in fault.actions):
        return f"it needs Docker's chain DOCKER-USER, which {lab.spec.layout} in {lab.backend} lacks"
    return ""


def _servers(lab: Blueprint) -> frozenset[str]:
    """The services that listen on the port of `subject` in its namespace, which may be another's."""
    port, inside = subject(lab), lab.netns_by_node
    return frozenset(
        node.name
        for node in lab.nodes
        for listen in node.listens
        if (inside[node.name], listen.protocol, listen.port)
        == (inside[port.service], port.protocol, port.container_port)
    )


def neighbours(lab: Blueprint) -> list[Node]:
    """The other services on the network of `subject`."""
    bridge = subject(lab).end.bridge
    others = (node for node in lab.nodes if node.name != subject(lab).service)
    return [node for node in others if any(end.bridge is bridge for end in node.ends)]


def _near(lab: Blueprint) -> Node:
    """The first of them. Raises LabError."""
    found = neighbours(lab)
    if not found:
        raise LabError(f"lab {lab.name} has no second service on a network of {subject(lab).service}; add one")
    return found[0]


def _words(lab: Blueprint) -> Mapping[str, str]:
    port, outside = subject(lab), client(lab)
    end = port.end
    bridge = end.bridge
    taken = {str(other.address.ip) for node in lab.nodes for other in node.ends}
    near = next(iter(neighbours(lab)), None)
    unused = next(address for address in _last(bridge.subnet) if address not in taken)
    return {
        "uplink": outside.near_link,
        "bridge": bridge.link,
        "veth": end.veth,
        "subnet": str(bridge.subnet),
        "prefix": str(bridge.subnet.prefixlen),
        "address": str(end.address.ip),
        "gateway": str(bridge.gateway),
        "port": str(port.container_port),
        "hport": str(port.host_port),
        "host": str(outside.near.ip),
        "lan": str(outside.far.ip),
        "lansubnet": str(outside.far.network),
        "unused": unused,
        "service": port.service,
        "near": near.netns if near is not None else "",
        "moved": _in_hosts(lab, near),
        "web": lab.netns_by_node[port.service],
        "server": str(bridge.gateway) if lab.spec.layout == "podman" else "127.0.0.11",
    }


def _in_hosts(lab: Blueprint, near: Node | None) -> str:
    """The neighbour's address, where `subject`'s service runs a program of its own and has it in its hosts file; ""
    otherwise."""
    service = next(each for each in lab.spec.services if each.name == subject(lab).service)
    if service.name not in dict(lab.spec.commands):
        return ""
    own = {end.address.ip for end in near.ends} if near is not None else set()
    return next((str(address) for _name, address in service.hosts if address in own), "")


def _last(subnet: IPv4Network) -> list[str]:
    """The last usable addresses of a subnet, the very last one first."""
    last = int(subnet.broadcast_address)
    return [str(ip_address(last - count)) for count in range(1, min(40, subnet.num_addresses - 2))]


def _change(action: str, words: Mapping[str, str], lab: Blueprint) -> Change:
    node, _, line = action.partition(": ")
    places = {"host": lab.host, "lan": client(lab).netns, "near": words["near"]}
    netns = places.get(node) or lab.netns_by_node[subject(lab).service]
    line = _filled(line, words)
    if setting := SYSCTL.fullmatch(line):
        return SetSysctl(netns, setting[1], int(setting[2]))
    forward, told, back = line.partition(" ~ ")
    argv = _argv(forward, lab)
    if told:
        return Command(netns, argv, () if back == "-" else _argv(back, lab))
    return Command(netns, argv, way_back(argv))


def _filled(line: str, words: Mapping[str, str]) -> str:
    """A line with the lab's own words for those in braces."""
    return WORD.sub(lambda found: words.get(found[1], found[0]), line)


def _argv(line: str, lab: Blueprint) -> tuple[str, ...]:
    """A command's words; plain `iptables` is the tool that the lab's own rules are written with."""
    argv = tuple(shlex.split(line))
    if argv[0] == "iptables":
        suffix = XT_SUFFIX.get(BACKENDS[lab.backend], "nft")
        wait = ("-w",) if suffix == "legacy" else ()
        return (f"iptables-{suffix}", *wait, *argv[1:])
    return argv


def listening(programs: Iterable[Change], names: Iterable[str], lab: Blueprint) -> tuple[Change, ...]:
    """The programs of a lab with some faults in them."""
    kinds = [FAULTS[name].listen for name in names if name in FAULTS and FAULTS[name].listen]
    servers = _servers(lab) if kinds else frozenset[str]()
    found: list[Change] = []
    for change in programs:
        about = isinstance(change, Serve) and change.name in servers and change.protocol is Protocol.TCP
        kept: Change | None = change
        for kind in kinds if about else ():
            kept = _misheard(kept, kind) if isinstance(kept, Serve) else kept
        if kept is not None:
            found.append(kept)
    return tuple(found)


def _misheard(serve: Serve, kind: str) -> Serve | None:
    """A listener as a fault has it."""
    match kind:
        case "none":
            return None
        case "loopback":
            return replace(serve, address=ip_address("127.0.0.1"))
        case "ipv6":
            return replace(serve, address=ip_address("::1"))
        case _:
            return replace(serve, port=(serve.port + OTHER_PORT) % 65536 or 1)
