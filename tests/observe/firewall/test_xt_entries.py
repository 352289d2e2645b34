"""Entries of iptables-legacy from anywhere: a table that is understood, or none, and never anything else."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.firewall import Backend
from engine.observe.firewall.fast.xt_entries import draft
from engine.observe.firewall.fast.xt_sockopt import Entries
from engine.observe.firewall.xt.save_text import SavedTable, table_of

_ANYBODY = bytes(84)


def entry(target: bytes, *, address: bytes = _ANYBODY, packets: int = 0) -> bytes:
    """An entry of the family "ip" without matches."""
    return address + struct.pack("=4xHHIQQ", 112, 112 + len(target), 0, packets, 60 * packets) + target


def standard(verdict: int) -> bytes:
    return struct.pack("=H29sBi4x", 40, b"", 0, verdict)


def error(name: bytes) -> bytes:
    return struct.pack("=H29sB30s2x", 64, b"ERROR", 0, name)


def table(*entries: bytes, policy: int) -> Entries:
    """A table with one built-in chain, whose policy is at the `policy`-th entry."""
    places = [sum(map(len, entries[:at])) for at in range(len(entries))]
    return Entries("filter", ((2, 0, places[policy]),), b"".join(entries))


#: FORWARD: no target (a jump to the next entry), a jump to the user's chain, a drop; policy DROP. Then that chain.
WHOLE = table(
    entry(standard(152)),
    entry(standard(4 * 152 + 176), packets=3),
    entry(standard(-1)),
    entry(standard(-1)),
    entry(error(b"mine")),
    entry(standard(-5)),
    entry(standard(-5)),
    entry(error(b"ERROR")),
    policy=3,
)


def test_chains_policies_jumps_and_counters_are_where_they_belong() -> None:
    made = draft(WHOLE, "ip")
    assert made is not None
    assert made.policies == {"FORWARD": "DROP", "mine": "-"}
    chains = table_of(made, Backend.XT_LEGACY, "ip").chains
    assert {chain.name: [(rule.packets, rule.bytes, rule.text) for rule in chain.rules] for chain in chains} == {
        "FORWARD": [(0, 0, "-A FORWARD"), (3, 180, "-A FORWARD -j mine"), (0, 0, "-A FORWARD -j DROP")],
        "mine": [(0, 0, "-A mine -j RETURN")],
    }


def test_a_table_is_the_same_wherever_its_entries_begin() -> None:
    assert draft(replace(WHOLE, data=bytes(40) + WHOLE.data[:], start=40), "ip") == draft(WHOLE, "ip")


@pytest.mark.parametrize("name", [b"MARK\0\0", b"ACCEPT"])
def test_a_chain_with_the_name_of_a_target_is_left_to_the_tool(name: bytes) -> None:
    named = WHOLE.data[:].replace(b"mine\0\0", name)
    assert draft(replace(WHOLE, data=named), "ip") is None


@pytest.mark.parametrize(("behind", "is_told"), [(b"", True), (b"\0odd", False)])
def test_a_comment_with_something_behind_its_name_is_left_to_the_tool(behind: bytes, is_told: bool) -> None:
    comment = struct.pack("=H29sB256s", 288, b"comment" + behind, 0, b"a b")
    rule = _ANYBODY + struct.pack("=4xHHIQQ", 112 + 288, 152 + 288, 0, 0, 0) + comment + standard(-1)
    made = draft(table(rule, entry(standard(-1)), entry(error(b"ERROR")), policy=1), "ip")
    assert (made is not None) is is_told


@given(st.binary(max_size=600), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 700), st.integers(0, 700))))
def test_any_bytes_are_a_table_or_none(data: bytes, chains: list[tuple[int, int, int]]) -> None:
    for family in ("ip", "ip6"):
        assert isinstance(draft(Entries("filter", tuple(chains), data), family), SavedTable | None)


@given(st.integers(0, len(WHOLE.data) - 1), st.integers(0, 255))
def test_a_damaged_table_is_a_table_or_none(at: int, value: int) -> None:
    data = WHOLE.data[:at] + bytes([value]) + WHOLE.data[at + 1 :]
    assert isinstance(draft(Entries("filter", WHOLE.chains, data), "ip"), SavedTable | None)
