"""Rules as kube-proxy's iptables mode writes them: services in KUBE-SERVICES, endpoints with probabilities, DNAT.

Source: pkg/proxy/iptables/proxier.go of Kubernetes (chains KUBE-SERVICES, KUBE-SVC-…, KUBE-SEP-…, KUBE-MARK-MASQ).
"""

from __future__ import annotations

_ENDPOINTS = 2
#: Rules of one service: in KUBE-SERVICES, its mark, a choice for each endpoint, and two in each endpoint's chain.
RULES_EACH = 1 + 1 + _ENDPOINTS + 2 * _ENDPOINTS
#: Rules that are there without a service.
RULES_FIXED = 6


def nat_table(rules: int) -> str:
    """The nat table with at least `rules` rules, as text for iptables-restore."""
    services = range(-(-(rules - RULES_FIXED) // RULES_EACH))
    chains = [":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"]
    chains += [f":{name} - [0:0]" for name in ("KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-MARK-MASQ")]
    lines = [
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
    ]
    for number in services:
        chains.append(f":KUBE-SVC-{number:016X} - [0:0]")
        chains += [f":KUBE-SEP-{number * _ENDPOINTS + each:016X} - [0:0]" for each in range(_ENDPOINTS)]
        lines += _service(number)
    return "\n".join(["*nat", *chains, *lines, "COMMIT", ""])


def last_service(rules: int) -> str:
    """The address of the service whose rules are the last ones of such a table."""
    return _address(-(-(rules - RULES_FIXED) // RULES_EACH) - 1)


def _address(number: int) -> str:
    return f"10.{96 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def _service(number: int) -> list[str]:
    name = f'-m comment --comment "default/service-{number}:http'
    address = _address(number)
    mark = "-j KUBE-MARK-MASQ"
    service = f"KUBE-SVC-{number:016X}"
    lines = [
        f'-A KUBE-SERVICES -d {address}/32 -p tcp {name} cluster IP" -m tcp --dport 80 -j {service}',
        f'-A {service} ! -s 10.244.0.0/16 -d {address}/32 -p tcp {name} cluster IP" -m tcp --dport 80 {mark}',
    ]
    for each in range(_ENDPOINTS):
        place = number * _ENDPOINTS + each
        pod = f"10.{244 + (place >> 16)}.{place >> 8 & 255}.{place & 255}"
        endpoint = f"KUBE-SEP-{place:016X}"
        left = _ENDPOINTS - each
        chance = f" -m statistic --mode random --probability {1 / left:.11f}" if left > 1 else ""
        lines += [
            f'-A {service} {name} -> {pod}:8080"{chance} -j {endpoint}',
            f'-A {endpoint} -s {pod}/32 {name}" -j KUBE-MARK-MASQ',
            f'-A {endpoint} -p tcp {name}" -m tcp -j DNAT --to-destination {pod}:8080',
        ]
    return lines
