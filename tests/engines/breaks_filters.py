"""Breaks in the firewall: every backend, hook and verdict, NAT that leads elsewhere, and rules that do no harm."""

from __future__ import annotations

from tests.engines.breaks import (
    CLIENT,
    HOST,
    LOCALHOST,
    NOBODY,
    STALE_ACCEPT,
    STALE_DNAT,
    Break,
    Vantage,
    in_order,
    inside,
    nft_chain,
    nft_device_chain,
    serve_on_host,
    sh,
)

DROP_ESTABLISHED = "iptables -I FORWARD -m conntrack --ctstate ESTABLISHED -j DROP"

#: More of the same kind: forwarding, filters, routes, links.
FILTERS = (
    Break("not-published-8080", "refused", "NAT_NOT_PUBLISHED", options=("--label", "x=y")),
    Break(
        "stale-dnat-and-accept", "host-unreachable", "NAT_DNAT_STALE_TARGET", "DOCKER #1", sh(*STALE_DNAT, STALE_ACCEPT)
    ),
    Break(
        "container-moved",
        "host-unreachable",
        "NAT_DNAT_STALE_TARGET",
        "DOCKER #1",
        inside(
            "ip address del 172.17.0.2/16 dev eth0",
            "ip address add 172.17.0.77/16 dev eth0",
            "ip route add default via 172.17.0.1",
        ),
    ),
    Break("accept-rule-gone", "timeout", "FW_POLICY_DROP", "FORWARD", sh("iptables -F DOCKER")),
    Break("filter-flushed", "timeout", "FW_POLICY_DROP", "FORWARD", sh("iptables -F")),
    Break("nat-flushed", "connected", make=sh("iptables -t nat -F")),
    Break("nat-return-first", "connected", make=sh("iptables -t nat -I DOCKER -j RETURN")),
    Break("no-tracking", "connected", make=sh("iptables -t raw -I PREROUTING -p tcp --dport 8080 -j NOTRACK")),
    Break("drop-another-port", "connected", make=sh("iptables -I DOCKER-USER -p tcp --dport 81 -j DROP")),
    Break(
        "drop-by-original-port",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #0",
        sh("iptables -I DOCKER-USER -i up0 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP"),
    ),
    Break(
        "drop-raw",
        "timeout",
        "FW_RULE_DROP",
        "PREROUTING #0",
        sh("iptables -t raw -I PREROUTING -p tcp --dport 8080 -j DROP"),
    ),
    Break(
        "drop-mangle", "timeout", "FW_RULE_DROP", "FORWARD #0", sh("iptables -t mangle -A FORWARD -o docker0 -j DROP")
    ),
    Break(
        "drop-postrouting",
        "timeout",
        "FW_RULE_DROP",
        "POSTROUTING #0",
        sh("iptables -t mangle -A POSTROUTING -p tcp --dport 80 -j DROP"),
    ),
    Break(
        "drop-reply",
        "timeout",
        "FW_RULE_DROP",
        "FORWARD #0",
        sh("iptables -I FORWARD -i docker0 -p tcp --sport 80 -j DROP"),
    ),
    Break(
        "drop-input",
        "timeout",
        "FW_RULE_DROP",
        "INPUT #0",
        sh("iptables -I INPUT -p tcp --dport 8080 -j DROP"),
        vantage=LOCALHOST,
    ),
    Break(
        "drop-output",
        "timeout",
        "FW_RULE_DROP",
        "OUTPUT #0",
        sh("iptables -I OUTPUT -p tcp --dport 80 -j DROP"),
        vantage=HOST,
    ),
    Break(
        "drop-in-container",
        "timeout",
        "FW_RULE_DROP",
        "INPUT #0",
        inside("iptables -I INPUT -p tcp --dport 80 -j DROP"),
    ),
    Break(
        "nft-drop-before",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_chain("inet", "guard", "type filter hook forward priority -10", "oifname docker0 tcp dport 80 drop"),
    ),
    Break(
        "nft-drop-after-accept",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_chain("inet", "guard", "type filter hook forward priority 10", "oifname docker0 tcp dport 80 drop"),
    ),
    Break(
        "nft-drop-same-priority",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_chain("ip", "guard", "type filter hook forward priority 0", "tcp dport 80 counter drop"),
    ),
    Break(
        "nft-policy-drop",
        "timeout",
        "FW_POLICY_DROP",
        "guard",
        nft_chain("ip", "guard", "type filter hook forward priority 5; policy drop", "ip saddr 10.99.0.0/16 accept"),
    ),
    Break(
        "nft-set-drop",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_chain(
            "ip",
            "guard",
            "type filter hook prerouting priority -150",
            "ip saddr @bad tcp dport 8080 drop",
            declared="set bad { type ipv4_addr; flags interval; elements = { 10.77.0.0/24, 192.0.2.1 }; }",
        ),
    ),
    Break(
        "nft-bridge-drop",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_chain("bridge", "guard", "type filter hook output priority 0", "ip protocol tcp drop"),
    ),
    Break(
        "nft-ingress-drop",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_device_chain("ingress", "up0", "tcp dport 8080 drop"),
    ),
    Break(
        "nft-egress-drop", "timeout", "FW_RULE_DROP", "guard", nft_device_chain("egress", "up0", "tcp sport 8080 drop")
    ),
    Break(
        "nft-ingress-of-bridge",
        "timeout",
        "FW_RULE_DROP",
        "guard",
        nft_device_chain("ingress", "docker0", "ip saddr 172.17.0.2 drop"),
    ),
    Break(
        "nft-dnat-by-map",
        "timeout",
        "NAT_DNAT_SHADOWED",
        "thief",
        nft_chain(
            "ip",
            "thief",
            "type nat hook prerouting priority -110",
            "dnat to tcp dport map @m",
            declared="map m { type inet_service : ipv4_addr . inet_service; elements = { 8080 : 172.17.0.9 . 80 }; }",
        ),
    ),
    Break(
        "legacy-drop",
        "timeout",
        "FW_RULE_DROP",
        "FORWARD #0",
        sh("iptables-legacy -I FORWARD -p tcp --dport 80 -j DROP"),
    ),
    Break("legacy-policy-drop", "timeout", "FW_POLICY_DROP", "FORWARD", sh("iptables-legacy -P FORWARD DROP")),
    Break(
        "nft-dnat-first",
        "timeout",
        "NAT_DNAT_SHADOWED",
        "thief",
        nft_chain("ip", "thief", "type nat hook prerouting priority -105", "tcp dport 8080 dnat to 10.77.0.66:80"),
    ),
    Break(
        "dnat-to-loopback",
        "timeout",
        "NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET",
        "route_localnet",
        in_order(
            sh("iptables -t nat -I PREROUTING -i up0 -p tcp --dport 9090 -j DNAT --to-destination 127.0.0.1:9090"),
            serve_on_host("tcp/127.0.0.1/9090"),
        ),
        vantage=Vantage("lan", port=9090),
    ),
)

