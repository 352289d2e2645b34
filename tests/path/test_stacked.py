"""Devices that stand on others, bridges with VLANs, tunnels, and tables that are switched off."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.model.link import BridgeVlan, Peer
from engine.model.trace import Outcome, Symptom
from tests.hosts.build import World
from tests.hosts.stock import one_bridge, three_in_line
from tests.path.bridging import ask, outcome
from tests.path.talks import asked

TEN, TEN_TAGGED = BridgeVlan(10, pvid=True, untagged=True), BridgeVlan(10)
TWENTY = BridgeVlan(20, pvid=True, untagged=True)


def filtering(left: tuple[BridgeVlan, ...], right: tuple[BridgeVlan, ...], own: tuple[BridgeVlan, ...] = ()) -> World:
    """left and right on a bridge that filters by VLAN; `own` are the bridge's own."""
    world = one_bridge()
    switch = world["sw"]
    options = switch.links["br0"].bridge
    assert options is not None
    switch.change("br0", bridge=replace(options, vlan_filtering=True), vlans=own)
    switch.change("left0", vlans=left).change("right0", vlans=right)
    return world


@pytest.mark.parametrize(
    ("left", "right", "ending"),
    [
        ((TEN,), (TEN,), Outcome.DELIVERED),
        ((TEN,), (TEN, BridgeVlan(20)), Outcome.DELIVERED),
        ((TEN,), (TWENTY,), Outcome.NO_NEIGHBOUR),
        ((TEN_TAGGED,), (TEN,), Outcome.NO_NEIGHBOUR),
        ((TEN,), (TEN_TAGGED,), Outcome.NO_NEIGHBOUR),
        ((), (TEN,), Outcome.NO_NEIGHBOUR),
    ],
)
def test_a_bridge_that_filters_keeps_vlans_apart(
    left: tuple[BridgeVlan, ...], right: tuple[BridgeVlan, ...], ending: Outcome
) -> None:
    assert outcome(filtering(left, right))[0] is ending


def test_a_known_neighbour_in_another_vlan_is_not_reached() -> None:
    world = filtering((TEN,), (TWENTY,))
    world["left"].neighbour("eth0", "10.3.0.2", world["right"].links["eth0"].mac)
    found = ask(world)[0]
    assert found.forward.outcome is Outcome.BRIDGE_DROP


def test_a_bridge_without_a_table_of_vlans_is_taken_as_open_and_says_so() -> None:
    world = filtering((), ())
    found = ask(world)[0]
    assert found.symptom is Symptom.CONNECTED
    assert "ASSUME_VLAN_OPEN" in {about.code for about in found.assumptions}


@pytest.mark.parametrize(("own", "ending"), [((TEN,), Outcome.DELIVERED), ((TWENTY,), Outcome.NO_NEIGHBOUR)])
def test_the_bridge_itself_is_in_its_own_vlans(own: tuple[BridgeVlan, ...], ending: Outcome) -> None:
    world = filtering((TEN,), (TEN,), own)
    world["sw"].address("br0", "10.3.0.9/24").serve(80)
    assert outcome(world, address="10.3.0.9")[0] is ending


def vlans(number: str = "10", far: str = "10") -> World:
    """Two hosts on a cable, each with a vlan device on it."""
    world = World()
    for name in ("left", "right"):
        world.space(name)
    world.cable("left:eth0", "right:eth0")
    for name, tag in (("left", number), ("right", far)):
        space = world[name]
        card = space.links["eth0"]
        space.link("eth0.10", "vlan", parent=card.index, detail={"id": tag})
        space.change("eth0.10", mac=card.mac)
        space.address("eth0.10", f"10.3.0.{1 if name == 'left' else 2}/24").serve(80)
    return world


def test_a_vlan_device_speaks_to_the_one_with_its_tag() -> None:
    assert outcome(vlans()) == (Outcome.DELIVERED, Symptom.CONNECTED)
    assert outcome(vlans(far="20")) == (Outcome.NO_NEIGHBOUR, Symptom.HOST_UNREACHABLE)


def test_a_tagged_frame_that_nobody_takes_is_for_nobody() -> None:
    world = vlans(far="20")
    world["left"].neighbour("eth0.10", "10.3.0.2", world["right"].links["eth0"].mac)
    assert outcome(world)[0] is Outcome.NOT_FOR_US


def test_a_vlan_device_on_a_bridge_hears_the_tag_that_the_bridge_lets_up() -> None:
    world = filtering((TEN,), (TEN,), (TEN_TAGGED,))
    switch = world["sw"]
    bridge = switch.links["br0"]
    switch.link("br0.10", "vlan", parent=bridge.index, detail={"id": "10"})
    switch.change("br0.10", mac=bridge.mac).address("br0.10", "10.3.0.9/24").serve(80)
    assert outcome(world, address="10.3.0.9") == (Outcome.DELIVERED, Symptom.CONNECTED)


