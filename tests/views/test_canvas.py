from dataclasses import replace

from engine.model.host import Snapshot
from engine.model.link import BridgeOptions, Link
from tests.views.hosts import connected_verdict, crowded_host, docker_host, dropped_verdict
from tests.views.test_scene import two_networks, with_links
from views.text import Role, cells
from views.topology.canvas import draw
from views.topology.drawing import Look
from views.topology.picture import Picture
from views.topology.scene import scene
from views.topology.way import Way, way


def text(picture: Picture) -> str:
    return "\n".join("".join(span.text for span in row).rstrip() for row in picture.rows)


def traced(width: int, height: int, dropped: bool = True) -> Picture:
    host = docker_host()
    verdict = dropped_verdict() if dropped else connected_verdict()
    found = scene(host)
    return draw(found, width, height, way(host, found, verdict.conversation.forward))


def roles_of(picture: Picture, words: str) -> set[Role]:
    return {span.role for row in picture.rows for span in row if words in span.text}


TIGHT = """\
OUTSIDE  UPLINK  HOST     BRIDGE · CONTAINER
                 ┏━━━━━━┓
● lan ━━━● up0 ━━┫ ✗ dh ┠─● docker0  172.17.0.1/16  network bridge
    10.77.0.1/24 ┃      ┃ ├─◎ web  172.17.0.2
                 ┃      ┃ │   :8080→80 httpd
                 ┃      ┃ ├─● db  172.17.0.3
                 ┃      ┃ │   :5432→127.0.0.1:5432 postgres
                 ┃      ┃ └─● cache  172.17.0.4
                 ┃      ┃     :6379 valkey
                 ┗━━━━━━┛
                 ✗ ends in dh: filter/DOCKER-USER 1 drop"""

ROOMY = """\
OUTSIDE        UPLINK           HOST             BRIDGE               PORT            CONTAINER
                                ┏━━━━━━━━━━━━┓
                                ┃            ┃                     ┏━━● vethc06dc9f ━━● web  172.17.0.2
                                ┃            ┃                     ┃                    :8080→80 httpd
                                ┃            ┃                     ┃
● lan ━━━━━━━━━● up0 ━━━━━━━━━━━┫ ● dh       ┣━━━● docker0 ━━━━━━━━╃──● veth41f2a80 ──● db  172.17.0.3
  10.77.0.2      10.77.0.1/24   ┃ forwarding ┃     172.17.0.1/16   │                    :5432→127.0.0.1:5432 postgres
                                ┃            ┃     network bridge  │
                                ┃            ┃                     └──● veth9b0e177 ──● cache  172.17.0.4
                                ┃            ┃                                          :6379 valkey
                                ┃            ┃
                                ┗━━━━━━━━━━━━┛"""


def test_a_stopped_packet_in_a_small_pane() -> None:
    assert text(traced(68, 15)) == TIGHT


def test_a_delivered_packet_in_a_large_pane() -> None:
    assert text(traced(120, 18, dropped=False)) == ROOMY


def test_the_stop_is_told_in_words_and_by_a_mark() -> None:
    picture = traced(68, 15)
    assert "✗ ends in dh: filter/DOCKER-USER 1 drop" in text(picture)
    assert roles_of(picture, "✗") == {Role.BAD}


def test_where_height_is_short_a_container_takes_one_row() -> None:
    rows = text(draw(scene(crowded_host(8)), 68, 13)).split("\n")
    first = next(number for number, row in enumerate(rows) if "app00" in row)
    assert "app01" in rows[first + 1]
    assert rows[first].endswith("├─● app00  172.17.1.0  :8000 python3")


def test_bridges_that_are_nested_stand_apart_where_there_is_room_for_it() -> None:
    found = scene(two_networks())
    high, low = (text(draw(found, 60, height)).split("\n") for height in (12, 9))
    assert [line.count("●") for line in high].count(0) == [line.count("●") for line in low].count(0) + 1
    assert all(any(f"● {name}" in line for line in low) for name in ("docker0", "br1", "web", "db", "cache"))


def test_a_row_of_its_own_is_where_a_port_is_found_under_the_pointer() -> None:
    picture = draw(scene(crowded_host(8)), 68, 13)
    rows = text(picture).split("\n")
    row = next(number for number, line in enumerate(rows) if "app03" in line)
    place = picture.places[str(picture.at(rows[row].index("app03"), row))]
    assert place.y == row


