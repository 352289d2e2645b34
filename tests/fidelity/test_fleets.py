"""The rows of a fleet of a fixed seed, against real clients of its hosts' twins; `make fleets` has more."""

from __future__ import annotations

import pytest

from tests.fidelity.fleets import outcomes
from tests.harness.needs import require

require("ip", "nft", "iptables-nft", "iptables-legacy", "ipset", "bridge", "conntrack", "unshare", root=True)

SEED, HOSTS, JOBS = 7, 12, 2


def test_every_cell_of_a_fleet_is_what_a_client_sees(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{HOSTS} hosts of a fleet, seed {SEED}", flush=True)
    found = outcomes(SEED, HOSTS, JOBS)
    assert len(found) > HOSTS * 0.8
    assert {each.name: each.wrong for each in found if each.agree < each.cells} == {}
    assert sum(each.cells for each in found) > HOSTS * 2
