"""Collects the texts of all firewall listing tools, each only where the kernel says that it has something to show.

nft is asked for nft tables, iptables-nft-save for those that may be iptables-nft's, and iptables-legacy-save only for
families whose tables exist already, since a listing would create them. The tools run side by side. A missing tool, a
refusal, or an iptables of the other backend becomes a gap that says what to do.
"""

from __future__ import annotations

import errno
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.firewall import Backend
from engine.model.host import Gap
from engine.observe.errors import NetlinkError, gap
from engine.observe.firewall import presence, tools, xt
from engine.observe.firewall.presence import NftPresence
from engine.observe.firewall.tools import Output

#: The iptables of each family.
FAMILIES = {"ip": "iptables", "ip6": "ip6tables"}
_PACKAGES = {"nft": "nftables", "iptables": "iptables", "ip6tables": "iptables", "ipset": "ipset"}
#: Letters of a table's name that nft's command line takes without quotes.
_PLAIN = frozenset(string.ascii_letters + string.digits + "_-.")


@dataclass(slots=True)
class Look:
    """One attempt: the texts by what they are of ("nft", "texts", "xt-nft ip", …), and the gaps so far."""

    netns: str
    texts: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def gap(self, source: str, reason: str) -> None:
        """Notes what could not be read."""
        self.gaps.append(Gap(source, self.netns, reason))


def nft_presence(look: Look) -> NftPresence | None:
    """What nft tables there are; None when there are none or they cannot be asked for."""
    try:
        found = presence.nft_presence()
    except NetlinkError as error:
        forbidden = error.code in (errno.EPERM, errno.EACCES)
        look.gaps.append(gap("nft", look.netns, OSError(error.code, str(error)) if forbidden else error))
        return None
    except OSError as error:
        look.gaps.append(gap("nft", look.netns, error))
        return None
    return found if found.tables else None


def legacy_tables(look: Look, family: str) -> tuple[str, ...]:
    """The tables of iptables-legacy in a family; none where they cannot be asked for."""
    try:
        return presence.legacy_tables(family)
    except OSError as error:
        look.gaps.append(gap(f"{FAMILIES[family]}-legacy", look.netns, error))
        return ()


def unchanged(before: NftPresence) -> bool:
    """Whether the nft rule set is still the one that was asked about."""
    try:
        return presence.nft_generation() == before.generation
    except (NetlinkError, OSError):
        return False


def run_tools(look: Look, found: NftPresence, legacy: Mapping[str, Sequence[str]]) -> None:
    """Runs every tool that has something to show."""
    wanted: dict[str, tuple[str, ...]] = {}
    if found.tables and (nft := tool(look, "nft", "nft")):
        wanted["nft"] = (nft, "-j", "list", "ruleset")
        if native := [key for key in found.tables if not maybe_xt(*key)]:
            wanted["texts"] = texts_command(nft, native)
    for family, name in FAMILIES.items():
        if any(of == family and maybe_xt(of, table) for of, table in found.tables):
            _want(look, wanted, f"{Backend.XT_NFT} {family}", name, f"{name}-nft-save")
        if legacy.get(family):
            _want(look, wanted, f"{Backend.XT_LEGACY} {family}", name, f"{name}-legacy-save")
    for key, output in zip(wanted, tools.run(list(wanted.values())), strict=True):
        keep(look, key, output)


def maybe_xt(family: str, table: str) -> bool:
    """Whether an nft table has the name of one of iptables' tables."""
    return family in FAMILIES and table in xt.TABLES


def _want(look: Look, wanted: dict[str, tuple[str, ...]], key: str, name: str, own: str) -> None:
    """The save tool of one backend; plain `iptables-save` is of either, which `keep` finds out."""
    if found := tool(look, name, own, f"{name}-save"):
        wanted[key] = (found, "-c")


def tool(look: Look, source: str, *names: str) -> str | None:
    """The path of the first of these tools that is installed; a gap where none is."""
    found = tools.find(*names)
    if found is None:
        look.gap(source, f"{names[0]} is not installed: install the package {_PACKAGES[source]} to see these rules")
    return found


def texts_command(nft: str, native: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Lists the one native table, where its name needs no quoting, else all: nft lists one or all at a time."""
    if len(native) == 1 and set(native[0][1]) <= _PLAIN:
        return (nft, "-a", "list", "table", *native[0])
    return (nft, "-a", "list", "ruleset")


def keep(look: Look, key: str, output: Output) -> None:
    """Keeps an output, or notes why there is none; nft's own lines are a nicety and leave no gap."""
    source = key.partition(" ")[0]
    if output.trouble:
        if key != "texts":
            look.gap(source, output.trouble)
        return
    writer = xt.written_by(output.text)
    if source == Backend.XT_NFT and writer is Backend.XT_LEGACY:
        look.gap(source, "the iptables here is iptables-legacy: install iptables-nft to see all of these rules")
    elif source == Backend.XT_LEGACY and writer is Backend.XT_NFT:
        look.gap(source, "iptables-legacy-save is not installed: install it to see the rules of iptables-legacy")
    else:
        look.texts[key] = output.text
