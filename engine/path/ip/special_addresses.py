"""Addresses that are not one host's: a network's broadcast address (IPv4), the anycast address of a subnet's routers.

What is for one is taken in as any packet is, rules of INPUT included. It opens no connections, answers are sent from
another address, and of what was for everybody no error tells.

Sources: net/ipv4/route.c (ip_route_input_slow, brd_input), tcp_ipv4.c (tcp_v4_conn_request, tcp_v4_send_reset), udp.c
(__udp4_lib_mcast_deliver), icmp.c (__icmp_send), net/ipv6/tcp_ipv6.c (tcp_v6_conn_request), icmp.c (icmp6_send).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.route import Route
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.journey import Journey
from engine.path.lookup.route_decision import route_ref

KINDS = frozenset({"broadcast", "anycast"})


def shared(netns: Netns, address: IPAddress) -> Route | None:
    """The route that says so of an address; None for one host's."""
    if address in netns.addresses_by_value:
        return None
    routes = (route for route in netns.routes if route.kind in KINDS and route.destination.network_address == address)
    return next(routes, None)


def not_taken(journey: Journey, route: Route, why: str) -> Trace:
    """The end of a packet that nobody takes for that reason."""
    journey.step(StepKind.SOCKET, why, route_ref(journey.netns, route))
    return journey.end(Outcome.NOT_FOR_US)
