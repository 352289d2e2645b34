"""Single points of failure: what hangs on a place or a device of the network."""

from __future__ import annotations

from pathlib import Path

from tests.views.hosts import docker_host
from views.topology.cut_off import SinglePoint, cut_off_without, single_points
from views.topology.network import Graph, Place, Spot, Wire, graph
from workbench import world

SHOP = Path(__file__).parents[1] / "hosts" / "shop.json.gz"


def network(*wires: tuple[str, str, str]) -> Graph:
    """Places by their first letter (o outside, h the host, b a bridge, c a container), joined by devices."""
    kinds = {"o": Place.OUTSIDE, "h": Place.HOST, "b": Place.BRIDGE, "c": Place.NAMESPACE}
    names = dict.fromkeys(name for one, other, _ in wires for name in (one, other))
    spots = tuple(Spot(name, kinds[name[0]], name) for name in names)
    return Graph(spots, tuple(Wire(one, other, device, f"{device} 10.0.0.1") for one, other, device in wires))


def test_what_hangs_on_a_bridge_is_cut_off_without_it() -> None:
    found = network(("o", "h", "eth0"), ("h", "b1", "br"), ("b1", "c1", "v1"), ("b1", "c2", "v2"))
    assert cut_off_without(found, "b1") == ("c1", "c2")
    assert cut_off_without(found, "v2") == ("c2",)
    assert cut_off_without(found, "eth0") == ("c1", "c2")
    assert cut_off_without(found, "c1") == ()


def test_who_has_another_way_out_is_not_cut_off() -> None:
    found = network(("o", "h", "eth0"), ("h", "b1", "x"), ("h", "b2", "y"), ("b1", "c1", "v1"), ("b2", "c1", "v2"))
    assert cut_off_without(found, "b1") == cut_off_without(found, "v2") == ()
    assert cut_off_without(found, "h") == ("c1",)
    second = network(("o", "h", "eth0"), ("o", "h", "eth1"), ("h", "c1", "v1"))
    assert cut_off_without(second, "eth0") == ()


def test_where_nothing_outside_is_seen_the_host_is_where_one_comes_from() -> None:
    found = network(("h", "b1", "br"), ("b1", "c1", "v1"))
    assert cut_off_without(found, "b1") == ("c1",)
    assert cut_off_without(found, "h") == ()


def test_what_is_cut_off_already_hangs_on_nothing() -> None:
    found = network(("o", "h", "eth0"), ("b1", "c1", "v1"))
    assert cut_off_without(found, "b1") == cut_off_without(found, "h") == ()


def test_a_container_s_own_device_is_no_single_point() -> None:
    found = network(("o", "h", "eth0"), ("h", "b1", "br"), ("b1", "c1", "v1"), ("b1", "c2", "v2"))
    assert [each.name for each in single_points(found)] == ["h", "b1", "eth0", "br"]


def test_bridges_of_hosts_are_single_points() -> None:
    assert single_points(graph(world.load(SHOP))) == (
        SinglePoint("shop-host/3", "br-front", ("web", "docs")),
        SinglePoint("shop-host/4", "br-back", ("db", "cache")),
    )
    assert cut_off_without(graph(docker_host()), "nobody") == ()
