"""The board: every port that others may ask for, from the LAN, the host and containers, with the cause where one fails.

Pure. It is what a person wants to know before a question: which of the published ports and listeners can be reached. A
place stands for all that are treated alike (uplinks, containers of the networks), and its cell is the worst of theirs.
Ports that are loopback's are asked on the host alone, a container's unpublished one from its own networks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice

from engine.explain.ask import ask
from engine.explain.survey.everywhere import client_beyond, uplinks
from engine.explain.survey.matrix import answer, ports
from engine.explain.survey.probes import translated
from engine.model.board import WORST, BoardCell, BoardPlace, BoardRow
from engine.model.container import Container
from engine.model.host import Snapshot
from engine.model.matrix import MatrixPort, PortOwner
from engine.model.verdict import Question, Reach, Source
from engine.path.world import World
from engine.records import replace

#: So many ports are asked for, and from so many networks each.
MOST_PORTS, MOST_NETWORKS = 40, 4


def board(
    snapshot: Snapshot, progress: Callable[[int, int], object] = lambda *_: None, owners: Collection[str] = ()
) -> tuple[BoardRow, ...]:
    """The rows, the worst first: published ports before containers' own and the host's; with `owners` theirs alone.

    `progress` is called before each walk with how many of how many ports are done; what it raises ends the work.
    """
    known = (port for port in open_ports(snapshot) if not owners or port.owner in owners)
    wanted = list(islice(known, MOST_PORTS))
    world, rows = World(snapshot), []
    for number, port in enumerate(wanted):
        step = partial(progress, number, len(wanted))
        cells = tuple(_cells(world, port, step))
        if cells:
            step()
            rows.append(_explained(snapshot, BoardRow(port, cells)))
    kinds = list(PortOwner)
    rows.sort(key=lambda row: (WORST.index(row.worst.reach), kinds.index(row.port.service)))
    return tuple(rows)


def open_ports(snapshot: Snapshot) -> Iterator[MatrixPort]:
    """What is published, by an engine or by rules alone; then what listens, where it is not behind one of those."""
    known = list(ports(snapshot))
    published = [each for each in known if each.service is PortOwner.PUBLISHED]
    behind = {(each.owner, each.serves, each.question.protocol) for each in published}
    doors = {(each.question.port, each.question.protocol) for each in published}
    yield from published
    host = snapshot.host_netns
    own = next((each.address for _, each in uplinks(snapshot, 4)), None)
    for door in translated(snapshot, Question(Source(host.id), own, 1)) if own is not None else ():
        for address, inner in door.inner if (door.port, door.protocol) not in doors else ():
            there = next((each for each in snapshot.namespaces if address in each.addresses_by_value), None)
            if there is not None:
                doors.add((door.port, door.protocol))
                inside = snapshot.containers_in(there.id) if there.id != host.id else ()
                owner = inside[0].name if inside else there.id
                asked = Question(Source(host.id), door.address, door.port, door.protocol)
                yield MatrixPort(PortOwner.PUBLISHED, owner, asked, inner)
    for each in known:
        if each.service is not PortOwner.PUBLISHED and (each.owner, each.serves, each.question.protocol) not in behind:
            yield each


def _cells(world: World, port: MatrixPort, step: Callable[[], object]) -> Iterator[BoardCell]:
    for place, asked in _asked(world.snapshot, port):
        found = []
        for question in asked:
            step()
            found.append(answer(world, question))
        if found:
            worst = min(found, key=lambda cell: WORST.index(cell.reach))
            yield BoardCell(place, worst.reach, worst.question)


def _asked(snapshot: Snapshot, port: MatrixPort) -> Iterator[tuple[BoardPlace, list[Question]]]:
    """The questions of each place, where the port is meant for it."""
    question, private = port.question, port.loopback_only or port.question.address.is_loopback
    if port.service is not PortOwner.CONTAINER and not private:
        beyond = [client_beyond(snapshot, *each) for each in uplinks(snapshot, question.address.version)]
        yield BoardPlace.LAN, [replace(question, source=source) for source in beyond]
    yield BoardPlace.HOST, [replace(question, source=Source(snapshot.host))]
    if not private:
        places = islice(_clients(snapshot, port), MOST_NETWORKS)
        yield BoardPlace.CONTAINERS, [replace(question, source=Source(each.netns or "")) for each in places]


def _clients(snapshot: Snapshot, port: MatrixPort) -> Iterator[Container]:
    """One running container of each network, but the port's own; of a container's own port, of its networks."""
    running = [
        each for each in snapshot.containers if each.state == "running" and each.netns not in (None, snapshot.host)
    ]
    owner = next((each for each in running if each.name == port.owner), None)
    home = {place.network for place in owner.attachments} if owner is not None else set()
    seen: set[str] = set()
    for each in running:
        networks = {place.network for place in each.attachments}
        near = bool(networks & home) if port.service is PortOwner.CONTAINER else bool(networks)
        if near and not networks <= seen and (owner is None or each.netns != owner.netns):
            seen |= networks
            yield each


def _explained(snapshot: Snapshot, row: BoardRow) -> BoardRow:
    if row.worst.reach is Reach.YES:
        return row
    causes = ask(snapshot, row.worst.question).causes
    return replace(row, cause=causes[0] if causes else None)
