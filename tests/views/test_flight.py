"""A packet on its way through the picture."""

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.trace import Outcome, Trace
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from views.topology.canvas import draw
from views.topology.drawing import Look
from views.topology.flight import FALLEN, MARK, Flight, flight, so_far
from views.topology.scene import scene
from views.topology.way import Way, way


def dropped() -> tuple[Snapshot, Trace]:
    shop = open_file(SHOP)
    return shop, ask(shop, resolve(shop, ":8080", "ns:shop-lan")).conversation.forward


def rows(shop: Snapshot, flown: Flight) -> list[str]:
    picture = draw(scene(shop), 90, 20, Way(), Look(flight=flown))
    return ["".join(span.text for span in picture.row(y)) for y in range(picture.height)]


def test_it_is_at_the_node_of_its_step_and_says_where_it_goes() -> None:
    shop, trace = dropped()
    whole = scene(shop)
    flown = [flight(shop, whole, hop, step) for hop in trace.hops for step in hop.steps]
    assert flown[0].packet == "192.168.30.2:50123 → 192.168.30.1:8080"
    assert flown[-1].packet == "192.168.30.2:50123 → 172.18.0.2:80"
    assert [each.packet for each in flown if each.changed] == [flown[-1].packet]
    assert "filter/DOCKER-USER 1 drop" in flown[-1].words
    assert all(each.node in whole.nodes for each in flown)
    assert len({each.node for each in flown}) > 2


def test_its_mark_is_drawn_there_and_falls_below_it() -> None:
    shop, _ = dropped()
    host = scene(shop).host.id
    flying = rows(shop, Flight(host, "a → b", "route"))
    (at,) = [y for y, row in enumerate(flying) if MARK in row]
    assert f"{MARK} host" in flying[at]
    fallen = rows(shop, Flight(host, "a → b", "drop", fell=2))
    assert MARK not in "".join(fallen)
    assert FALLEN in fallen[at + 2]


def test_before_its_last_step_nothing_has_stopped_it() -> None:
    shop, trace = dropped()
    first, last = trace.hops[0], trace.hops[-1]
    start = so_far(trace, first, first.steps[0])
    assert (start.outcome, len(start.hops), len(start.steps)) == (Outcome.DELIVERED, 1, 1)
    assert way(shop, scene(shop), start).stop is None
    assert so_far(trace, last, last.steps[-1]) is trace
