"""The old table sets beside iptables-legacy: damaged entries of arptables, and modules of ebtables that hold rules."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.firewall import Table
from engine.observe.firewall.arp_entries import table
from engine.observe.firewall.arp_sockopt import Entries
from engine.observe.firewall.bridge_tables import unread_tables
from engine.observe.firewall.errors import FirewallTextError


@pytest.mark.parametrize(("count", "bridges", "gaps"), [("1", True, 1), ("0", True, 0), ("1", False, 0), ("", True, 1)])
def test_a_module_of_ebtables_that_is_in_use_is_a_gap_where_there_is_a_bridge(
    tmp_path: Path, count: str, bridges: bool, gaps: int
) -> None:
    (tmp_path / "ebtable_filter").mkdir()
    if count:
        (tmp_path / "ebtable_filter" / "refcnt").write_text(f"{count}\n")
    found = unread_tables("host", bridges=bridges, modules=str(tmp_path))
    assert [(gap.source, gap.netns) for gap in found] == [("ebtables-legacy", "host")] * gaps


def test_without_a_module_of_ebtables_there_is_no_gap(tmp_path: Path) -> None:
    assert unread_tables("host", bridges=True, modules=str(tmp_path)) == ()


#: Two entries of arptables: a policy to accept, and the end of the table.
_POLICY = bytes(164) + (192).to_bytes(2, "little") + (232).to_bytes(2, "little") + bytes(24)
_POLICY += (40).to_bytes(2, "little") + bytes(30) + (-2).to_bytes(4, "little", signed=True) + bytes(4)
WHOLE = Entries("filter", ((0, 0, 0),), _POLICY)


def test_a_policy_alone_is_a_chain_without_rules() -> None:
    (chain,) = table(WHOLE).chains
    assert (chain.name, chain.rules) == ("INPUT", ())


@given(st.binary(max_size=500), st.integers(0, len(_POLICY)), st.integers(-1, 5), st.integers(-300, 300))
def test_any_bytes_are_a_table_or_refused(noise: bytes, at: int, hook: int, begin: int) -> None:
    for data in (noise, _POLICY[:at] + noise[:9] + _POLICY[at:], _POLICY[:at]):
        with suppress(FirewallTextError):
            assert isinstance(table(Entries("filter", ((hook, begin, 0),), data)), Table)
