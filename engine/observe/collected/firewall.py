"""The texts of nft, iptables-save, arptables and ipset as a firewall, by the parsers of `engine.observe.firewall`."""

from __future__ import annotations

from functools import partial

from engine.model.firewall import Backend, Firewall, NamedSet, Table
from engine.model.ipsec import Ipsec
from engine.observe.collected.arptables import parse_arptables
from engine.observe.collected.reading import Reading
from engine.observe.firewall import ebt_parts
from engine.observe.firewall.nfqueues import parse_queues
from engine.observe.firewall.nft import document, ownership
from engine.observe.firewall.nft import texts as nft_texts
from engine.observe.firewall.xt import ipsets as xt_sets
from engine.observe.firewall.xt import save_text

#: The save tool of each family.
_TOOLS = {"ip": "iptables", "ip6": "ip6tables"}
Saved = tuple[Table, ...]


def read_firewall(reading: Reading) -> Firewall:
    """All tables: nft's in its own order, then the legacy ones, and those of ARP."""
    ipsets = _ipsets(reading)
    saved = _saved(reading, Backend.XT_NFT, ipsets)
    native = reading.read("nft", lambda text: _nft_tables(reading, text, saved))
    tables = (*(saved if native is None else native), *_saved(reading, Backend.XT_LEGACY, ipsets))
    arp = reading.read("arptables-rules", parse_arptables) or ()
    return Firewall((*tables, *arp), ipsets, reading.read("queues", parse_queues), _ipsec(reading))


def _ipsec(reading: Reading) -> Ipsec | None:
    """That there is none; where there is some the script does not tell what."""
    text = reading.text("ipsec")
    if text is None:
        return None
    words = text.split()
    if "block" in words or any(word.isdecimal() and int(word) for word in words):
        reading.gap("IPsec", "its policies are not gathered by the script; `ip xfrm policy` shows them")
        return None
    return Ipsec()


def _ipsets(reading: Reading) -> tuple[NamedSet, ...]:
    texts = (section.text for source, section in reading.sections.items() if source.startswith("xt-"))
    return reading.read("ipset", xt_sets.parse_ipset_save) or () if any(map(save_text.set_names, texts)) else ()


def _saved(reading: Reading, backend: Backend, ipsets: tuple[NamedSet, ...]) -> Saved:
    found: list[Table] = []
    for family, tool in _TOOLS.items():
        parse = partial(save_text.parse_xt_save, backend=backend, family=family, ipsets=ipsets)
        found += reading.read(f"{backend}-{tool}", parse) or ()
    return tuple(found)


def _nft_tables(reading: Reading, text: str, saved: Saved) -> Saved:
    """Native and iptables-nft tables in the order in which nft lists them."""
    section = reading.sections.get("nft-text")
    texts = nft_texts.parse_texts(section.text if section and not section.status else "")
    ruleset = document.ruleset(document.load(text))
    lines = reading.read("ebtables-rules", ebt_parts.parse_save) or {}
    for draft in ruleset.values():
        draft.lines = lines if document.hides(draft) else {}
    owned = ownership.joined(ruleset, saved)
    tables = {(table.family, table.name): table for table in document.tables(ruleset, owned, texts)} | owned
    return tuple(tables[key] for key in ruleset if key in tables)
