"""A snapshot after a change: what changes with it, and that nothing else does."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from engine.apply.steps_building import BUILDING
from engine.apply.steps_rebuilding import REBUILDING
from engine.change import applied
from engine.change.address import AddAddress
from engine.change.engines.container import SetContainer
from engine.change.link import SetArp, SetLink
from engine.change.listener import Listen
from engine.change.neighbour import DeleteNeighbour
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.port import SetPort
from engine.change.program import PROGRAMS, Command
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.sysctl import SetSysctl
from engine.model.address import Family
from engine.model.firewall import Backend, Rule, RuleVerdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.link import Address
from engine.model.packet import Protocol
from engine.model.plan import Change, StaleChange
from engine.model.route import NextHop, Route
from engine.model.traffic import Listener
from engine.model.where import RulePlace
from tests.harness.changes import KINDS, SIMULATED
from tests.hosts.build import World
from tests.hosts.stock import docker_world, one_bridge, three_in_line

DROP = Rule(0, (RuleVerdict(VerdictKind.DROP),), "-A FORWARD -j DROP")


def after(world: World, *changes: Change, host: str | None = None) -> Snapshot:
    return applied(world.snapshot(host), changes)


def place(index: int, chain: str = "FORWARD", backend: Backend = Backend.XT_NFT) -> RulePlace:
    return RulePlace("host", backend, "ip", "filter", chain, index)


def texts(snapshot: Snapshot, chain: str = "FORWARD") -> list[str]:
    table = snapshot.host_netns.firewall.table(Backend.XT_NFT, "ip", "filter")
    found = table.chain(chain) if table else None
    assert found is not None
    assert [rule.index for rule in found.rules] == list(range(len(found.rules)))
    return [rule.text for rule in found.rules]


BEFORE = texts(docker_world().snapshot())
RULES = docker_world().snapshot().host_netns.firewall.tables[0].chains[1].rules


@pytest.mark.parametrize("index", [0, 3, 6, 99])
def test_a_rule_is_inserted_where_it_is_wanted(index: int) -> None:
    wanted = [*BEFORE[:index], DROP.text, *BEFORE[index:]]
    assert texts(after(docker_world(), InsertRule(place(index), DROP, ()))) == wanted


def test_a_rule_is_replaced_in_its_place() -> None:
    assert texts(after(docker_world(), ReplaceRule(place(2), DROP, ()))) == [*BEFORE[:2], DROP.text, *BEFORE[3:]]
    with pytest.raises(StaleChange):
        after(docker_world(), ReplaceRule(place(99), DROP, ()))


def test_a_rule_is_deleted_by_what_it_says() -> None:
    assert texts(after(docker_world(), DeleteRule(place(2), RULES[2]))) == [*BEFORE[:2], *BEFORE[3:]]


def test_a_rule_that_moved_is_deleted_where_it_is_now() -> None:
    moved = after(docker_world(), InsertRule(place(0), DROP, ()), DeleteRule(place(2), RULES[2]))
    assert texts(moved) == [DROP.text, *BEFORE[:2], *BEFORE[3:]]


def test_a_rule_that_is_not_there_is_not_deleted() -> None:
    with pytest.raises(StaleChange, match="has no rule"):
        after(docker_world(), DeleteRule(place(0), DROP))


def test_a_table_of_another_backend_is_left_alone() -> None:
    assert texts(after(docker_world(), InsertRule(place(0, backend=Backend.XT_LEGACY), DROP, ()))) == BEFORE


def test_ip_forward_sets_the_forwarding_of_every_device() -> None:
    snapshot = after(three_in_line(), SetSysctl("router", "net.ipv4.ip_forward", 0))
    values = snapshot.by_id["router"].sysctls
    assert {values[f"net.ipv4.conf.{name}.forwarding"] for name in ("all", "left", "right", "default")} == {0}
    assert values["net.ipv6.conf.all.forwarding"] == 1


def test_any_other_sysctl_is_just_set() -> None:
    before = three_in_line().snapshot()
    snapshot = after(three_in_line(), SetSysctl("router", "net.ipv4.conf.left.rp_filter", 2))
    changed = {
        name for name, value in snapshot.by_id["router"].sysctls.items() if before.by_id["router"].sysctl(name) != value
    }
    assert changed == {"net.ipv4.conf.left.rp_filter"}


def test_routes_come_and_go() -> None:
    route = Route(ip_network("192.0.2.0/24"), nexthops=(NextHop(2),))
    added = after(three_in_line(), AddRoute("router", route))
    assert route in added.by_id["router"].routes
    assert applied(added, [DeleteRoute("router", route)]) == three_in_line().snapshot()


def test_a_policy_rule_goes() -> None:
    world = three_in_line()
    world["router"].policy(50, action="prohibit")
    (rule,) = world["router"].rules
    without = three_in_line().snapshot()
    assert after(world, DeletePolicyRule("router", rule)) == without
    assert applied(without, [AddPolicyRule("router", rule)]) == world.snapshot()


def test_an_address_brings_its_local_and_its_connected_route() -> None:
    snapshot = after(three_in_line(), AddAddress("router", "left", Address(0, ip_address("10.7.0.1"), 24)))
    router = snapshot.by_id["router"]
    assert ip_address("10.7.0.1") in router.addresses_by_value
    assert router.addresses_by_value[ip_address("10.7.0.1")].link == router.links_by_name["left"].index
    made = {(route.kind, str(route.destination)) for route in router.routes[-2:]}
    assert made == {("local", "10.7.0.1/32"), ("unicast", "10.7.0.0/24")}


def test_an_address_of_a_device_that_is_down_brings_no_connected_route() -> None:
    world = three_in_line()
    world["router"].change("left", up=False)
    snapshot = after(world, AddAddress("router", "left", Address(0, ip_address("10.7.0.1"), 24)))
    assert "10.7.0.0/24" not in {str(route.destination) for route in snapshot.by_id["router"].routes}


def test_one_neighbour_entry_is_forgotten() -> None:
    world = three_in_line()
    world["router"].neighbour("left", "10.1.0.2", "02:00:00:00:00:99").neighbour(
        "right", "10.1.0.2", "02:00:00:00:00:98"
    )
    snapshot = after(world, DeleteNeighbour("router", "left", ip_address("10.1.0.2")))
    assert [n.mac for n in snapshot.by_id["router"].neighbours] == ["02:00:00:00:00:98"]


def test_a_device_that_answers_for_its_addresses_again_has_forgotten_its_neighbours() -> None:
    world = three_in_line()
    router = world["router"].neighbour("left", "10.1.0.2", "02:00:00:00:00:99")
    router.neighbour("right", "10.2.0.2", "02:00:00:00:00:98")
    seen = after(world, SetArp("router", "left", on=True)).by_id["router"]
    assert [n.mac for n in seen.neighbours] == ["02:00:00:00:00:98"]
    assert not seen.links_by_name["left"].noarp


def test_a_link_that_comes_up_gives_both_ends_and_the_bridge_their_carrier_and_routes_back() -> None:
    world = docker_world()
    del world.spaces["db"]
    del world["host"].links["vethdb"]
    world["web"].change("eth0", up=False)
    broken = world.snapshot()
    assert not broken.host_netns.links_by_name["docker0"].carrier
    assert any("linkdown" in hop.flags for route in broken.host_netns.routes for hop in route.nexthops)
    mended = applied(broken, [SetLink("web", "eth0", up=True)])
    assert all(mended.host_netns.links_by_name[name].works for name in ("docker0", "vethweb"))
    assert not any("linkdown" in hop.flags for route in mended.host_netns.routes for hop in route.nexthops)
    web = mended.by_id["web"]
    assert web.links_by_name["eth0"].works
    assert "172.17.0.0/16" in {str(route.destination) for route in web.routes}


def test_a_link_that_comes_up_does_not_bring_back_routes_that_somebody_added() -> None:
    world = docker_world()
    world["web"].change("eth0", up=False)
    mended = after(world, SetLink("web", "eth0", up=True))
    assert "0.0.0.0/0" not in {str(route.destination) for route in mended.by_id["web"].routes}


@pytest.mark.parametrize(("length", "connected"), [(24, True), (32, False)])
def test_an_address_without_a_subnet_brings_no_connected_route(length: int, connected: bool) -> None:
    snapshot = after(three_in_line(), AddAddress("router", "left", Address(0, ip_address("10.7.0.1"), length)))
    made = [
        route for route in snapshot.by_id["router"].routes if route.table == 254 and "10.7." in str(route.destination)
    ]
    assert bool(made) is connected


def test_a_link_becomes_a_port() -> None:
    world = one_bridge()
    world["sw"].change("right0", master=None, port=None)
    snapshot = after(world, SetLink("sw", "right0", master="br0"))
    assert snapshot == one_bridge().snapshot()
    free = applied(snapshot, [SetLink("sw", "right0", master="")])
    assert free.by_id["sw"].links_by_name["right0"].master is None


def test_an_option_of_a_port_is_set() -> None:
    snapshot = after(one_bridge(), SetPort("sw", "left0", "hairpin", 1))
    port = snapshot.by_id["sw"].links_by_name["left0"].port
    assert port is not None
    assert (port.hairpin, port.isolated) == (True, False)


def test_a_container_changes_its_state() -> None:
    world = docker_world()
    snapshot = after(world, SetContainer(world.containers[0].id, ("docker",), ("pause", "web"), "paused"))
    assert [container.state for container in snapshot.containers] == ["paused", "running"]


def test_a_program_listens_instead_of_another() -> None:
    world = three_in_line()
    old = world["server"].listeners[0]
    new = Listener(Protocol.TCP, Family.INET, None, 8080)
    snapshot = after(world, Listen("server", new, old))
    assert new in snapshot.by_id["server"].listeners
    assert old not in snapshot.by_id["server"].listeners
    assert len(after(world, Listen("server", new)).by_id["server"].listeners) == len(world["server"].listeners) + 1


def test_changes_are_made_in_order_and_the_snapshot_itself_stays_as_it_is() -> None:
    world = three_in_line()
    before = world.snapshot()
    changes = [SetSysctl("router", "net.ipv4.ip_forward", value) for value in (0, 1)]
    assert applied(before, changes) == before == three_in_line().snapshot()


def test_every_change_that_a_fix_may_hold_can_be_tried() -> None:
    assert {*BUILDING, *REBUILDING, Command, *PROGRAMS} == KINDS - SIMULATED
