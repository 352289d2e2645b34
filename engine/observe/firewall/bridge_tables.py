"""The old table sets that no list shows without being changed: ebtables-legacy and arptables-legacy.

Asking ebtables-legacy for a table creates the table in the namespace, and may load its module, so it is not asked:
where a module of its tables is loaded and the namespace has a bridge, a gap says that there may be rules.
arptables-legacy lists the tables that exist; where there are some, a gap says so. Their nft twins are tables of the
families bridge and arp.
Sources: net/bridge/netfilter/ebtables.c (find_table_lock), net/ipv4/netfilter/arp_tables.c.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.model.host import Gap
from engine.observe.files import small

_MODULES = ("ebtable_broute", "ebtable_filter", "ebtable_nat")


def unread_tables(netns: str, *, bridges: bool) -> tuple[Gap, ...]:
    """The gaps for tables of the calling thread's namespace; `bridges` says whether there is a bridge in it."""
    loaded = [module for module in _MODULES if os.path.exists(f"/sys/module/{module}")] if bridges else []
    try:
        tables = str(small("/proc/thread-self/net/arp_tables_names"), "ascii", "replace").split()
    except OSError:
        tables = []
    return gaps_of(netns, loaded, tables)


def gaps_of(netns: str, modules: Sequence[str], tables: Sequence[str]) -> tuple[Gap, ...]:
    """The gaps for loaded `modules` of ebtables and existing `tables` of arptables."""
    found: list[Gap] = []
    if modules:
        reason = f"{' and '.join(modules)} may hold rules that are not read; `ebtables-legacy-save` shows them"
        found.append(Gap("ebtables-legacy", netns, reason))
    if tables:
        reason = f"the tables {' and '.join(tables)} are not read; `arptables-legacy -L` shows their rules"
        found.append(Gap("arptables-legacy", netns, reason))
    return tuple(found)
