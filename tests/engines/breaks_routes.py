"""Breaks in forwarding, routing and links, on the way there and on the way back."""

from __future__ import annotations

from tests.engines.breaks import (
    LOCALHOST,
    WEB_ADDRESS,
    Break,
    Vantage,
    asymmetric,
    in_order,
    inside,
    knows_neighbour,
    lan_app,
    sh,
    veth,
)
from tests.engines.docker import LAN_ADDRESS

ROUTES = (
    Break(
        "uplink-not-forwarding",
        "timeout",
        "HOST_DEVICE_FORWARDING_OFF",
        "up0",
        sh("sysctl -qw net.ipv4.conf.up0.forwarding=0"),
    ),
    Break(
        "bridge-not-forwarding",
        "timeout",
        "HOST_DEVICE_FORWARDING_OFF",
        "docker0",
        sh("sysctl -qw net.ipv4.conf.docker0.forwarding=0"),
    ),
    Break(
        "rp-filter-strict", "timeout", "HOST_RP_FILTER_STRICT", "rp_filter", in_order(asymmetric(1), knows_neighbour)
    ),
    # The filter applies to the ARP question too, since it carries the client's address: nobody answers it.
    Break("rp-filter-strict-first-contact", "host-unreachable", "HOST_RP_FILTER_STRICT", "rp_filter", asymmetric(1)),
    Break("asymmetric-route", "timeout", "RET_ASYMMETRIC_GATEWAY", "10.88.0.0/24", asymmetric(0)),
    Break(
        "blackhole-back", "timeout", "RET_ROUTE_BLACKHOLE", LAN_ADDRESS, sh(f"ip route add blackhole {LAN_ADDRESS}/32")
    ),
    Break(
        "blackhole-back-strict",
        "host-unreachable",
        "RET_ROUTE_BLACKHOLE",
        LAN_ADDRESS,
        sh(f"ip route add blackhole {LAN_ADDRESS}/32", "sysctl -qw net.ipv4.conf.up0.rp_filter=1"),
    ),
    Break(
        "unreachable-route",
        "host-unreachable",
        "SRC_ROUTE_UNREACHABLE",
        WEB_ADDRESS,
        sh(f"ip route add unreachable {WEB_ADDRESS}"),
    ),
    Break(
        "prohibit-route",
        "host-unreachable",
        "SRC_ROUTE_PROHIBIT",
        WEB_ADDRESS,
        sh(f"ip route add prohibit {WEB_ADDRESS}"),
    ),
    Break(
        "blackhole-route", "timeout", "SRC_ROUTE_BLACKHOLE", WEB_ADDRESS, sh(f"ip route add blackhole {WEB_ADDRESS}")
    ),
    Break(
        "rule-steals-reply",
        "timeout",
        "RET_ROUTE_BLACKHOLE",
        "default",
        sh("ip route add blackhole default table 100", "ip rule add from 172.17.0.0/16 table 100 priority 100"),
    ),
    Break(
        "rule-unreachable-reply",
        "timeout",
        "RET_ROUTE_UNREACHABLE",
        "100",
        sh("ip rule add from 172.17.0.0/16 unreachable priority 100"),
    ),
    Break(
        "rule-steals-packet",
        "host-unreachable",
        "SRC_ROUTE_SHADOWED",
        "up0",
        sh(
            "ip route add default dev up0 table 100",
            "ip rule add iif up0 table 100 priority 100",
            "iptables -P FORWARD ACCEPT",
        ),
    ),
    Break(
        "vpn-shadows-subnet",
        "timeout",
        "SRC_ROUTE_SHADOWED",
        "172.17.0.0/24",
        sh(f"ip route add 172.17.0.0/24 via {LAN_ADDRESS} dev up0"),
    ),
    Break(
        "route-back-inside",
        "timeout",
        "RET_ROUTE_BLACKHOLE",
        LAN_ADDRESS,
        inside(f"ip route add blackhole {LAN_ADDRESS}"),
    ),
    Break(
        "wrong-gateway-inside",
        "timeout",
        "RET_ASYMMETRIC_GATEWAY",
        "172.17.0.200",
        inside("ip route replace default via 172.17.0.200"),
    ),
    Break(
        "subnet-of-client-inside",
        "timeout",
        "RET_ASYMMETRIC_GATEWAY",
        "10.77.0.0/24",
        inside(
            "ip link add dd0 type bridge",
            "ip address add 10.77.0.250/24 dev dd0",
            "ip link set dd0 up",
            "sysctl -qw net.ipv4.neigh.dd0.retrans_time_ms=100",
        ),
    ),
    Break(
        "vpn-inside",
        "timeout",
        "RET_ASYMMETRIC_GATEWAY",
        "0.0.0.0/0",
        inside(
            "ip link add tun9 type veth peer name tun8",
            "ip link set tun9 up",
            "ip link set tun8 up",
            "sysctl -qw net.ipv4.neigh.tun9.retrans_time_ms=100",
            "ip route replace default dev tun9",
        ),
    ),
    Break(
        "mark-steers-answer",
        "timeout",
        "RET_ROUTE_UNREACHABLE",
        "table 99",
        sh(
            "iptables -t mangle -A PREROUTING -i docker0 -j MARK --set-mark 9",
            "ip rule add fwmark 9 table 99 priority 50",
            "ip route add unreachable default table 99",
        ),
    ),
    Break(
        "no-masquerade",
        "timeout",
        "NAT_MASQ_MISSING",
        make=in_order(lan_app, sh("iptables -t nat -F POSTROUTING")),
        vantage=Vantage("web", LAN_ADDRESS, 9000),
    ),
    Break("egress", "connected", make=lan_app, vantage=Vantage("web", LAN_ADDRESS, 9000)),
    Break("no-route-in-lan", "net-unreachable", "SRC_NO_ROUTE", vantage=Vantage("lan", WEB_ADDRESS, 80)),
)

