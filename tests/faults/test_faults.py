"""The most common faults of the catalogue on real hosts, as `make faults` judges all of them."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import Fault, read_catalogue
from tests.faults.stage import judge
from tests.harness.needs import require

require("ip", "nsenter", "nft", "iptables-nft", "bridge", "conntrack", root=True)

#: Those that no other test judges on a kernel, and the ones that are met most; all of them are run by `make faults`.
CHOSEN = {
    "container-to-host-input-blocked",
    "dhcp-client-on-veth",
    "docker-user-published-port-mismatch",
    "dnat-without-dst-type-local",
    "host-mode-port-taken-or-firewalled",
    "icc-false",
    "ip6tables-input-drop-proxy",
    "resolv-conf-loopback",
    "stale-bridge-duplicate-route",
    "ufw-bypass",
    "vpn-policy-routing-steals-replies",
}


@pytest.mark.parametrize("fault", [fault for fault in read_catalogue() if fault.id in CHOSEN], ids=str)
def test_symptoms_cause_object_and_fix_are_right(fault: Fault) -> None:
    assert judge(fault).wrong == []
