"""A look at the host before it is a snapshot: a table of sources by namespaces, and what joins them.

1. `look` asks processes and container engines first, because they tell which namespaces there are and what they are
   called: that is the `Scene`. A few threads then visit each namespace once. Far ends of links are resolved when all
   links are known, and holders of sockets when all sockets are known. Where a link leads out of sight, the namespace
   is searched in threads and open files (`anonymous_netns`); one that no file enters is known by number (`nsid_only`).
2. An `Observation` is a frozen value; `snapshot` composes the snapshot from it, and `incremental` makes the next one
   from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from engine.model.host import Gap
from engine.model.link import Link
from engine.observe.base.errors import ObserveError, words_for
from engine.observe.base.fork_pool import Taking, by_processes
from engine.observe.base.garbage import uncollected
from engine.observe.base.namespaces import NetnsRef, apart, discover, host_inode, name_all, root_inode, side_by_side
from engine.observe.engines.container_view import ContainerView
from engine.observe.engines.containers import read_containers
from engine.observe.look import anonymous_netns
from engine.observe.look.netns_reader import Visit, visit
from engine.observe.look.nsid_only import joined, known_by_number, led_to, read_numbered
from engine.observe.look.socket_owners import NOTHING_HELD, SocketOwners, holders_of
from engine.observe.netlink.peers import NOTHING_BEFORE, PeerFinder, Resolved
from engine.observe.proc.processes import Holders, ProcessTable, read_processes
from engine.records import dataclass, replace

#: Links with their far ends, and the gaps of these, by namespace id.
Ends = Mapping[str, tuple[tuple[Link, ...], tuple[Gap, ...]]]


#: Says of a namespace's id whether it is wanted.
Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who and what there is on the host: processes, containers, and namespaces with their ids.

    `host` and `root` are the inodes of the caller's namespace and of PID 1's (None where that is hidden). Namespaces
    whose ids are not `wanted`, where that is given, are out of sight.
    """

    host: int
    root: int | None
    table: ProcessTable
    view: ContainerView
    found: Mapping[int, NetnsRef]
    ids: Mapping[int, str]
    gaps: tuple[Gap, ...] = ()
    wanted: Wanted | None = None

    @property
    def places(self) -> dict[str, NetnsRef]:
        """The namespaces by id."""
        return {self.ids[inode]: place for inode, place in self.found.items()}


@dataclass(frozen=True, slots=True)
class Observation:
    """All that was read, by namespace id: the visits, the links with their far ends, and who holds which socket.

    `links` has the gaps of each namespace's far ends beside its links.
    """

    scene: Scene
    visits: Mapping[str, Visit]
    links: Mapping[str, tuple[tuple[Link, ...], tuple[Gap, ...]]]
    holders: Holders
    unheld: tuple[Gap, ...]
    taken_at: str


def look(wanted: Wanted | None = None) -> Observation:
    """Reads everything, or of the namespaces those that are `wanted`, from the calling thread's network namespace.

    Raises ObserveError as `look.snapshot.take` does.
    """
    return look_at(set_scene(wanted))


@uncollected()
def look_at(scene: Scene, taking: Taking = lambda *_: None) -> Observation:
    """Reads the namespaces of a scene, and those that turn out to belong to it; `taking` is told how many of how many
    are begun. Raises ObserveError."""
    taken_at = now()
    return completed(scene, visit_all(scene, taking=taking), taken_at)


@uncollected()
def look_within(scene: Scene) -> Observation:
    """Reads the namespaces of a scene and no others: a link that leads out of it has its far end out of sight."""
    visits = visit_all(scene)
    links = far_ends(scene.places, visits, visits)
    return Observation(scene, visits, links, *holders_of(scene.table, scene.places, visits), now())


def completed(
    scene: Scene,
    visits: Mapping[str, Visit],
    taken_at: str,
    before: Resolved = NOTHING_BEFORE,
    held: SocketOwners = NOTHING_HELD,
) -> Observation:
    """The look of which these are the visits: far ends, namespaces that these lead to, and holders of sockets."""
    links: Ends = far_ends(scene.places, visits, visits, before)
    if scene.wanted is None:
        scene, visits, links = _with_kept(scene, visits, links)
        scene, visits, links = with_numbered(scene, visits, links)
    return Observation(scene, visits, links, *holders_of(scene.table, scene.places, visits, held), taken_at)


