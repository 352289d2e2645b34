"""Reads the firewall of the namespace that the calling thread is in: all backends, and ipsets where used.

The kernel is asked first: a namespace without tables costs no process, nor does one whose tables are plain ones of
iptables-nft. Then `collect` runs the listing tools, and their texts are parsed and joined here. A rule set whose
generation changed meanwhile is read again; one that keeps changing leaves a gap. What a missing tool or permission
hides is a gap too; everything else is read all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from engine import programs
from engine.model.firewall import Backend, Firewall, NamedSet, Table
from engine.model.host import Gap
from engine.observe.firewall import collect, tools
from engine.observe.firewall.bridge_tables import read_arptables
from engine.observe.firewall.collect import FAMILIES, FirewallTexts
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nfqueues import read_queues
from engine.observe.firewall.presence import NftPresence
from engine.observe.firewall.xt import save_text
from engine.observe.netlink.ipsec import read_ipsec
from engine.records import replace

if TYPE_CHECKING:
    from engine.observe.firewall.nft.document import Ruleset

_T = TypeVar("_T")

_ATTEMPTS = 3


def read_firewall(netns_id: str) -> tuple[Firewall, tuple[Gap, ...]]:
    """The firewall of this thread's namespace, and what could not be read of it. `netns_id` is for the gaps only."""
    found, gaps = _without_arp(netns_id)
    arp, untold = read_arptables(netns_id)
    ipsec, unread = read_ipsec(netns_id)
    whole = replace(found, tables=(*found.tables, *arp), queues=read_queues(), ipsec=ipsec)
    return whole, (*gaps, *untold, *unread)


def _without_arp(netns_id: str) -> tuple[Firewall, tuple[Gap, ...]]:
    look = FirewallTexts(netns_id)
    for attempt in range(_ATTEMPTS):
        look = FirewallTexts(netns_id)
        nft_tables = collect.nft_presence(look)
        legacy = {family: collect.legacy_tables(look, family) for family in FAMILIES}
        if nft_tables is None and not any(legacy.values()):
            return Firewall(), tuple(look.gaps)
        collect.run_tools(look, nft_tables or NftPresence(), legacy)
        if nft_tables is None or collect.unchanged(nft_tables):
            break
        if attempt == _ATTEMPTS - 1:
            look.gap("nft", "the rules changed while they were read: look again")
    return _assemble(look), tuple(look.gaps)


def _assemble(look: FirewallTexts) -> Firewall:
    """All that was read as tables: nft's in the kernel's order first, then the legacy tables."""
    ipsets = _ipsets(look)
    ruleset = _parsed(look, "nft", _ruleset)
    saved = {(table.family, table.name): table for table in _xt_tables(look, Backend.XT_NFT, ipsets)}
    found = _nft_tables(look, ruleset, saved) if ruleset is not None else saved
    found |= look.written
    in_order = {key: found[key] for key in look.tables if key in found} | found
    return Firewall((*in_order.values(), *_xt_tables(look, Backend.XT_LEGACY, ipsets)), ipsets)


def _ruleset(text: str) -> Ruleset:
    from engine.observe.firewall.nft import document  # noqa: PLC0415 - most hosts have no table that only nft shows

    return document.ruleset(document.load(text))


def _xt_tables(look: FirewallTexts, backend: Backend, ipsets: tuple[NamedSet, ...]) -> list[Table]:
    """The tables of one iptables backend, both families."""
    found: list[Table] = []
    for family in FAMILIES:
        parse = partial(save_text.parse_xt_save, backend=backend, family=family, ipsets=ipsets)
        found += _parsed(look, f"{backend} {family}", parse) or ()
    return found


def _nft_tables(
    look: FirewallTexts, ruleset: Ruleset, saved: dict[tuple[str, str], Table]
) -> dict[tuple[str, str], Table]:
    """Native tables, and those of iptables-nft that a tool showed."""
    from engine.observe.firewall.nft import document, ownership  # noqa: PLC0415 - see `_ruleset`
    from engine.observe.firewall.nft import texts as nft_texts  # noqa: PLC0415

    try:
        _frames(ruleset)
        owned = ownership.joined(ruleset, saved.values())
        texts = nft_texts.parse_texts(look.texts.get("texts", ""))
        known = owned.keys() | look.written.keys()
        native = document.tables(ruleset, known, texts)
        missing = [(table.family, table.name) for table in native if save_text.maybe_xt(table.family, table.name)]
        if missing:
            texts |= nft_texts.parse_texts(_more_texts(missing))
            native = document.tables(ruleset, known, texts)
    except FirewallTextError as error:
        look.gap("nft", str(error))
        return saved
    return {(table.family, table.name): table for table in native} | owned


def _frames(ruleset: Ruleset) -> None:
    """Gives the tables of ebtables its own words, where nft does not show all of a rule."""
    from engine.observe.firewall import ebt_parts  # noqa: PLC0415 - see `_ruleset`
    from engine.observe.firewall.nft import document  # noqa: PLC0415

    drafts = [draft for draft in ruleset.values() if document.hides(draft)]
    tool = ebtables() if drafts else None
    if tool is None:
        return
    lines = ebt_parts.parse_save(tools.run([(tool,)])[0].text)
    for draft in drafts:
        draft.lines = lines


def ebtables() -> str | None:
    """The save tool of ebtables-nft; that of ebtables-legacy, which makes the tables that it asks for, is not it."""
    tool = programs.find("ebtables-nft-save") or programs.find("ebtables-save")
    return tool if tool and os.path.basename(os.path.realpath(tool)) == "xtables-nft-multi" else None


def _more_texts(tables: list[tuple[str, str]]) -> str:
    """nft's lines of tables that bear iptables' names and are not iptables'."""
    tool = programs.find("nft")
    return tools.run([(tool, "-a", *collect.listing(tables))])[0].text if tool else ""


def _parsed(look: FirewallTexts, key: str, parse: Callable[[str], _T]) -> _T | None:
    """The parsed text of one source; None where there is none or it makes no sense (then a gap says so)."""
    text = look.texts.get(key)
    if text is None:
        return None
    try:
        return parse(text)
    except FirewallTextError as error:
        look.gap(key.partition(" ")[0], str(error))
        return None


def _ipsets(look: FirewallTexts) -> tuple[NamedSet, ...]:
    """The ipsets, when a rule looks one up."""
    if not any(save_text.set_names(text) for key, text in look.texts.items() if key.startswith("xt-")):
        return ()
    tool = collect.tool(look, "ipset", "ipset")
    if tool is None:
        return ()
    from engine.observe.firewall.xt import ipsets as xt_sets  # noqa: PLC0415 - few hosts have sets

    collect.keep(look, "ipset", tools.run([(tool, "save")])[0])
    return _parsed(look, "ipset", xt_sets.parse_ipset_save) or ()
