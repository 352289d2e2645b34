"""Where a rule is, and pointers to rules and chains."""

from __future__ import annotations

from engine.model.firewall import Backend, Chain, Rule, Table
from engine.model.ref import Ref, RefKind, rule_name
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class RulePosition:
    """The rule that is being run, and the hook that it is run at."""

    table: Table
    chain: Chain
    rule: Rule
    hook: str

    def ref(self, netns: str) -> Ref:
        """A pointer to the rule."""
        return rule_ref(netns, self.table, self.chain, self.rule)


def rule_ref(netns: str, table: Table, chain: Chain, rule: Rule) -> Ref:
    """A pointer to a rule."""
    key = (str(table.backend), table.family, table.name, chain.name, rule.index)
    handle = rule.handle if table.backend is Backend.NFT else None
    return Ref(RefKind.RULE, netns, key, rule_name(f"{table.name}/{chain.name}", rule.index, handle), rule.text)


def chain_ref(netns: str, table: Table, chain: Chain) -> Ref:
    """A pointer to a chain (its policy)."""
    policy = f" (policy {chain.base.policy})" if chain.base else ""
    key = (str(table.backend), table.family, table.name, chain.name)
    return Ref(RefKind.CHAIN, netns, key, f"{table.name}/{chain.name}", f"chain {chain.name}{policy}")
