"""Breaks of containers and of how they are published: modes, states, the userland proxy, UDP."""

from __future__ import annotations

from tests.engines.breaks import (
    CLIENT,
    DROP,
    FAR,
    FAR_DIRECT,
    ITSELF,
    LOCALHOST,
    LOOPBACK_HTTPD,
    WEB_ADDRESS,
    Break,
    Vantage,
    docker,
    in_lan,
    in_order,
    inside,
    kill_proxies,
    run_again,
    serve_inside,
    sh,
    stop_servers,
    udp_app,
    veth,
)

CONTAINERS = (
    Break(
        "user-network",
        "connected",
        make=docker(
            "network create appnet",
            "rm -f web",
            "run -d --name web --network appnet -p 8080:80 bb /bin/httpd -f -p 80",
        ),
    ),
    Break(
        "shared-namespace",
        "connected",
        make=docker("run -d --name side --network container:web bb /bin/httpd -f -p 81"),
        options=("-p", "8080:81"),
    ),
    Break("published-on-uplink", "connected", options=("-p", "10.77.0.1:8080:80")),
    Break(
        "published-on-uplink-asked-at-loopback",
        "refused",
        "NAT_DNAT_HOSTIP_MISMATCH",
        options=("-p", "10.77.0.1:8080:80"),
        vantage=LOCALHOST,
        owner=run_again(),
    ),
    Break(
        "queue-full",
        "timeout",
        "DST_BACKLOG_FULL",
        make=serve_inside("tcp/0.0.0.0/8000/full"),
        options=("-p", "8080:8000"),
        owner=in_order(stop_servers, serve_inside("tcp/0.0.0.0/8000")),
    ),
    Break("self-direct", "connected", vantage=Vantage("web", WEB_ADDRESS, 80)),
    Break("self-by-loopback", "connected", vantage=Vantage("web", "127.0.0.1", 80)),
    Break(
        "self-by-loopback-published-port",
        "refused",
        "DST_LISTEN_OTHER_PORT",
        vantage=Vantage("web", "127.0.0.1", 8080),
        owner=serve_inside("tcp/127.0.0.1/8080"),
    ),
    Break(
        "published-on-loopback",
        "refused",
        "NAT_DNAT_HOSTIP_MISMATCH",
        options=("-p", "127.0.0.1:8080:80"),
        owner=run_again(),
    ),
    Break(
        "wrong-container-port",
        "refused",
        "DST_LISTEN_OTHER_PORT",
        options=("-p", "8080:81"),
        owner=run_again(),
    ),
    Break(
        "wrong-container-port-by-proxy",
        "accepted-then-closed",
        "DST_LISTEN_OTHER_PORT",
        options=("-p", "8080:81"),
        vantage=LOCALHOST,
        owner=run_again(),
    ),
    Break(
        "app-on-loopback-by-proxy",
        "accepted-then-closed",
        "DST_LISTEN_LOOPBACK_ONLY",
        command=LOOPBACK_HTTPD,
        vantage=LOCALHOST,
        owner=run_again(),
    ),
    Break(
        "drop-in-container-by-proxy",
        "accepted-then-silent",
        "FW_RULE_DROP",
        "INPUT #0",
        inside("iptables -I INPUT -p tcp --dport 80 -j DROP"),
        vantage=LOCALHOST,
    ),
    Break("paused", "accepted-then-silent", "DST_PAUSED", make=docker("pause web")),
    Break("stopped", "refused", "DST_NOT_RUNNING", make=docker("kill web")),
    Break(
        "proxy-killed",
        "refused",
        "NAT_PROXY_ABSENT",
        make=kill_proxies,
        vantage=LOCALHOST,
        owner=docker("restart web"),
    ),
    Break("proxy-killed-seen-from-lan", "connected", make=kill_proxies),
    Break("other-network", "connected", vantage=FAR),
    Break("other-network-direct", "timeout", "FW_NET_ISOLATION_DROP", "DOCKER-ISOLATION-STAGE-2", vantage=FAR_DIRECT),
    Break("host-mode", "connected", options=("--network", "host"), command=("/bin/httpd", "-f", "-p", "8080")),
    Break(
        "host-mode-on-loopback",
        "refused",
        "DST_LISTEN_LOOPBACK_ONLY",
        options=("--network", "host"),
        command=("/bin/httpd", "-f", "-p", "127.0.0.1:8080"),
        owner=run_again("--network", "host", command=("/bin/httpd", "-f", "-p", "8080")),
    ),
    Break(
        "internal-network",
        "refused",
        "NAT_NOT_PUBLISHED",
        make=docker(
            "network create --internal inside",
            "rm -f web",
            "run -d --name web --network inside -p 8080:80 bb /bin/httpd -f -p 80",
        ),
        owner=run_again(),
    ),
    Break(
        "no-network",
        "refused",
        "NAT_NOT_PUBLISHED",
        options=("--network", "none", "-p", "8080:80"),
        owner=run_again(),
    ),
)

