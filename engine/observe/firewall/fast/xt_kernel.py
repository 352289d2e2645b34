"""iptables-nft's tables straight from the kernel's dump, without a tool. Pure.

A table is read here only when all of it is iptables': its name, every base chain where iptables registers it, no set,
and no rule that `xt_lines` cannot write. The lines then go through the same parser as iptables-save's text, so that a
rule means the same whoever wrote its line. Chains stand as iptables-save has them: by hook, then by name. One that has
the name of a target would be taken for it, so iptables-save is asked then, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.model.firewall import Backend, Table
from engine.observe.firewall.fast.nft_dump import RawChain, RawTable
from engine.observe.firewall.fast.xt_lines import line
from engine.observe.firewall.nft.ownership import same_base
from engine.observe.firewall.xt import save_text
from engine.observe.firewall.xt.extensions import TARGETS
from engine.records import replace

_HOOKS = ("prerouting", "input", "forward", "output", "postrouting")


def written(
    tables: Mapping[tuple[str, str], RawTable], with_sets: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Table]:
    """The tables among these that are wholly iptables-nft's."""
    ours = ((key, raw) for key, raw in tables.items() if save_text.maybe_xt(*key) and key not in with_sets)
    found = {key: _table(raw) for key, raw in ours}
    return {key: table for key, table in found.items() if table is not None}


def _table(raw: RawTable) -> Table | None:
    if any(name in TARGETS and TARGETS[name].structs for name in raw.chains):
        return None
    draft = save_text.SavedTable(raw.name)
    for chain in sorted(raw.chains.values(), key=_place):
        draft.policies[chain.name] = chain.base.policy.upper() if chain.base else "-"
        lines = draft.rules[chain.name] = []
        for rule in chain.rules:
            found = line(rule, raw.family, chain.name)
            if found is None:
                return None
            lines.append(found)
    table = save_text.table_of(draft, Backend.XT_NFT, raw.family)
    pairs = [(chain, raw.chains[chain.name]) for chain in table.chains]
    if not pairs or not all(same_base(chain.base, bones.base) for chain, bones in pairs):
        return None
    return replace(table, chains=tuple(replace(chain, base=bones.base, handle=bones.handle) for chain, bones in pairs))


def _place(chain: RawChain) -> tuple[int, bytes]:
    return (_HOOKS.index(chain.base.hook) if chain.base else len(_HOOKS), chain.name.encode())
