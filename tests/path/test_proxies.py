"""Transparent proxies, zones of connection tracking, rules and routes that can't be decided, and VRFs."""

from __future__ import annotations

from engine.model.firewall import SetZone, Tproxy
from engine.model.packet import Protocol
from engine.model.trace import Outcome, Symptom
from engine.observe.firewall.nft.statements import statement
from tests.hosts.build import World
from tests.hosts.stock import three_in_line
from tests.path.talks import asked

FAR = "203.0.113.9"


def proxied(rule: str = "-p tcp -m tcp --dport 80", listens: int = 3128, routed: bool = True) -> World:
    """The router hands what goes to port 80 of anybody to a proxy of its own."""
    world = three_in_line()
    router = world["router"].listen(listens, "10.1.0.1")
    router.iptables(
        f"*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule} "
        "-j TPROXY --on-port 3128 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\nCOMMIT\n"
    )
    if routed:
        router.policy(100, 100, fwmark=1, fwmask=1).route("local 0.0.0.0/0 dev lo table 100")
    return world


def test_tproxy_takes_the_packet_to_a_socket_of_another_port() -> None:
    (talk,) = asked(proxied().snapshot("client"), FAR)
    assert (talk.symptom, talk.forward.hops[-1].netns) == (Symptom.CONNECTED, "router")
    assert "10.1.0.1:3128" in talk.forward.last.text
    assert talk.reply is not None
    assert str(talk.reply.hops[0].packet.src) == FAR


def test_tproxy_without_a_socket_drops() -> None:
    (talk,) = asked(proxied(listens=3129).snapshot("client"), FAR)
    assert (talk.forward.outcome, talk.symptom) == (Outcome.RULE_DROP, Symptom.TIMEOUT)


def test_tproxy_without_a_route_inwards_forwards_nothing() -> None:
    world = proxied(routed=False)
    world["router"].route("203.0.113.0/24 via 10.2.0.2 dev right")
    (talk,) = asked(world.snapshot("client"), FAR)
    assert (talk.forward.outcome, talk.symptom) == (Outcome.NOT_FORWARDED, Symptom.TIMEOUT)


def test_tproxy_is_not_about_other_packets() -> None:
    (talk,) = asked(proxied(listens=3129).snapshot("client"), protocol=Protocol.UDP)
    assert talk.symptom is Symptom.CONNECTED


def test_the_words_of_nft_for_zones_and_proxies() -> None:
    zone = {"mangle": {"key": {"ct": {"key": "zone"}}, "value": 3}}
    half = {"mangle": {"key": {"ct": {"key": "zone", "dir": "original"}}, "value": 3}}
    assert (statement(zone), statement(half)) == ((SetZone(3),), (SetZone(3, reply=False),))
    assert statement({"tproxy": {"family": "ip", "port": 3128}}) == (Tproxy(None, 3128),)


def zoned(back: str) -> World:
    """The router translates, and tracks what the client sends in zone 5; `back` is for what the server sends."""
    world = three_in_line()
    world["router"].iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i left -j CT --zone 5\n"
        f"{back}COMMIT\n*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o right -j MASQUERADE\nCOMMIT\n"
    )
    return world


def test_a_reply_is_translated_back_where_it_is_looked_for_in_the_zone_of_its_flow() -> None:
    (talk,) = asked(zoned("-A PREROUTING -i right -j CT --zone 5\n").snapshot("client"))
    assert talk.symptom is Symptom.CONNECTED


def test_a_reply_in_another_zone_belongs_to_no_flow() -> None:
    (talk,) = asked(zoned("").snapshot("client"))
    assert talk.symptom is Symptom.TIMEOUT


def test_a_flow_with_a_zone_for_its_first_direction_only_is_found_by_replies_without() -> None:
    world = three_in_line()
    world["router"].iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i left -j CT --zone-orig 5\nCOMMIT\n"
        "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o right -j MASQUERADE\nCOMMIT\n"
    )
    (talk,) = asked(world.snapshot("client"))
    assert talk.symptom is Symptom.CONNECTED


def test_a_policy_rule_that_is_not_understood_is_taken_both_ways() -> None:
    world = three_in_line()
    world["router"].route("prohibit default table 100").policy(50, 100, unmodelled=("tun_id 0x5",))
    found = asked(world.snapshot("client"))
    assert [talk.symptom for talk in found] == [Symptom.TIMEOUT, Symptom.CONNECTED]
    assert {about.code for about in found[0].assumptions} == {"ASSUME_POLICY_RULE"}


def test_a_rule_for_some_users_is_taken_both_ways_for_a_client_that_could_be_anybody() -> None:
    world = three_in_line()
    world["client"].route("prohibit default table 100").policy(50, 100, uid_range=(1000, 1999))
    assert {talk.symptom for talk in asked(world.snapshot("client"))} == {Symptom.PROHIBITED, Symptom.CONNECTED}


def in_a_vrf(accept: int = 0, **bound: str) -> World:
    """The router's left device belongs to a VRF, whose table leads nowhere but back."""
    world = three_in_line()
    router = world["router"]
    vrf = router.link("red", "vrf", detail={"table": "10"})
    router.change("left", master=vrf.index)
    router.routes.clear()
    router.policy(1000, 0, l3mdev=True).sysctl("net.ipv4.tcp_l3mdev_accept", accept)
    router.route("local 10.1.0.1/32 dev left table 10").route("10.1.0.0/24 dev left table 10")
    router.route("unreachable default table 10")
    if bound:
        router.listeners.clear()
        router.listen(80, device=router.links[bound["device"]].index)
    return world


def test_a_device_in_a_vrf_routes_by_its_own_table() -> None:
    (talk,) = asked(in_a_vrf().snapshot("client"))
    assert talk.forward.outcome is Outcome.ROUTE_UNREACHABLE


def test_in_a_vrf_only_sockets_that_are_bound_to_it_answer() -> None:
    outcomes = [
        asked(world.snapshot("client"), "10.1.0.1")[0].forward.outcome
        for world in (in_a_vrf(), in_a_vrf(accept=1), in_a_vrf(device="red"), in_a_vrf(device="right"))
    ]
    assert outcomes == [Outcome.NO_LISTENER, Outcome.DELIVERED, Outcome.DELIVERED, Outcome.NO_LISTENER]
