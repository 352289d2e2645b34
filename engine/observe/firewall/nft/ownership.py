"""Which nft tables are iptables-nft's, and its picture of them joined with nft's. Pure.

iptables-nft's tables are ordinary nft tables with well-known names, and an administrator may have made a table of
such a name with nft. iptables-save is trusted with a table only where it demonstrably shows all of it: it prints the
table; every base chain has the name, hook, priority and kind that iptables gives it; every chain has as many rules in
both pictures; and every rule consists of what iptables-nft writes, with its counter. Anything else is read as native,
where nothing is lost but the details of `xt` parts. (iptables-save leaves out foreign base chains with a comment
only, and vmaps without a word.) Base chains that iptables-save shows though they do not exist are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.model.firewall import BaseChain, Chain, NamedSet, Rule, Table
from engine.observe.firewall.nft.document import Ruleset, Skeleton, skeleton, table_sets
from engine.records import replace

#: What rules of iptables-nft are made of.
_PARTS = frozenset(
    ("match", "counter", "xt", "accept", "drop", "return", "continue", "jump", "goto", "limit", "log", "mangle")
)


def joined(ruleset: Ruleset, saved: Iterable[Table]) -> dict[tuple[str, str], Table]:
    """The saved tables that are really iptables-nft's, with handles, registration and sets from nft's document.

    Raises `FirewallTextError` when nft's document cannot be read.
    """
    found: dict[tuple[str, str], Table] = {}
    for table in saved:
        draft = ruleset.get((table.family, table.name))
        if draft is None:
            continue
        chains = skeleton(draft)
        if chains and _all_shown(table, chains):
            found[table.family, table.name] = _join(table, chains, table_sets(draft))
    return found


def _all_shown(table: Table, chains: Mapping[str, Skeleton]) -> bool:
    for name, bones in chains.items():
        chain = table.chain(name)
        if chain is None or len(chain.rules) != len(bones.handles) or not same_base(chain.base, bones.base):
            return False
        if any("counter" not in parts or not parts <= _PARTS for parts in bones.parts):
            return False
    return True


def same_base(shown: BaseChain | None, real: BaseChain | None) -> bool:
    """Whether a chain is registered where iptables would have it."""
    if shown is None or real is None:
        return shown is real
    return (shown.kind, shown.hook, shown.priority) == (real.kind, real.hook, real.priority)


def _join(table: Table, chains: Mapping[str, Skeleton], sets: tuple[NamedSet, ...]) -> Table:
    kept = tuple(_with_handles(chain, chains[chain.name]) for chain in table.chains if chain.name in chains)
    return replace(table, chains=kept, sets=sets)


def _with_handles(chain: Chain, bones: Skeleton) -> Chain:
    rules: tuple[Rule, ...] = tuple(
        replace(rule, handle=handle) for rule, handle in zip(chain.rules, bones.handles, strict=True)
    )
    return replace(chain, rules=rules, base=bones.base, handle=bones.handle)
