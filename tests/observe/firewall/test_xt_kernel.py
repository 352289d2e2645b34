"""Which tables of the kernel's dump are read without iptables-save, and that reading them understands no rule."""

from __future__ import annotations

import struct

import pytest

from engine.model.firewall import BaseChain
from engine.observe.firewall.fast.nft_dump import RawChain, RawRule, RawTable
from engine.observe.firewall.fast.xt_kernel import written
from engine.observe.firewall.xt import rule_parts

FORWARD = RawChain("FORWARD", 1, BaseChain("filter", "forward", 0))


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, number) + value + bytes(-len(value) % 4)


def table(*chains: RawChain) -> dict[tuple[str, str], RawTable]:
    return {("ip", "filter"): RawTable("ip", "filter", 1, {chain.name: chain for chain in (FORWARD, *chains)})}


#: `counter packets 3 bytes 180`, and nothing else.
COUNTED = attribute(
    1,
    attribute(1, b"counter\0")
    + attribute(2, attribute(1, (180).to_bytes(8, "big")) + attribute(2, (3).to_bytes(8, "big"))),
)


@pytest.mark.parametrize(("name", "is_read"), [("mine", True), ("MARK", False)])
def test_a_chain_with_the_name_of_a_target_is_left_to_the_tool(name: str, is_read: bool) -> None:
    assert bool(written(table(RawChain(name, 2, None)), ())) is is_read


def test_two_looks_at_the_same_rules_are_equal_and_no_rule_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (written(table(RawChain("mine", 2, None, [RawRule(7, COUNTED, False)])), ()) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(rule_parts, "meaning", lambda *_: pytest.fail("a rule was understood"))
        assert first == second
    (rule,) = first["ip", "filter"].chains_by_name["mine"].rules
    assert (rule.text, rule.handle, rule.packets, rule.bytes) == ("-A mine", 7, 3, 180)
