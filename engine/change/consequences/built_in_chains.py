"""The built-in chains that iptables makes when a rule is put into one that is not there (yet). Pure.

Source: iptables(8), TABLES; the priorities are those of include/uapi/linux/netfilter_ipv4.h.
"""

from __future__ import annotations

from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Table
from engine.model.where import RulePlace
from engine.records import replace

#: Table and chain of iptables: where the chain is hooked in.
BUILT_IN: dict[tuple[str, str], BaseChain] = {
    ("nat", "PREROUTING"): BaseChain("nat", "prerouting", -100),
    ("nat", "OUTPUT"): BaseChain("nat", "output", -100),
    ("nat", "POSTROUTING"): BaseChain("nat", "postrouting", 100),
    ("mangle", "FORWARD"): BaseChain("filter", "forward", -150),
    ("filter", "INPUT"): BaseChain("filter", "input", 0),
    ("filter", "FORWARD"): BaseChain("filter", "forward", 0),
    ("filter", "OUTPUT"): BaseChain("filter", "output", 0),
}


def with_built_in(firewall: Firewall, place: RulePlace) -> Firewall:
    """The firewall with the chain of the place, where iptables would make it; else as it is."""
    base = BUILT_IN.get((place.table, place.chain))
    table = firewall.table(place.backend, place.family, place.table)
    if place.backend is Backend.NFT or base is None or (table is not None and table.chain(place.chain) is not None):
        return firewall
    chain = Chain(place.chain, (), base)
    if table is None:
        made = Table(place.backend, place.family, place.table, (chain,))
        return replace(firewall, tables=(*firewall.tables, made))
    grown = replace(table, chains=(*table.chains, chain))
    return replace(firewall, tables=tuple(grown if one is table else one for one in firewall.tables))