LINKS = (
    Break("bridge-down", "timeout", "LINK_BRIDGE_DOWN", "docker0", sh("ip link set docker0 down")),
    Break("veth-down", "host-unreachable", "LINK_VETH_DOWN", "veth", veth("down")),
    Break("eth0-down-inside", "host-unreachable", "LINK_VETH_DOWN", "eth0", inside("ip link set eth0 down")),
    Break("veth-without-master", "host-unreachable", "LINK_NO_MASTER", "veth", veth("nomaster")),
    Break("address-gone", "host-unreachable", "DST_NO_ADDRESS", make=inside("ip address flush dev eth0")),
    Break(
        "wrong-neighbour",
        "timeout",
        "LINK_NEIGH_STALE",
        WEB_ADDRESS,
        sh(f"ip neigh replace {WEB_ADDRESS} lladdr 02:42:ac:11:00:63 dev docker0 nud permanent"),
    ),
    Break("uplink-down", "host-unreachable", "LINK_VETH_DOWN", "up0", sh("ip link set up0 down")),
    Break("bridge-without-address", "timeout", "LINK_BRIDGE_NO_ADDRESS", "docker0", sh("ip address flush dev docker0")),
    Break(
        "flood-off",
        "timeout",
        "LINK_FLOOD_OFF",
        "veth",
        in_order(veth("type bridge_slave learning off"), veth("type bridge_slave flood off")),
    ),
    Break(
        "wrong-neighbour-inside",
        "timeout",
        "LINK_NEIGH_STALE",
        "172.17.0.1",
        inside("ip neigh replace 172.17.0.1 lladdr 02:42:ac:11:00:66 dev eth0 nud permanent"),
    ),
    Break("loopback-down", "timeout", "LINK_DOWN", "lo", sh("ip link set lo down"), vantage=LOCALHOST),
)
