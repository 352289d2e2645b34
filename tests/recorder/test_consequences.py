"""What the kernel does because of a change is named by that change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.change.differences import changes
from engine.explain.survey.consequences import traced
from engine.model.host import Snapshot
from engine.records import replace
from tests.hosts.build import World
from tests.hosts.stock import docker_world
from tests.recorder.test_turns import asking, turned


def changed(*edits: Callable[[World], object]) -> Snapshot:
    world = docker_world()
    for edit in edits:
        edit(world)
    return world.snapshot()


def inside_down(world: World) -> None:
    """The container's end of the cable is set down; the host's end loses its carrier."""
    world["web"].change("eth0", up=False, carrier=False)
    world["host"].change("vethweb", carrier=False)


def not_forwarding(world: World) -> None:
    world["host"].sysctl("net.ipv4.ip_forward", 0)


def without_address(world: World) -> Snapshot:
    """web loses its address, and the kernel its routes."""
    snapshot = world.snapshot()
    web = snapshot.by_id["web"]
    lost = replace(
        web,
        addresses=tuple(each for each in web.addresses if str(each.address) != "172.17.0.2"),
        routes=tuple(each for each in web.routes if "172.17." not in each.text),
    )
    return snapshot.with_netns(lost)


def set_down(world: World) -> Snapshot:
    """The uplink of the client is set down, and its routes go."""
    snapshot = world.snapshot()
    lan = snapshot.by_id["lan"]
    link = replace(lan.links_by_name["eth0"], up=False, carrier=False)
    routes = tuple(each for each in lan.routes if "eth0" not in each.text)
    return snapshot.with_netns(replace(lan.with_link(link), routes=routes))


SIDES = {
    "carrier": (changed(inside_down), "link eth0 changed in web"),
    "forwarding": (changed(not_forwarding), "sysctl net.ipv4.ip_forward changed in host"),
    "down": (set_down(docker_world()), "link eth0 changed in lan"),
    "address": (without_address(docker_world()), "address 172.17.0.2/16 dev eth0 deleted in web"),
}


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_a_turn_names_what_was_done_and_not_what_followed(name: str, back: bool) -> None:
    after, words = SIDES[name]
    sides = [changed(), after]
    (turn,) = turned(sides[::-1] if back else sides, asking(":8080", "ns:lan"))
    said = [str(each) for each in turn.by]
    assert any(each.startswith(words.replace("deleted", "added") if back else words) for each in said), said
    followed = (".forwarding changed", "link vethweb changed", "proto kernel")
    assert not [each for each in said if any(words in each for words in followed)]


def test_a_carrier_that_went_by_itself_stays_what_it_is() -> None:
    sides = changed(), changed(lambda world: world["host"].change("vethweb", carrier=False))
    came = changes(*sides)
    assert traced(came, came, sides) == came


def test_a_setting_of_one_device_stays_what_it_is() -> None:
    def one_device(world: World) -> None:
        world["host"].sysctl("net.ipv4.conf.docker0.forwarding", 0)

    sides = changed(), changed(one_device)
    came = [each for each in changes(*sides) if each.name == "net.ipv4.conf.docker0.forwarding"]
    assert len(came) == 1
    assert list(traced(came, came, sides)) == came
