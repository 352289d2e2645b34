"""The old table sets beside iptables-legacy: arptables-legacy, which is read, and ebtables-legacy, which is not.

arptables-legacy lists the tables that exist, and gives the rules of one as it holds them (`arp_entries`).
Asking ebtables-legacy for a table creates the table in the namespace, and may load its module, so it is not asked. A
module of its tables is in use while a table has rules in any namespace: then a gap says so, where the namespace has a
bridge. What that does not show is a policy to drop in a table without rules.
Their nft twins are tables of the families bridge and arp.
Sources: net/bridge/netfilter/ebtables.c (find_inlist_lock_noload, do_replace_finish), net/ipv4/netfilter/arp_tables.c.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.model.firewall import Table
from engine.model.host import Gap
from engine.observe.base.errors import gap
from engine.observe.base.files import small
from engine.observe.firewall.errors import FirewallTextError

_MODULES = ("ebtable_broute", "ebtable_filter", "ebtable_nat")
_ARPTABLES = "arptables-legacy"


def _arptables(names: Sequence[str]) -> tuple[Table, ...]:
    """The tables as the kernel holds them. Raises OSError."""
    if not names:
        return ()
    from engine.observe.firewall import arp_entries, arp_sockopt  # noqa: PLC0415 - few hosts have such tables

    return tuple(arp_entries.table(arp_sockopt.entries(name)) for name in names)


def read_arptables(netns: str) -> tuple[tuple[Table, ...], tuple[Gap, ...]]:
    """The tables of arptables-legacy in the calling thread's namespace, and what could not be read. Raises nothing."""
    try:
        names = str(small("/proc/thread-self/net/arp_tables_names"), "ascii", "replace").split()
        return _arptables(names), ()
    except FileNotFoundError:
        return (), ()
    except FirewallTextError as error:
        return (), (Gap(_ARPTABLES, netns, f"{error}; `arptables-legacy -L` shows it"),)
    except OSError as error:
        return (), (gap(_ARPTABLES, netns, error),)


def unread_tables(netns: str, *, bridges: bool, modules: str = "/sys/module") -> tuple[Gap, ...]:
    """The gap for tables of ebtables-legacy; `bridges` says whether there is a bridge in the namespace."""
    used = [module for module in _MODULES if _is_used(f"{modules}/{module}")] if bridges else []
    return gaps_of(netns, used, ())


def _is_used(module: str) -> bool:
    """Whether a module is loaded and somebody holds on to it, as far as can be told (a count of 0 tells it is idle)."""
    try:
        return small(f"{module}/refcnt").strip() != b"0"
    except OSError:
        return os.path.exists(module)


def gaps_of(netns: str, modules: Sequence[str], tables: Sequence[str]) -> tuple[Gap, ...]:
    """The gaps for `modules` of ebtables that are in use, and for `tables` of arptables that are not read."""
    found: list[Gap] = []
    if modules:
        reason = f"{' and '.join(modules)} may hold rules that are not read; `ebtables-legacy-save` shows them"
        found.append(Gap("ebtables-legacy", netns, reason))
    if tables:
        reason = f"the tables {' and '.join(tables)} are not read; `arptables-legacy -L` shows their rules"
        found.append(Gap(_ARPTABLES, netns, reason))
    return tuple(found)
