"""Which tables are iptables-nft's: only those that iptables-save shows in full."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.firewall import Backend, Table
from engine.observe.firewall.nft.document import ruleset
from engine.observe.firewall.nft.ownership import joined
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.observe.firewall.nft_document import chain, document, rule, table

KEY = ("ip", "filter")
FORWARD = {"type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}
SAVE = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:MINE - [0:0]\n[1:2] -A FORWARD -p tcp -j DROP\nCOMMIT\n"
COUNTED = [{"xt": {"type": "match", "name": "comment"}}, {"counter": {"packets": 1, "bytes": 2}}, {"drop": None}]


def owned(*objects: dict[str, Any], save: str = SAVE) -> Table | None:
    found = ruleset(document(table("filter", "ip", handle=4), *objects))
    return joined(found, parse_xt_save(save, Backend.XT_NFT, "ip")).get(KEY)


def in_filter(name: str, handle: int = 6, **base: Any) -> dict[str, Any]:
    return chain(name, "filter", "ip", handle, **base)


def drop(to: str = "FORWARD", expr: list[Any] = COUNTED) -> dict[str, Any]:
    return rule(expr, "filter", "ip", 17, to)


def test_a_table_that_iptables_shows_in_full_is_its_own_with_handles_from_nft() -> None:
    found = owned(in_filter("FORWARD", **FORWARD), in_filter("MINE", 7), drop())
    assert found is not None
    assert found.backend is Backend.XT_NFT
    assert [(made.name, made.handle, [each.handle for each in made.rules]) for made in found.chains] == [
        ("FORWARD", 6, [17]),
        ("MINE", 7, []),
    ]
    base = found.chains[0].base
    assert base is not None
    assert base.registered == (4 << 32) | 6


def test_base_chains_that_exist_only_in_iptables_save_s_output_are_left_out() -> None:
    found = owned(in_filter("FORWARD", **FORWARD), in_filter("MINE", 7), drop())
    assert found is not None
    assert found.chain("INPUT") is None


NATIVE = [
    pytest.param([in_filter("input", **(FORWARD | {"hook": "input"}))], id="a chain that iptables does not show"),
    pytest.param([in_filter("FORWARD", **(FORWARD | {"prio": 5})), drop()], id="another priority"),
    pytest.param([in_filter("FORWARD"), drop()], id="no hook"),
    pytest.param([in_filter("FORWARD", **FORWARD)], id="fewer rules"),
    pytest.param([in_filter("FORWARD", **FORWARD), drop(), drop()], id="more rules"),
    pytest.param([in_filter("FORWARD", **FORWARD), drop(expr=[{"drop": None}])], id="a rule without a counter"),
    pytest.param([in_filter("FORWARD", **FORWARD), drop(expr=[*COUNTED, {"vmap": {}}])], id="a verdict map"),
]


@pytest.mark.parametrize("objects", NATIVE)
def test_a_table_that_iptables_shows_in_part_is_native(objects: list[dict[str, Any]]) -> None:
    assert owned(*objects) is None


def test_a_table_that_nft_does_not_have_is_nobody_s() -> None:
    assert joined(ruleset(document()), parse_xt_save(SAVE, Backend.XT_NFT, "ip")) == {}