DNS = Vantage("lan", port=5353, protocol="udp")
PUBLISH_UDP = ("-p", "5353:53/udp")
DATAGRAMS = (
    Break("udp-healthy", "connected", make=udp_app("0.0.0.0"), options=PUBLISH_UDP, vantage=DNS),
    Break(
        "udp-nothing-listens", "refused", "DST_NO_LISTENER", options=PUBLISH_UDP, vantage=DNS, owner=udp_app("0.0.0.0")
    ),
    Break(
        "udp-on-loopback",
        "refused",
        "DST_LISTEN_LOOPBACK_ONLY",
        make=udp_app("127.0.0.1"),
        options=PUBLISH_UDP,
        vantage=DNS,
        owner=udp_app(WEB_ADDRESS),
    ),
    Break(
        "udp-drop",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #0",
        in_order(udp_app("0.0.0.0"), sh(DROP)),
        options=PUBLISH_UDP,
        vantage=DNS,
    ),
    Break(
        "udp-wrong-protocol",
        "refused",
        "NAT_NOT_PUBLISHED",
        make=udp_app("0.0.0.0"),
        options=("-p", "5353:53/tcp"),
        vantage=DNS,
    ),
    Break(
        "udp-dropped-at-home",
        "not-permitted",
        "FW_RULE_DROP",
        "OUTPUT #0",
        in_order(udp_app("0.0.0.0"), in_lan("iptables -I OUTPUT -p udp -j DROP")),
        options=PUBLISH_UDP,
        vantage=DNS,
    ),
    Break(
        "udp-reject-host",
        "timeout",
        "FW_RULE_REJECT",
        "DOCKER-USER #0",
        in_order(
            udp_app("0.0.0.0"), sh("iptables -I DOCKER-USER -p udp -j REJECT --reject-with icmp-host-unreachable")
        ),
        options=PUBLISH_UDP,
        vantage=DNS,
    ),
    Break(
        "udp-reject-admin",
        "host-unreachable",
        "FW_RULE_REJECT",
        "DOCKER-USER #0",
        in_order(
            udp_app("0.0.0.0"), sh("iptables -I DOCKER-USER -p udp -j REJECT --reject-with icmp-admin-prohibited")
        ),
        options=PUBLISH_UDP,
        vantage=DNS,
    ),
)

#: The host need not ask for web's link address, so that what one client learns is no help to the next.
KNOWS_WEB = f"ip neigh replace {WEB_ADDRESS} lladdr 02:42:ac:11:00:02 dev docker0 nud permanent"

#: On an engine with userland-proxy=false: dockerd holds the published port and never accepts from it.
WITHOUT_PROXY = (
    Break("np-healthy-localhost", "connected", vantage=LOCALHOST),
    Break("np-healthy-lan", "connected"),
    Break("np-healthy-itself", "connected", vantage=ITSELF),
    Break("np-other-network", "timeout", "FW_NET_ISOLATION_DROP", "DOCKER-ISOLATION-STAGE-2", vantage=FAR),
    Break("np-nat-flushed", "accepted-then-silent", "NAT_RULES_WIPED", make=sh("iptables -t nat -F")),
    Break(
        "np-no-route-localnet",
        "timeout",
        "NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET",
        "route_localnet",
        sh("sysctl -qw net.ipv4.conf.docker0.route_localnet=0"),
        vantage=LOCALHOST,
    ),
    Break(
        "np-bridge-bypasses-firewall",
        "timeout",
        "HOST_BRNF_OFF",
        "bridge-nf-call-iptables",
        sh("sysctl -qw net.bridge.bridge-nf-call-iptables=0"),
        vantage=CLIENT,
    ),
    Break(
        "np-not-masqueraded-to-itself",
        "timeout",
        "NAT_HAIRPIN_NO_MASQ",
        "POSTROUTING",
        sh("iptables -t nat -F POSTROUTING", KNOWS_WEB),
        vantage=ITSELF,
    ),
    Break(
        "np-loopback-not-masqueraded",
        "timeout",
        "NAT_HAIRPIN_NO_MASQ",
        "POSTROUTING",
        sh("iptables -t nat -F POSTROUTING", KNOWS_WEB),
        vantage=LOCALHOST,
    ),
    Break(
        "np-no-forwarding-to-itself",
        "timeout",
        "HOST_IP_FORWARD_OFF",
        "net.ipv4.ip_forward",
        sh("sysctl -qw net.ipv4.ip_forward=0"),
        vantage=ITSELF,
    ),
    Break(
        "np-no-hairpin", "timeout", "LINK_HAIRPIN_OFF", "veth", veth("type bridge_slave hairpin off"), vantage=ITSELF
    ),
)