def test_a_name_in_wide_characters_moves_nothing_that_stands_beside_it() -> None:
    wide, plain = (scene(with_links(docker_host(), "dh", Link(20, name, "bridge"))) for name in ("日本語", "xxxxxx"))
    for width in (60, 120):
        one, other = (text(draw(found, width, 20)).split("\n") for found in (wide, plain))
        assert any("日本語" in row for row in one)
        assert [row.replace("日本語", "xxxxxx") for row in one] == other
    assert {sum(cells(span.text) for span in row) for row in draw(wide, 60, 20).rows} == {draw(wide, 60, 20).width}


def test_where_width_is_short_too_what_a_container_serves_stands_below_its_name() -> None:
    rows = text(draw(scene(crowded_host(8)), 50, 8)).split("\n")
    first = next(number for number, row in enumerate(rows) if "app00" in row)
    assert ":8000" in rows[first + 1]
    assert max(map(len, rows)) <= 50


def test_a_selected_node_has_a_mark_of_its_own() -> None:
    found = scene(docker_host())
    picture = draw(found, 68, 15, look=Look(selected=found.of_netns("db")))
    assert "●▶db" in text(picture)


def test_the_lit_node_is_the_one_that_the_step_speaks_of() -> None:
    picture = draw(scene(docker_host()), 68, 15, look=Look(focus="dh/3"))
    assert roles_of(picture, "docker0") == {Role.FOCUS}


def test_a_node_is_found_under_the_pointer() -> None:
    picture = draw(scene(docker_host()), 68, 15)
    row = next(number for number, line in enumerate(text(picture).split("\n")) if "● web" in line)
    column = text(picture).split("\n")[row].index("web")
    assert picture.at(column, row) == "dh/5>"
    assert picture.at(column, 0) is None


def test_the_same_scene_gives_the_same_picture() -> None:
    assert traced(68, 15).rows == traced(68, 15).rows


def without_containers() -> Snapshot:
    base = docker_host()
    links = (Link(1, "lo", "loopback"), Link(3, "docker0", "bridge", carrier=False, bridge=BridgeOptions()))
    return replace(base, namespaces=(replace(base.host_netns, links=links),), containers=())


def test_a_bridge_without_ports_says_that_it_is_empty() -> None:
    drawn = text(draw(scene(without_containers()), 68, 15))
    assert "○ docker0  no container" in drawn
    assert "UPLINK" not in drawn


def test_a_host_without_links_is_still_a_host() -> None:
    base = docker_host()
    bare = replace(base, namespaces=(replace(base.host_netns, links=()),), containers=())
    assert "● dh" in text(draw(scene(bare), 40, 10))


def test_every_size_down_to_one_cell_gives_a_picture() -> None:
    found = scene(crowded_host(12))
    for width, height in ((1, 1), (10, 3), (40, 5), (300, 100)):
        assert "app11" in text(draw(found, width, height))


def test_what_passes_a_link_stands_at_it_where_there_is_room() -> None:
    rates = {"dh/2": "12/s", "dh/5": "3/s", "dh/7": "1/s"}
    found = scene(docker_host())
    roomy, tight = (text(draw(found, width, 18, look=Look(rates=rates))).split("\n") for width in (120, 68))
    assert any("● web  172.17.0.2  ⇅ 3/s" in line for line in roomy)
    assert any(line.strip("│┌└─ ┃").startswith("⇅ 12/s") for line in tight)
    assert not any(len(line) > 68 for line in tight)


def test_a_long_name_leaves_room_for_address_and_ports() -> None:
    base = docker_host()
    long = replace(base.containers[0], name="a-name-that-somebody-" + "took-time-for-" * 4)
    picture = draw(scene(replace(base, containers=(long, *base.containers[1:]))), 68, 9)
    (row,) = (line for line in text(picture).split("\n") if "a-name-" in line)
    assert "took-ti" not in row
    assert "172.17.0.2" in row
    assert ":8080→80" in row
    assert picture.width <= 68


def test_a_selected_node_keeps_its_state() -> None:
    host = docker_host()
    whole = scene(host)
    found = next(node for node in whole.nodes.values() if node.label == "db")
    shown = text(draw(whole, 90, 20, Way(stop=found.id), Look(selected=found.id)))
    assert "✗▶db" in shown
