"""The smallest host with something to ask: a LAN client on its uplink, a server on port 8080, and no firewall."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from engine.model.address import Family
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Peer
from engine.model.packet import Protocol
from engine.model.route import NextHop, PolicyRule, Route
from engine.model.traffic import Listener, Process

RULES = tuple(
    PolicyRule(Family.INET, priority, table=table) for priority, table in ((0, 255), (32766, 254), (32767, 253))
)


def netns(name: str, address: str, peer: str, *listeners: Listener) -> Netns:
    """A namespace with one veth end, its address, and the routes that the kernel makes of it."""
    own, network = ip_address(address), ip_network("10.77.0.0/24")
    hop = (NextHop(2),)
    return Netns(
        name,
        inode=len(name),
        path=f"/run/netns/{name}",
        links=(
            Link(1, "lo", "loopback", mac="00:00:00:00:00:00"),
            Link(2, "eth0", "veth", mac=f"02:00:00:00:00:0{int(own) % 8}", peer=Peer(peer, 2)),
        ),
        addresses=(Address(1, ip_address("127.0.0.1"), 8, "host"), Address(2, own, 24)),
        routes=(
            Route(ip_network("127.0.0.0/8"), 255, "local", scope="host", nexthops=(NextHop(1),)),
            Route(ip_network(f"{own}/32"), 255, "local", scope="host", preferred_source=own, nexthops=hop),
            Route(network, scope="link", protocol="kernel", preferred_source=own, nexthops=hop),
        ),
        rules=RULES,
        sysctls={"net.ipv4.ip_forward": 0, "net.ipv4.conf.all.rp_filter": 0},
        listeners=listeners,
    )


def plain_host() -> Snapshot:
    """The whole of it."""
    server = Listener(Protocol.TCP, Family.INET, None, 8080, process=Process(7, "server"))
    return Snapshot("host", (netns("host", "10.77.0.1", "lan", server), netns("lan", "10.77.0.2", "host")))