def set_scene(wanted: Wanted | None = None, before: tuple[Scene, Collection[str]] | None = None) -> Scene:
    """Looks who and what there is, or what of it is `wanted`: a lab does not need the machine's other namespaces.

    `before` is an earlier scene, and the containers that may be different since. Processes of then that are still
    there, and other containers of engines that tell of events, are taken to be as they were.
    Raises ObserveError when /proc does not even show the caller's own namespace.
    """
    try:
        host = host_inode()
        table = read_processes(before[0].table if before else None)
        view = read_containers(table, host, before=(before[0].view, before[1]) if before else None)
        sandboxes = [(sandbox.inode, sandbox.path) for sandbox in view.sandboxes.values()]
        found, gaps = discover(table.pids_by_netns, [*sandboxes, *anonymous_netns.mounted()])
    except OSError as error:
        raise ObserveError(f"cannot look at this host: {words_for(error)}; is /proc mounted?") from error
    ids = name_all(found, host, owners(view))
    if wanted is not None:
        found = {inode: place for inode, place in found.items() if inode == host or wanted(ids[inode])}
    return Scene(host, root_inode(), table, view, found, ids, gaps, wanted)


def owners(view: ContainerView) -> dict[int, str]:
    """The container that each namespace is named after, by inode: not one that only shares it."""
    found: dict[int, str] = {}
    for container in sorted(view.containers, key=lambda each: each.network_mode.startswith("container:")):
        sandbox = view.sandboxes.get(container.id)
        if sandbox is not None and container.network_mode != "host":
            found.setdefault(sandbox.inode, container.name)
    return found


def visit_all(
    scene: Scene, places: Mapping[str, NetnsRef] | None = None, taking: Taking = lambda *_: None
) -> Mapping[str, Visit]:
    """The visits to the namespaces of a scene, or to some of them, without those that have ended."""
    places = scene.places if places is None else places

    def visit_one(item: tuple[str, NetnsRef]) -> Visit | None:
        netns, place = item
        return visit(place, netns, scene.table.by_netns.get(place.inode, ()))

    def visit_each(items: Iterator[tuple[str, NetnsRef]]) -> list[Visit | None]:
        return side_by_side(visit_one, items)

    visited = by_processes(visit_each, tuple(places.items()), taking)
    return {netns: seen for netns, seen in zip(places, visited, strict=True) if seen is not None}


def _with_kept(scene: Scene, visits: Mapping[str, Visit], links: Ends) -> tuple[Scene, Mapping[str, Visit], Ends]:
    """The same with namespaces that only a thread or an open file keeps, where something leads out of sight."""
    while _leads_away(links) or anonymous_netns.has_unknown_numbers(scene.places):
        more = anonymous_netns.kept(scene.table, scene.found)
        if not more:
            break
        found = {**scene.found, **{inode: NetnsRef(inode, ways=ways) for inode, ways in more.items()}}
        scene = replace(scene, found=found, ids=name_all(found, scene.host, owners(scene.view)))
        fresh = {scene.ids[inode]: found[inode] for inode in more}
        visits = {**visits, **visit_all(scene, fresh)}
        links = far_ends(scene.places, visits, visits)
    return scene, visits, links


def _leads_away(links: Ends) -> bool:
    return any(link.peer is not None and link.peer.netns is None for found, _ in links.values() for link in found)


def with_numbered(scene: Scene, visits: Mapping[str, Visit], links: Ends) -> tuple[Scene, Mapping[str, Visit], Ends]:
    """The same with the namespaces that links lead to and no file enters, as far as the kernel tells of them."""
    wanted: dict[str, dict[int, dict[int, int]]] = {}  # by viewer and number: index there -> index here
    for netns, (found, _) in links.items():
        far = {each.link.index: each.far for each in visits[netns].stack.links}
        for link in found:
            end = far.get(link.index)
            if link.peer is not None and link.peer.netns is None and end is not None and end.nsid is not None:
                wanted.setdefault(netns, {}).setdefault(end.nsid, {})[end.index] = link.index
    if not wanted:
        return scene, visits, links
    places, every, ids, ends = dict(scene.found), dict(visits), dict(scene.ids), dict(links)
    for viewer, numbers in wanted.items():
        told = apart(partial(read_numbered, scene.places[viewer], tuple(numbers)))
        for number, stack in told.items():
            netns = f"{viewer}-nsid-{number}"
            key = next((inode for inode, known in ids.items() if known == netns), -len(places))  # no inode is negative
            places[key], ids[key] = NetnsRef(0), netns
            every[netns] = Visit(stack, unread={None: (known_by_number(netns, viewer, number),)})
            ends[netns] = (joined(viewer, stack.links, numbers[number]), ())
            ends[viewer] = led_to(viewer, ends[viewer], netns, numbers[number].values())
    return replace(scene, found=places, ids=ids), every, ends


def now() -> str:
    """The time of a look, as its snapshot has it."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}+00:00"


def far_ends(
    places: Mapping[str, NetnsRef],
    visits: Mapping[str, Visit],
    wanted: Iterable[str],
    before: Resolved = NOTHING_BEFORE,
) -> dict[str, tuple[tuple[Link, ...], tuple[Gap, ...]]]:
    """The links of the `wanted` namespaces with their far ends, found in a thread that enters them."""
    finder = PeerFinder(places, {netns: seen.stack.links for netns, seen in visits.items()}, before)
    return apart(lambda: {netns: finder.resolve(netns) for netns in wanted})
