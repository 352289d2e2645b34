"""Every published port and listener, asked from every vantage point.

Pure, in three parts, so that a caller can spread the middle one over processors and show how far it is: `ports` says
which rows there are, `questions` which cells a row has, `answer` fills one cell. A cell is walked with its reply on
every branch but not searched for fixes: `ask` does that for the one that somebody wants to know about.

Places are those of `everywhere`. Where a host has more containers than `FEW`, one container stands for each of its
networks, since the containers of one network have the same way to a port but for rules that name one of them;
how many places were left out is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from engine.explain.search.endings import endings_of, main_run, reach_of
from engine.explain.survey.everywhere import vantages
from engine.explain.survey.exposure import exposures
from engine.model.address import Family, IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.matrix import Cell, Matrix, MatrixPort, MatrixRow, PortOwner
from engine.model.packet import PORTS
from engine.model.traffic import Listener
from engine.model.verdict import Question, Source
from engine.path.budget import Budget
from engine.path.exchange.conversation import conversations
from engine.path.world import World

#: With more containers than this, one for each network is asked from.
FEW = 12
#: Where Docker answers DNS inside a container; nobody else can ask there.
RESOLVER = ip_address("127.0.0.11")

#: A cell's place: the row's number and the vantage point's name.
Asked = tuple[int, str, Question]


def ports(snapshot: Snapshot) -> tuple[MatrixPort, ...]:
    """The rows: published ports, what listens in containers, what listens on the host; each once."""
    found: dict[tuple[object, ...], MatrixPort] = {}
    for port in (*_published(snapshot), *_served(snapshot)):
        asked = port.question
        found.setdefault((asked.address, asked.port, asked.protocol), port)
    return tuple(found.values())


def questions(snapshot: Snapshot, rows: Iterable[MatrixPort], *, everyone: bool | None = None) -> Iterator[Asked]:
    """The cells of all rows. `everyone` asks from each container; None does so where there are few."""
    running = [one for one in snapshot.containers if one.netns not in (None, snapshot.host) and one.state == "running"]
    every = len(running) <= FEW if everyone is None else everyone
    kept = None if every else _one_a_network(snapshot)
    for number, port in enumerate(rows):
        for vantage in vantages(snapshot, port.question):
            netns = vantage.question.source.netns
            inside = bool(snapshot.containers_in(netns)) and netns != snapshot.host
            itself = vantage.name.endswith(" itself")
            if not inside or itself or kept is None:
                yield number, "itself" if itself else vantage.name, vantage.question
            elif netns in kept:
                yield number, f"network {kept[netns]}", vantage.question


def answer(world: World, question: Question) -> Cell:
    """One cell, with a budget of its own."""
    world.budget = Budget()
    runs, _ = conversations(world, question)
    main = main_run(runs).result
    ended = main.broken or main.forward
    last = ended.last
    where = last.ref.name if last.ref is not None and last.ref.name else last.text
    return Cell(question, reach_of(endings_of(runs)), main.symptom, ended.outcome, ended.hops[-1].netns, where)


def matrix(snapshot: Snapshot, rows: tuple[MatrixPort, ...], asked: Iterable[Asked], cells: Iterable[Cell]) -> Matrix:
    """The filled matrix: `cells` are the answers to `asked`, in its order."""
    filled: dict[int, dict[str, Cell]] = {}
    names: dict[str, None] = {}
    for (number, name, _), cell in zip(asked, cells, strict=True):
        filled.setdefault(number, {})[name] = cell
        names.setdefault(name)
    made = tuple(MatrixRow(port, tuple(filled.get(number, {}).items())) for number, port in enumerate(rows))
    places = tuple(sorted(names, key=lambda name: name == "itself"))
    return Matrix(places, made, exposures(snapshot, made), _left_out(snapshot, places))


def _left_out(snapshot: Snapshot, names: tuple[str, ...]) -> int:
    """Containers that were not asked from, because another one of their network stands for them."""
    if not any(name.startswith("network ") for name in names):
        return 0
    return max(sum(1 for one in snapshot.containers if one.state == "running") - len(_one_a_network(snapshot)), 0)


def _one_a_network(snapshot: Snapshot) -> Mapping[str, str]:
    """For each network the namespace of its first running container, by that namespace."""
    chosen: dict[str, str] = {}
    for container in snapshot.containers:
        if container.netns is None or container.netns == snapshot.host or container.state != "running":
            continue
        for attachment in container.attachments:
            if attachment.network not in chosen.values():
                chosen.setdefault(container.netns, attachment.network)
    return chosen


def _published(snapshot: Snapshot) -> Iterator[MatrixPort]:
    for container, port in snapshot.published:
        address = port.host_address
        if address is None or address.is_unspecified:
            address = _host_address(snapshot, 6 if address is not None and address.version == 6 else 4)
        if container.state == "running" and address is not None and port.host_port in PORTS:
            asked = Question(Source(snapshot.host), address, port.host_port, port.protocol)
            yield MatrixPort(PortOwner.PUBLISHED, container.name, asked, port.container_port, address.is_loopback)


def _host_address(snapshot: Snapshot, version: int) -> IPAddress | None:
    """The host's first global address, one that is no bridge's where it has such."""
    host = snapshot.host_netns
    own = [one for one in host.addresses if one.scope == "global" and one.address.version == version]
    bridges = {link.index for link in host.links if link.kind == "bridge"}
    outer = [one for one in own if one.link not in bridges]
    return next((one.address for one in outer or own), None)


def _served(snapshot: Snapshot) -> Iterator[MatrixPort]:
    for netns in _places(snapshot):
        at_host = netns.id == snapshot.host
        for listener in netns.listeners:
            held = listener.process is not None and listener.process.relay is not None
            if held or listener.address == RESOLVER or (listener.address and listener.address.is_multicast):
                continue
            if listener.port not in PORTS:  # a damaged file; no kernel lists such a socket
                continue
            address = _address_of(snapshot, netns, listener)
            if address is None:
                continue
            names = [one.name for one in snapshot.containers_in(netns.id)] if not at_host else []
            process = listener.process.name if listener.process else "somebody"
            asked = Question(Source(snapshot.host), address, listener.port, listener.protocol)
            kind = PortOwner.HOST if at_host else PortOwner.CONTAINER
            yield MatrixPort(kind, names[0] if names else process, asked, asked.port, address.is_loopback)


def _places(snapshot: Snapshot) -> Iterator[Netns]:
    """The host and the namespaces of its containers."""
    yield snapshot.host_netns
    inside = {one.netns for one in snapshot.containers if one.of_host}
    yield from (netns for netns in snapshot.namespaces if netns.id in inside and netns.id != snapshot.host)


def _address_of(snapshot: Snapshot, netns: Netns, listener: Listener) -> IPAddress | None:
    """Where a listener can be asked: its own address, or for a wildcard the first global one of its namespace.

    A container's loopback is nobody's but its own, so such a listener has no row.
    """
    if listener.address is not None:
        return None if listener.address.is_loopback and netns.id != snapshot.host else listener.address
    if netns.id == snapshot.host:
        version = 4 if listener.family is Family.INET or not listener.v6only else 6
        return _host_address(snapshot, version) or ip_address("127.0.0.1" if version == 4 else "::1")
    versions = (4,) if listener.family is Family.INET else (6,) if listener.v6only else (4, 6)
    own = [one.address for one in netns.addresses if one.scope == "global"]
    return next((one for version in versions for one in own if one.version == version), None)