#: What administrators and their tools do to a host on top of Docker's own rules.
HABITS = (
    Break(
        "input-policy-drop",
        "timeout",
        "FW_POLICY_DROP",
        "INPUT",
        sh("iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "iptables -P INPUT DROP"),
        vantage=CLIENT,
    ),
    Break("input-policy-drop-seen-from-lan", "connected", make=sh("iptables -P INPUT DROP")),
    Break("rules-wiped", "connected", make=sh("iptables -F", "iptables -t nat -F")),
    Break(
        "rules-wiped-and-input-drop",
        "timeout",
        "NAT_RULES_WIPED",
        "port 8080",
        sh("iptables -F", "iptables -t nat -F", "iptables -P INPUT DROP"),
    ),
    Break(
        "dnat-shadowed",
        "timeout",
        "NAT_DNAT_SHADOWED",
        "DOCKER #0",
        sh(f"iptables -t nat -I DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination {NOBODY}:80"),
    ),
    Break(
        "drop-by-mark",
        "timeout",
        "FW_RULE_DROP",
        "FORWARD #0",
        sh(
            "iptables -t mangle -A PREROUTING -p tcp --dport 8080 -j MARK --set-mark 0x10/0xf0",
            "iptables -I FORWARD -m mark --mark 0x10/0x10 -j DROP",
        ),
    ),
    Break(
        "mark-steers-away",
        "timeout",
        "SRC_ROUTE_BLACKHOLE",
        "default",
        sh(
            "iptables -t mangle -A PREROUTING -p tcp --dport 8080 -j MARK --set-mark 7",
            "ip route add blackhole default table 100",
            "ip rule add fwmark 7 table 100 priority 100",
        ),
    ),
    Break(
        "drop-multiport",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #0",
        sh("iptables -I DOCKER-USER -p tcp -m multiport --dports 22,80:90 -j DROP"),
    ),
    Break(
        "drop-all-but-a-subnet",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #0",
        sh("iptables -I DOCKER-USER -i up0 ! -s 192.0.2.0/24 -j DROP"),
    ),
    Break(
        "drop-new",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #1",
        sh(
            "iptables -I DOCKER-USER -i up0 -m conntrack --ctstate NEW -j DROP",
            "iptables -I DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        ),
    ),
    Break(
        "drop-with-a-quoted-comment",
        "timeout",
        "FW_RULE_DROP",
        "DOCKER-USER #0",
        sh("iptables -I DOCKER-USER -p tcp -m comment --comment it's,quoted -j DROP"),
    ),
    Break(
        "accept-rule-gone-beside-a-block-list",
        "timeout",
        "FW_POLICY_DROP",
        "FORWARD",
        sh("iptables -I DOCKER-USER -s 10.77.0.9 -j DROP", "iptables -F DOCKER"),
    ),
    Break(
        "redirected-away",
        "refused",
        "NAT_DNAT_SHADOWED",
        "PREROUTING #0",
        in_order(
            serve_on_host("tcp/127.0.0.1/12345"),
            sh("iptables -t nat -I PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 12345"),
        ),
    ),
    Break("drop-established-only", "timeout", "FW_RULE_DROP", "FORWARD #0", sh(DROP_ESTABLISHED)),
    Break(
        "log-before-accept", "connected", make=sh("iptables -I DOCKER-USER -j LOG --log-prefix seen", "iptables -L -n")
    ),
    Break(
        "chain-of-a-tool",
        "timeout",
        "FW_RULE_DROP",
        "deny #1",
        sh(
            "iptables -N deny",
            "iptables -A deny -s 192.0.2.1 -j RETURN",
            "iptables -A deny -j DROP",
            "iptables -I FORWARD -g deny",
        ),
    ),
    Break(
        "host-service-on-loopback",
        "refused",
        "DST_LISTEN_LOOPBACK_ONLY",
        make=serve_on_host("tcp/127.0.0.1/9090"),
        vantage=Vantage("lan", port=9090),
        owner=serve_on_host("tcp/10.77.0.1/9090"),
    ),
    Break("host-service", "connected", make=serve_on_host("tcp/0.0.0.0/9090"), vantage=Vantage("client", port=9090)),
)

#: REJECT with each kind of error, and what connect() makes of it.
REJECTS = tuple(
    Break(
        f"reject-{kind}",
        symptom,
        "FW_RULE_REJECT",
        "DOCKER-USER #0",
        sh(f"iptables -I DOCKER-USER -p tcp -j REJECT --reject-with {kind}"),
    )
    for kind, symptom in (
        ("tcp-reset", "refused"),
        ("icmp-port-unreachable", "refused"),
        ("icmp-proto-unreachable", "protocol-unreachable"),
        ("icmp-host-unreachable", "host-unreachable"),
        ("icmp-host-prohibited", "host-unreachable"),
        ("icmp-admin-prohibited", "host-unreachable"),
        ("icmp-net-unreachable", "net-unreachable"),
        ("icmp-net-prohibited", "net-unreachable"),
    )
)
