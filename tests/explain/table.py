"""The faults that every diagnosis is tested with, one a line."""

from __future__ import annotations

from engine.model.traffic import Process
from tests.explain.faults import (
    BRIDGED,
    DROP_BACK,
    SERVER,
    TO_81,
    TO_99,
    UDP,
    Fault,
    astray,
    astray_frame,
    deaf_port,
    docker,
    guarded,
    line,
    lost_address,
    own_published_port,
    raw,
    relay,
    serving,
    silent_device,
    stale_neighbour,
    state,
    stolen_reply,
    strict,
    two_networks,
    undiscovered,
    unheard,
    unmasqueraded,
    unplugged,
    wrong_gateway,
    wrong_mac,
)
from tests.explain.table_more import MORE
from tests.hosts.stock import WEB, one_bridge, two_uplinks
from tests.path.endings import (
    answer_past_the_translation,
    circle,
    filtered,
    isolated_ports,
    known_gateway,
    no_address,
    vanished,
)

COMMON: tuple[Fault, ...] = (
    # Netfilter.
    Fault(
        "drop in DOCKER-USER",
        docker(user=["-p tcp -m tcp --dport 80 -j DROP"]),
        "FW_RULE_DROP",
        "filter/DOCKER-USER #0",
    ),
    Fault(
        "drop before all", docker(filters=["-A FORWARD -s 10.77.0.0/24 -j DROP"]), "FW_RULE_DROP", "filter/FORWARD #0"
    ),
    Fault("reject", docker(filters=["-A FORWARD -o docker0 -j REJECT"]), "FW_RULE_REJECT", "filter/FORWARD #0"),
    Fault("drop of the answer", docker(filters=[f"-A FORWARD {DROP_BACK}"]), "FW_RULE_DROP", "filter/FORWARD #0"),
    Fault(
        "drop in the container",
        docker(lambda w: filtered(w["web"], "INPUT", "-p tcp -m tcp --dport 80 -j DROP"), proxy=False),
        "FW_RULE_DROP",
        "filter/INPUT #0",
    ),
    Fault(
        "policy in the container",
        docker(lambda w: filtered(w["web"], "INPUT", policy="DROP")),
        "FW_POLICY_DROP",
        "filter/INPUT",
    ),
    Fault(
        "isolated networks",
        two_networks().snapshot(),
        "FW_NET_ISOLATION_DROP",
        "filter/DOCKER-ISOLATION-STAGE-2 #0",
        "web:80",
        "app",
        owner="docker",
    ),
    Fault(
        "direct access",
        docker(guarded),
        "FW_RAW_DIRECT_ACCESS_DROP",
        "raw/PREROUTING #0",
        "172.17.0.2:80",
        owner="docker",
    ),
    # Routing.
    Fault(
        "forwarding off",
        line(lambda w: w["router"].sysctl("net.ipv4.ip_forward", 0)),
        "HOST_IP_FORWARD_OFF",
        "net.ipv4.ip_forward",
        **SERVER,
    ),
    Fault(
        "forwarding of a device off",
        line(lambda w: w["router"].sysctl("net.ipv4.conf.left.forwarding", 0)),
        "HOST_DEVICE_FORWARDING_OFF",
        "net.ipv4.conf.left.forwarding",
        **SERVER,
    ),
    Fault(
        "strict reverse path filter", line(strict), "HOST_RP_FILTER_STRICT", "net.ipv4.conf.left.rp_filter", **SERVER
    ),
    Fault("no route", line(lambda w: w["client"].routes.clear()), "SRC_NO_ROUTE", "routing table", **SERVER),
    Fault("no route back", line(lambda w: w["server"].routes.clear()), "RET_NO_ROUTE_BACK", "routing table", **SERVER),
    Fault(
        "unreachable route",
        line(lambda w: w["client"].route("unreachable 10.2.0.2/32")),
        "SRC_ROUTE_UNREACHABLE",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "prohibited route",
        line(lambda w: w["router"].route("prohibit 10.2.0.2/32")),
        "SRC_ROUTE_PROHIBIT",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "blackhole",
        line(lambda w: w["client"].route("blackhole 10.2.0.2/32")),
        "SRC_ROUTE_BLACKHOLE",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "blackhole for the answer",
        line(lambda w: w["server"].route("blackhole 10.1.0.2/32")),
        "RET_ROUTE_BLACKHOLE",
        "route 10.1.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "refusing policy rule",
        line(lambda w: w["client"].policy(50, action="prohibit")),
        "SRC_ROUTE_PROHIBIT",
        "ip rule 50",
        **SERVER,
    ),
    # Links.
    Fault(
        "bridge down",
        docker(lambda w: w["host"].change("docker0", up=False), proxy=False),
        "LINK_BRIDGE_DOWN",
        "docker0",
    ),
    Fault(
        "port down", docker(lambda w: w["host"].change("vethweb", up=False), proxy=False), "LINK_VETH_DOWN", "vethweb"
    ),
    Fault("port of no bridge", docker(unplugged, proxy=False), "LINK_NO_MASTER", "vethweb"),
    Fault("address lost", docker(lost_address, proxy=False), "DST_NO_ADDRESS", "eth0", owner="docker"),
    Fault("wrong neighbour entry", docker(stale_neighbour, proxy=False), "LINK_NEIGH_STALE", "172.17.0.2 dev docker0"),
    Fault("isolated ports", isolated_ports().snapshot, "LINK_PORT_ISOLATED", "right0", **BRIDGED),
    Fault(
        "address not answered for",
        unheard().snapshot("left"),
        "LINK_ARP_IGNORED",
        "net.ipv4.conf.eth0.arp_ignore",
        **BRIDGED,
    ),
    Fault(
        "neighbour discovery dropped",
        undiscovered().snapshot("left"),
        "FW_NEIGHBOUR_DISCOVERY",
        "filter/INPUT",
        "[fd03::2]:80",
        "host",
    ),
    Fault(
        "nobody has the address",
        one_bridge().snapshot("left"),
        "SRC_NEIGH_FAILED",
        "10.3.0.9 dev eth0",
        "10.3.0.9:80",
        "host",
        mended=False,
    ),
    Fault("frame for another", line(wrong_mac), "LINK_NEIGH_STALE", "10.2.0.2 dev right", **SERVER),
    # Translation.
    Fault("rules wiped", docker(nat="", proxy=False), "NAT_RULES_WIPED", "port 8080/tcp", owner="docker"),
    Fault(
        "translated to nobody", docker(nat=TO_99, proxy=False), "NAT_DNAT_STALE_TARGET", "nat/DOCKER #1", owner="docker"
    ),
    Fault(
        "translated to a closed port",
        docker(nat=TO_81, filters=["-A FORWARD -o docker0 -j ACCEPT"], proxy=False),
        "DST_LISTEN_OTHER_PORT",
        "nat/DOCKER #1",
        owner="docker",
    ),
    Fault("not published", docker(), "NAT_NOT_PUBLISHED", "port 5432/tcp", "10.77.0.1:5432", owner="docker"),
    Fault(
        "no rule, and dockerd holds the port",
        docker(relay("dockerd", None, 80), nat="", proxy=False),
        "NAT_RULES_WIPED",
        "port 8080/tcp",
        owner="docker",
    ),
    Fault(
        "a relay to a closed port",
        docker(relay("docker-proxy", WEB, 81), nat="", proxy=False),
        "DST_LISTEN_OTHER_PORT",
        "web",
        owner="docker",
    ),
    # The end of the way.
    Fault("nothing listens", line(serving()), "DST_NO_LISTENER", "server", **SERVER),
    Fault("loopback only", line(serving(80, "127.0.0.1")), "DST_LISTEN_LOOPBACK_ONLY", "127.0.0.1:80/tcp", **SERVER),
    Fault("other address", line(serving(80, "10.2.0.9")), "DST_LISTEN_OTHER_ADDRESS", "10.2.0.9:80/tcp", **SERVER),
    Fault("other device", line(serving(80, device=1)), "DST_LISTEN_OTHER_DEVICE", "0.0.0.0:80/tcp", **SERVER),
    Fault("IPv4 only", line(serving(80)), "DST_LISTEN_OTHER_FAMILY", "0.0.0.0:80/tcp", "[fd02::2]:80", "host"),
    Fault("other protocol", line(serving(80)), "DST_LISTEN_OTHER_PROTOCOL", "server", protocol=UDP, **SERVER),
    Fault("other port", docker(), "DST_LISTEN_OTHER_PORT", "web", "web:81", "host", owner="docker"),
    Fault("queue full", line(serving(80, backlog=5, queued=9)), "DST_BACKLOG_FULL", "0.0.0.0:80/tcp", **SERVER),
    Fault(
        "program stopped",
        line(serving(80, process=Process(9, "app", "T"))),
        "DST_STOPPED",
        "0.0.0.0:80/tcp",
        mended=False,
        **SERVER,
    ),
    Fault(
        "container gone",
        docker(state("web", "exited", gone=True), nat="", proxy=False),
        "DST_NOT_RUNNING",
        "web",
        owner="docker",
    ),
    Fault("container paused", docker(state("web", "paused")), "DST_PAUSED", "web", owner="docker"),
    # Out of this host's hands.
    Fault("leaves the view", two_uplinks().snapshot(), "INFO_EXITS_HOST", "isp1", "192.0.2.9:80", "host", mended=False),
    Fault(
        "no address to send from",
        no_address().snapshot,
        "SRC_NO_ADDRESS",
        "route 10.2.0.0/24 (table main)",
        mended=False,
        **SERVER,
    ),
    Fault("a circle", circle().snapshot, "ROUTE_LOOP", "server", "10.5.0.9:80", "host", mended=False),
    Fault(
        "a hole in the snapshot",
        vanished("client").snapshot,
        "INFO_UNEXPLAINED",
        "route 10.2.0.2/32 (table main)",
        mended=False,
        **SERVER,
    ),
    Fault(
        "answer not translated back",
        answer_past_the_translation().snapshot,
        "RET_RETURN_NOT_UNNATED",
        "left",
        "10.3.0.254:80",
        "host",
        mended=False,
    ),
    # Less common ones.
    Fault(
        "a route that throws",
        docker(lambda w: w["host"].route("throw 172.17.0.2/32")),
        "SRC_NO_ROUTE",
        "route 172.17.0.2/32 (table main)",
    ),
    Fault(
        "answers without tracking",
        docker(raw("-A PREROUTING -i docker0 -p tcp -m tcp --sport 80 -j CT --notrack")),
        "RET_RETURN_NOT_UNNATED",
        "raw/PREROUTING #0",
    ),
    Fault(
        "a zone for one direction",
        docker(raw("-A PREROUTING -i up0 -p tcp -m tcp --dport 8080 -j CT --zone 5")),
        "RET_RETURN_NOT_UNNATED",
        "raw/PREROUTING #0",
    ),
    Fault(
        "own address as a source",
        line(lambda w: known_gateway(w).address("lo", "10.1.0.2/32")),
        "HOST_MARTIAN",
        "10.1.0.2",
        owner="kernel",
        mended=False,
        **SERVER,
    ),
    Fault("route shadowed", docker(astray, proxy=False), "SRC_ROUTE_SHADOWED", "route 172.17.0.2/32 (table main)"),
    Fault(
        "answer led astray", line(wrong_gateway), "RET_ASYMMETRIC_GATEWAY", "route 10.1.0.0/24 (table main)", **SERVER
    ),
    Fault(
        "answer taken by a VPN's policy rule",
        docker(stolen_reply, proxy=False),
        "RET_ASYMMETRIC_GATEWAY",
        "ip rule 32765",
    ),
    Fault("no hairpin", own_published_port(True, False), "LINK_HAIRPIN_OFF", "vethweb", source="web"),
    Fault(
        "no masquerading of a hairpin",
        own_published_port(False, True),
        "NAT_HAIRPIN_NO_MASQ",
        "nat/POSTROUTING",
        source="web",
    ),
    Fault("no masquerading", unmasqueraded(), "NAT_MASQ_MISSING", "nat/POSTROUTING", "10.77.0.2:80", "web"),
    Fault("port that does not forward", deaf_port(), "LINK_PORT_NOT_FORWARDING", "right0", mended=False, **BRIDGED),
    Fault("frame learned elsewhere", astray_frame(), "LINK_NOT_FOR_US", "eth0", mended=False, **BRIDGED),
    Fault("device without ARP", silent_device(), "LINK_ARP_OFF", "eth0", mended=False, **BRIDGED),
)

FAULTS = (*COMMON, *MORE)
