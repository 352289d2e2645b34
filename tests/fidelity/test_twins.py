"""Twins of random hosts of a fixed seed: a look at each has every fact, and clients see what is predicted on the file.

`make fresh` has a sample of a new seed, `make twins` as many as are wanted.
"""

from __future__ import annotations

import pytest

from tests.fidelity.fuzz.twinning import outcomes
from tests.harness.needs import require

require("ip", "nft", "iptables-nft", "iptables-legacy", "ipset", "bridge", "conntrack", "unshare", root=True)

SEED, HOSTS, JOBS = 7, 16, 2


def test_twins_of_the_hosts_of_a_fixed_seed_are_those_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\ntwins of {HOSTS} random hosts, seed {SEED}", flush=True)
    found = outcomes(SEED, HOSTS, JOBS)
    assert len(found) > HOSTS * 0.8
    assert {each.name: each.wrong for each in found if each.wrong} == {}
    assert sum(each.cells for each in found) > HOSTS * 5
    assert sum(bool(each.left_out) for each in found) < HOSTS / 4
