"""Whether rules that were loaded as a text are still there: `engine.apply.diff`'s part for firewalls. Pure.

A text's rules must all be in their chain, in their order; what stands between them is somebody else's. Counters are
no part of what a rule says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.change.building import LoadRules
from engine.model.firewall import Backend, Chain, Firewall, Table, VerdictKind

COUNTED = re.compile(r"counter packets \d+ bytes \d+")
PREFIX = re.compile(r"^\[\d+:\d+\] ")
NFT_TABLE = re.compile(r"table (\w+) (\S+) \{")
NFT_CHAIN = re.compile(r"\s*chain (\S+) \{")
HOOKED = re.compile(r"type \w+ hook .*; policy (\w+);")


def loaded(change: LoadRules, firewall: Firewall) -> bool:
    """Whether a firewall has the tables of a text, with its chains, policies and rules."""
    read = _nft_chains if change.backend is Backend.NFT else _xt_chains
    for family, table_name, chain_name, policy, rules in read(change):
        table = firewall.table(change.backend, family, table_name)
        chain = _chain(table, chain_name)
        if chain is None:
            # A base chain that says nothing need not be there: the tools do not print an empty table's.
            if policy == "accept" and not rules:
                continue
            return False
        if policy and chain.base is not None and chain.base.policy is not VerdictKind(policy):
            return False
        if not _in_order(rules, (_plain(rule.text) for rule in chain.rules)):
            return False
    return True


def _chain(table: Table | None, name: str) -> Chain | None:
    return table.chain(name) if table else None


def _plain(text: str) -> str:
    return COUNTED.sub("counter", PREFIX.sub("", text.strip()))


def _in_order(wanted: Iterable[str], there: Iterator[str]) -> bool:
    """Whether all wanted lines come in `there` in their order."""
    return all(line in there for line in wanted)


Chains = Iterator[tuple[str, str, str, str, list[str]]]


def _xt_chains(change: LoadRules) -> Chains:
    """Each chain of a text in iptables-save's format: family, table, chain, policy ("" for none), rules."""
    table = ""
    policies: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for line in change.text.splitlines():
        if line.startswith("*"):
            table, policies, rules = line[1:], {}, {}
        elif line.startswith(":"):
            name, policy, *_ = line[1:].split()
            policies[name], rules[name] = ("" if policy == "-" else policy.lower()), []
        elif line.startswith("-A "):
            rules[line.split()[1]].append(line)
        elif line == "COMMIT":
            for name, policy in policies.items():
                yield change.family, table, name, policy, rules[name]


def _nft_chains(change: LoadRules) -> Chains:
    """Each chain of a text as nft lists it."""
    family = table = name = policy = ""
    rules: list[str] | None = None
    for line in change.text.splitlines():
        if found := NFT_TABLE.match(line):
            family, table = found[1], found[2]
        elif found := NFT_CHAIN.match(line):
            name, policy, rules = found[1], "", []
        elif rules is not None and line.strip() == "}":
            yield family, table, name, policy, rules
            rules = None
        elif rules is not None:
            if hooked := HOOKED.match(line.strip()):
                policy = hooked[1]
            else:
                rules.append(_plain(line))