def stacked(kind: str, **detail: str) -> World:
    """`one` and `two` have devices on the card of `host`, which has a cable to `lan`."""
    world = World()
    for name in ("host", "lan", "one", "two"):
        world.space(name)
    world.cable("host:eth0", "lan:eth0")
    world["host"].address("eth0", "10.3.0.254/24").serve(80)
    world["lan"].address("eth0", "10.3.0.1/24").serve(80)
    card = world["host"].links["eth0"]
    for number, name in enumerate(("one", "two"), 11):
        made = world[name].link("dev0", kind, peer=Peer("host", card.index), detail=detail)
        if kind == "ipvlan":
            world[name].change("dev0", mac=card.mac)
        assert made.peer is not None
        world[name].address("dev0", f"10.3.0.{number}/24").serve(80)
    return world


def reached(world: World, source: str, address: str) -> Symptom:
    return ask(world, address, source)[0].symptom


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan"])
def test_siblings_and_the_wire_are_reached_and_the_host_is_not(kind: str) -> None:
    world = stacked(kind, mode="bridge" if kind == "macvlan" else "l2")
    assert reached(world, "one", "10.3.0.12") is Symptom.CONNECTED
    assert reached(world, "one", "10.3.0.1") is Symptom.CONNECTED
    assert reached(world, "lan", "10.3.0.12") is Symptom.CONNECTED
    assert reached(world, "one", "10.3.0.254") is Symptom.HOST_UNREACHABLE
    assert reached(world, "host", "10.3.0.11") is Symptom.HOST_UNREACHABLE


@pytest.mark.parametrize("mode", ["private", "vepa"])
def test_other_modes_of_macvlan_keep_siblings_apart(mode: str) -> None:
    world = stacked("macvlan", mode=mode)
    assert reached(world, "one", "10.3.0.12") is Symptom.HOST_UNREACHABLE
    assert reached(world, "one", "10.3.0.1") is Symptom.CONNECTED


def test_the_host_is_apart_from_its_macvlans_also_where_its_card_leads_out_of_view() -> None:
    world = stacked("macvlan", mode="bridge")
    world["host"].change("eth0", kind="", peer=None)
    found = ask(world, "10.3.0.254", "one")[0]
    assert found.forward.outcome is Outcome.NO_NEIGHBOUR
    assert "receives no frames from macvlan devices" in found.forward.last.text
    assert ask(world, "10.3.0.77", "one")[0].forward.outcome is Outcome.LEAVES_VIEW


def test_ipvlan_in_layer_three_is_routed_by_its_host() -> None:
    world = stacked("ipvlan", mode="l3")
    for name in ("one", "two"):
        world[name].change("dev0", noarp=True)
    found = ask(world, "10.3.0.1", "one")[0]
    assert found.forward.outcome is Outcome.DELIVERED
    assert [hop.netns for hop in found.forward.hops][:2] == ["one", "host"]
    assert any("mode l3" in step.text for step in found.forward.steps)


def test_a_bond_sends_and_hears_by_its_ports() -> None:
    world = World()
    for name in ("left", "right"):
        world.space(name)
    world.cable("left:p0", "right:p0").cable("left:p1", "right:p1")
    for number, name in enumerate(("left", "right"), 1):
        bond = world[name].link("bond0", "bond", detail={"active_slave": "3"})
        for port in ("p0", "p1"):
            world[name].change(port, master=bond.index)
        world[name].address("bond0", f"10.3.0.{number}/24").serve(80)
    found = ask(world)[0]
    assert found.symptom is Symptom.CONNECTED
    assert any("bond0 sends by its port p1" in step.text for step in found.forward.steps)
    world["left"].change("p1", up=False)
    assert ask(world)[0].symptom is not Symptom.CONNECTED


@pytest.mark.parametrize(
    ("kind", "words"),
    [("wireguard", "WireGuard"), ("tun", "served by a program"), ("gre", "GRE"), ("", "leaves the snapshot via out")],
)
def test_a_device_that_leads_out_of_view_says_what_it_is(kind: str, words: str) -> None:
    world = three_in_line()
    world["client"].link("out", kind, noarp=bool(kind))
    world["client"].address("out", "10.9.0.1/24").route("203.0.113.0/24 dev out")
    (found,) = asked(world.snapshot("client"), "203.0.113.9")
    assert (found.forward.outcome, words in found.forward.last.text) == (Outcome.LEAVES_VIEW, True)


def test_a_vxlan_that_is_routed_into_itself_is_a_loop() -> None:
    world = three_in_line()
    client = world["client"]
    vxlan = client.link("vx0", "vxlan", detail={"id": "7", "dstport": "4789"})
    client.address("vx0", "10.7.0.1/24").neighbour("vx0", "10.7.0.2", "02:00:00:00:00:99")
    client.learned("vx0", "02:00:00:00:00:99", destination=ip_address("10.7.0.2"))
    assert vxlan.kind == "vxlan"
    (found,) = asked(world.snapshot("client"), "10.7.0.2")
    assert (found.forward.outcome, found.symptom) == (Outcome.LOOP, Symptom.TIMEOUT)


def test_a_dormant_table_sees_no_packet() -> None:
    world = three_in_line()
    router = world["router"].iptables("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n")
    assert asked(world.snapshot("client"))[0].symptom is Symptom.TIMEOUT
    router.tables[-1] = replace(router.tables[-1], flags=frozenset({"dormant"}))
    assert asked(world.snapshot("client"))[0].symptom is Symptom.CONNECTED
