"""A collected file as a Snapshot: the same noun, named and ordered as a look names and orders it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from engine.model.address import Family
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.route import Route
from engine.model.traffic import Listener
from engine.observe.base.namespaces import name_all
from engine.observe.collected import addresses, gaps, listeners, nexthops, routes, settings
from engine.observe.collected.firewall import read_firewall
from engine.observe.collected.links import parse_links, with_vlans
from engine.observe.collected.machine import MachineFacts, inode_of, places_of, read_machine
from engine.observe.collected.peers import Pairs, parse_numbers
from engine.observe.collected.programs import parse_attached, parse_classifiers, with_programs
from engine.observe.collected.reading import DAMAGE, Reading
from engine.observe.collected.sections import Collected, CollectedError, split
from engine.observe.look.look import Observation, Scene, owners
from engine.observe.look.netns_reader import Visit
from engine.observe.look.snapshot import compose
from engine.observe.netlink.sctp import parse_endpoints
from engine.observe.netlink.sockets import parse_proc, plain
from engine.observe.netlink.stack import NetworkStack
from engine.observe.proc.processes import ProcessTable
from engine.records import replace

Row = TypeVar("Row")


def loads(text: str) -> Snapshot:
    """The snapshot in a collected file. Raises CollectedError."""
    collected = split(text)
    try:
        return _snapshot(collected)
    except DAMAGE as error:
        if isinstance(error, CollectedError):
            raise
        raise CollectedError(f"the collected file is damaged: {' '.join(str(error).split())[:100]}") from error


def _snapshot(collected: Collected) -> Snapshot:
    machine = read_machine(Reading("", collected.of(0)))
    host = inode_of(machine.facts.get("own", ""))
    if not host:
        raise CollectedError("the collected file does not say which namespace it was collected in")
    found = places_of(machine, host)
    ids = name_all(found, host, owners(machine.view))
    root = inode_of(machine.facts.get("root", "")) or None
    scene = Scene(host, root, ProcessTable(), machine.view, found, ids, machine.gaps)
    readings = {ids[inode]: Reading(ids[inode], collected.of(inode)) for inode in found}
    visits = {netns: _visit(reading, machine) for netns, reading in readings.items()}
    by_name = {name: netns for netns, place in scene.places.items() for name in place.names}
    numbers = {netns: _numbers(reading, by_name) for netns, reading in readings.items()}
    pairs = Pairs({netns: seen.stack.links for netns, seen in visits.items()}, numbers)
    links = {netns: pairs.resolve(netns) for netns in visits}
    look = Observation(scene, visits, links, machine.holders, (), machine.facts.get("time", ""))
    return replace(
        compose(look),
        hostname=machine.facts.get("hostname", ""),
        kernel=machine.facts.get("kernel", ""),
        # What `compose` would read later are files of this machine; the script gathers none of the other's.
        name_configs=(),
        resolvers=(),
        proxies=(),
    )


def _numbers(reading: Reading, by_name: Mapping[str, str]) -> dict[int, str]:
    told = reading.read("numbers", parse_numbers) or {}
    return {number: by_name[name] for number, name in told.items() if name in by_name}


def _visit(reading: Reading, machine: MachineFacts) -> Visit:
    """What the sections of one namespace tell."""
    reading.text("namespace")
    stack = _stack(reading)
    indexes = {each.link.name: each.link.index for each in stack.links}
    sysctls = reading.read("sysctls", lambda text: settings.parse_sysctls(text, indexes)) or {}
    heard = _listeners(reading, indexes)
    gaps.note(reading, stack, sysctls)
    hidden = [each for each in heard if each.inode and each.inode not in machine.holders]
    if hidden and machine.facts.get("user") != "0":
        reason = f"who holds {len(hidden)} of the listening sockets is hidden; run the script as root to see it"
        reading.gap("/proc/PID/fd", reason)
    firewall = read_firewall(reading)
    return Visit(stack, sysctls, firewall, heard, unread={None: tuple(reading.gaps)})


def _stack(reading: Reading) -> NetworkStack:
    links = reading.read("links", parse_links) or ()
    indexes = {each.link.name: each.link.index for each in links}
    if any(each.link.bridge is not None and each.link.bridge.vlan_filtering for each in links):
        links = reading.read("vlans", partial(with_vlans, links)) or links
    links = with_programs(links, reading.read("bpf", parse_attached) or ())
    links = with_programs(links, reading.read("classifiers", parse_classifiers) or ())
    neighbours = partial(addresses.parse_neighbours, indexes=indexes)
    found: tuple[Route, ...] = _both(reading, "routes", partial(routes.parse_routes, indexes=indexes))
    fdb = reading.read("fdb", partial(addresses.parse_fdb, indexes=indexes)) or ()
    objects = reading.read("nexthops", partial(nexthops.parse_objects, indexes=indexes)) or ()
    learned = partial(nexthops.parse_learned, indexes=indexes)
    numbers = {*(route.nexthop for route in found), *(entry.nexthop for entry in fdb)} - {None}
    return NetworkStack(
        links=links,
        addresses=reading.read("addresses", addresses.parse_addresses) or (),
        routes=found,
        rules=_both(reading, "rules", routes.parse_rules),
        neighbours=tuple(
            each for source in ("neighbours", "proxies", "proxies6") for each in reading.read(source, neighbours) or ()
        ),
        fdb=fdb,
        exceptions=tuple(each for source in ("learned", "learned6") for each in reading.read(source, learned) or ()),
        nexthops=objects if numbers else (),
    )


def _both(reading: Reading, source: str, parse: Callable[[str, Family], tuple[Row, ...]]) -> tuple[Row, ...]:
    """The rows of both families, IPv4 first."""
    four = reading.read(source, lambda text: parse(text, Family.INET))
    six = reading.read(f"{source}6", lambda text: parse(text, Family.INET6))
    return (*(four or ()), *(six or ()))


def _listeners(reading: Reading, indexes: Mapping[str, int]) -> tuple[Listener, ...]:
    found: list[Listener] = []
    for protocol in (Protocol.TCP, Protocol.UDP):
        found += reading.read(f"ss-{protocol}", partial(listeners.parse_ss, protocol=protocol, indexes=indexes)) or ()
        for suffix, family in (("", Family.INET), ("6", Family.INET6)):
            parse = partial(_proc, protocol=protocol, family=family)
            found += reading.read(f"proc-{protocol}{suffix}", parse) or ()
    if any(source.startswith("proc-") for source in reading.sections) and found:
        reason = "v6only, bound devices and queues of listeners are not known: ss and its modules were not there"
        reading.gap("sock_diag", reason)
    found += reading.read("sctp", lambda text: [plain(each) for each in parse_endpoints(text.splitlines())]) or ()
    return listeners.in_order(found)


def _proc(text: str, protocol: Protocol, family: Family) -> list[Listener]:
    return parse_proc(text.splitlines(), protocol, family)
