"""What leads many others astray stays where something narrower helps: the first fix is about one network, the client's
or the published service's, and never about everybody."""

from __future__ import annotations

import pytest

from tests.explain.table import FAULTS

FIRST = {
    "packets taken by an exit node": [
        "ip rule add pref 5269 from all to 172.17.0.0/16 lookup main",
        "ip rule add pref 5269 from all to 10.77.0.0/24 lookup main",
    ],
    "answer taken by a VPN's policy rule": ["ip rule add pref 32764 from 172.17.0.0/16 lookup main"],
    "answer by the first of two uplinks": ["ip route add 192.0.2.0/24 via 10.78.0.2 dev up1"],
}


@pytest.mark.parametrize(("name", "commands"), FIRST.items(), ids=FIRST)
def test_the_first_fix_is_about_one_network(name: str, commands: list[str]) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    fixes = [cause.fixes[0] for cause in fault.verdict().causes]
    assert [" ".join(argv[2:]) for fix in fixes for argv in fix.commands] == commands
