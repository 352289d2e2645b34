"""Small documents as `nft -j list ruleset` prints them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.model.firewall import Rule, Table
from engine.observe.firewall.nft.document import parse_nft

#: Rules of every kind, as nft 1.1 printed them as text and as JSON, with what they mean.
RULES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("nft_rules.json").read_text(encoding="utf-8"))

HOOKS = {
    "in": ("filter", "input", 0),
    "out": ("route", "output", -150),
    "pre": ("nat", "prerouting", -100),
    "post": ("nat", "postrouting", 100),
}


def table(name: str = "t", family: str = "inet", handle: int = 1) -> dict[str, Any]:
    return {"table": {"family": family, "name": name, "handle": handle}}


def chain(name: str, of: str = "t", family: str = "inet", handle: int = 1, **base: Any) -> dict[str, Any]:
    return {"chain": {"family": family, "table": of, "name": name, "handle": handle, **base}}


def rule(expr: Sequence[Any], of: str = "t", family: str = "inet", handle: int = 9, to: str = "in") -> dict[str, Any]:
    return {"rule": {"family": family, "table": of, "chain": to, "handle": handle, "expr": list(expr)}}


def document(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"nftables": [{"metainfo": {"version": "1.1.3", "json_schema_version": 1}}, *objects]}


def parsed(*objects: dict[str, Any]) -> Table:
    (found,) = parse_nft(document(*objects))
    return found


def parsed_rule(expr: Sequence[Any], family: str = "inet") -> Rule:
    return parsed(table(family=family), chain("in", family=family), rule(expr, family=family)).chains[0].rules[0]
