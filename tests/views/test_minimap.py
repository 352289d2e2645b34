"""The map of a large host: every container a cell, grouped, and what its cells stand for."""

from __future__ import annotations

from engine.model.ref import Ref, RefKind
from views.text import Role
from views.topology.graph import Branch, Kind, Node, Scene, State, Switch
from views.topology.minimap import MORE_THAN, ROWS_MOST, MiniMap, minimap
from views.topology.ports import folded_words
from views.topology.way import Way

HOST = Node("host/", Kind.HOST, "host", None)


def port(number: int, group: str = "", state: State = State.UP) -> Branch:
    name = f"c{number}"
    near = Node(f"host/{number}", Kind.PORT, f"veth{number}", None)
    return Branch(near, Node(f"{name}>", Kind.END, name, Ref(RefKind.NETNS, name), state=state, group=group))


def scene_of(*switches: Switch) -> Scene:
    return Scene(HOST, (), switches, (), (), {})


def bridge(name: str, *ports: Branch) -> Switch:
    return Switch(Node(f"host/{name}", Kind.BRIDGE, name, None), ports)


def words(found: MiniMap) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in found.rows]


SHOP = [port(number, "shop") for number in range(40)]
REST = [port(number) for number in range(40, 60)]


def test_a_small_host_has_no_map() -> None:
    assert minimap(scene_of(bridge("br0", *SHOP[:MORE_THAN])), Way(), None, 120) == MiniMap()


def test_containers_stand_by_their_project_or_their_bridge() -> None:
    found = minimap(scene_of(bridge("br0", *SHOP, *REST)), Way(), None, 120)
    assert words(found) == [f"shop {'●' * 40}  br0 {'●' * 20}"]
    assert found.at is not None
    assert found.at[5, 0] == "c0>"
    assert found.at[51, 0] == "c40>"


def test_a_container_on_two_bridges_is_there_once() -> None:
    found = minimap(scene_of(bridge("br0", *SHOP, *REST), bridge("br1", *SHOP)), Way(), None, 120)
    assert words(found)[0].count("●") == 60


def test_what_is_down_and_selected_and_where_the_packet_ends_is_seen() -> None:
    ports = [port(0, state=State.DOWN), *REST, *SHOP]
    found = minimap(scene_of(bridge("br0", *ports)), Way(stop="c41>"), "c40>", 120)
    assert words(found)[0].startswith("br0 ○▶✗●")
    assert found.rows[0][1].role is Role.WARN


def test_a_map_has_few_rows_and_counts_what_it_leaves_out() -> None:
    many = [port(number, f"project{number // 4}") for number in range(400)]
    found = minimap(scene_of(bridge("br0", *many)), Way(), None, 60)
    assert len(found.rows) == ROWS_MOST
    assert words(found)[-1].endswith("more groups")
    assert all(len(row) <= 60 for row in words(found))


def test_what_is_folded_is_counted_by_project() -> None:
    assert folded_words((*SHOP[:3], *REST[:2], port(99, "blog"))) == "… 6 more (space): shop 3 · blog 1"
    assert folded_words(tuple(REST[:2])) == "… 2 more (space)"
