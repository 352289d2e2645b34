"""Who hears a frame."""

from __future__ import annotations

from typing import Any

import pytest

from engine.path.lookup.broadcast_domain import bridge_of, forwards, may_pass, opaque
from tests.hosts.stock import one_bridge
from tests.path.bridging import heard, names


def test_a_broadcast_reaches_the_bridge_and_everyone_on_it() -> None:
    segment = heard(one_bridge().snapshot(), "left", "eth0")
    assert names(segment) == {"sw:br0", "right:eth0"}
    assert not segment.leaves_view


def test_a_bridge_speaks_out_of_every_port_and_not_to_itself() -> None:
    segment = heard(one_bridge().snapshot(), "sw", "br0")
    assert names(segment) == {"left:eth0", "right:eth0"}
    assert {station.port for station in segment.stations} == {2, 3}


@pytest.mark.parametrize(
    ("options", "heard_by"),
    [
        ({}, {"sw:br0", "right:eth0"}),
        ({"state": "blocking"}, {"sw:br0"}),
        ({"state": "disabled"}, {"sw:br0"}),
        ({"isolated": True}, {"sw:br0", "right:eth0"}),
    ],
)
def test_the_state_of_the_far_port_decides(options: dict[str, Any], heard_by: set[str]) -> None:
    world = one_bridge()
    world["sw"].plug("right0", "br0", **options)
    assert names(heard(world.snapshot(), "left", "eth0")) == heard_by


def test_isolated_ports_do_not_hear_each_other_and_the_bridge_hears_both() -> None:
    world = one_bridge()
    for port in ("left0", "right0"):
        world["sw"].plug(port, "br0", isolated=True)
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0"}


@pytest.mark.parametrize(("netns", "device"), [("sw", "right0"), ("right", "eth0")])
def test_nobody_hears_anything_by_a_cable_with_an_end_down(netns: str, device: str) -> None:
    world = one_bridge()
    world[netns].change(device, up=False)
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0"}


def test_a_network_card_on_the_bridge_leads_out_of_view() -> None:
    world = one_bridge()
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0")
    assert heard(world.snapshot(), "left", "eth0").leaves_view


def test_the_flood_of_a_loop_of_cables_ends() -> None:
    world = one_bridge()
    world.space("sw2")
    world.cable("sw:x0", "sw2:x0").cable("sw:x1", "sw2:x1")
    world["sw2"].bridge("br0", "x0", "x1")
    for port in ("x0", "x1"):
        world["sw"].plug(port, "br0")
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0", "sw2:br0", "right:eth0", "left:eth0"}


def test_the_owner_of_a_mac_address_is_found() -> None:
    world = one_bridge()
    mac = world["right"].links["eth0"].mac
    owner = heard(world.snapshot(), "left", "eth0").owner(mac)
    assert owner is not None
    assert owner.netns == "right"
    assert heard(world.snapshot(), "left", "eth0").owner("02:00:00:00:99:99") is None


def test_what_is_opaque_what_forwards_and_what_is_a_port() -> None:
    netns = one_bridge().snapshot().by_id["sw"]
    port, bridge, loopback = (netns.links_by_name[name] for name in ("left0", "br0", "lo"))
    assert [opaque(link) for link in (port, bridge, loopback)] == [False, False, False]
    assert bridge_of(netns, port) == bridge
    assert bridge_of(netns, bridge) is None
    assert forwards(port)
    assert not may_pass(port, port)
    assert may_pass(None, port)
