"""Collects the texts of all firewall listing tools, each only where the kernel says that it has something to show.

Tables of iptables-nft that can be read as the kernel holds them need no tool. For the others nft is asked, and
iptables-nft-save where they may be iptables-nft's; iptables-legacy is only asked for tables that exist already, since a
listing would create them. The tools run side by side. A missing tool, a refusal, or an iptables of the other backend
becomes a gap that says what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping, Sequence

from engine import programs
from engine.model.firewall import Backend, Table
from engine.model.host import Gap
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.firewall import presence, tools
from engine.observe.firewall.presence import NftPresence
from engine.observe.firewall.tools import Output
from engine.observe.firewall.xt import save_text
from engine.records import dataclass, field

#: The iptables of each family.
FAMILIES = {"ip": "iptables", "ip6": "ip6tables"}
_PACKAGES = {"nft": "nftables", "iptables": "iptables", "ip6tables": "iptables", "ipset": "ipset"}
#: Letters of a table's name that nft's command line takes without quotes.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")


@dataclass(slots=True)
class FirewallTexts:
    """One attempt: the texts by what they are of ("nft", "texts", "xt-nft ip", …), and the gaps so far.

    `tables` are the keys of all nft tables in the kernel's order, `written` those that were read without a tool.
    """

    netns: str
    tables: Collection[tuple[str, str]] = ()
    written: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def gap(self, source: str, reason: str) -> None:
        """Notes what could not be read."""
        self.gaps.append(Gap(source, self.netns, reason))


def nft_presence(look: FirewallTexts) -> NftPresence | None:
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
    if not found.tables:
        return None
    look.tables = found.tables
    look.written = _written(found)
    return found


def _written(found: NftPresence) -> Mapping[tuple[str, str], Table]:
    """The tables that need no tool; none where the kernel's dump cannot be had, which the tools will tell."""
    from engine.observe.firewall.fast import xt_kernel  # noqa: PLC0415 - a host without rules needs no reader

    families = sorted({family for family, table in found.tables if save_text.maybe_xt(family, table)})
    try:
        return xt_kernel.written(*presence.nft_tables(families))
    except (NetlinkError, OSError):
        return {}


def legacy_tables(look: FirewallTexts, family: str) -> tuple[str, ...]:
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


def run_tools(look: FirewallTexts, found: NftPresence, legacy: Mapping[str, Sequence[str]]) -> None:
    """Runs every tool that has something to show."""
    wanted: dict[str, tuple[str, ...]] = {}
    left = [key for key in found.tables if key not in look.written]
    if left and (nft := tool(look, "nft", "nft")):
        wanted["nft"] = (nft, "-j", *listing(left))
        if native := [key for key in left if not save_text.maybe_xt(*key)]:
            wanted["texts"] = (nft, "-a", *listing(native))
    for family, name in FAMILIES.items():
        if any(of == family and save_text.maybe_xt(of, table) for of, table in left):
            _want(look, wanted, f"{Backend.XT_NFT} {family}", name, f"{name}-nft-save")
        if legacy.get(family):
            _want(look, wanted, f"{Backend.XT_LEGACY} {family}", name, f"{name}-legacy-save")
    for key, output in zip(wanted, tools.run(list(wanted.values())), strict=True):
        keep(look, key, output)


def _want(look: FirewallTexts, wanted: dict[str, tuple[str, ...]], key: str, name: str, own: str) -> None:
    """The save tool of one backend; plain `iptables-save` is of either, which `keep` finds out."""
    if found := tool(look, name, own, f"{name}-save"):
        wanted[key] = (found, "-c")


def tool(look: FirewallTexts, source: str, *names: str) -> str | None:
    """The path of the first of these tools that is installed; a gap where none is."""
    found = programs.find(*names)
    if found is None:
        look.gap(source, f"{names[0]} is not installed: install the package {_PACKAGES[source]} to see these rules")
    return found


def listing(wanted: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """nft's words that list one table, where its name needs no quoting, else all: nft lists one or all at a time."""
    if len(wanted) == 1 and set(wanted[0][1]) <= _PLAIN:
        return ("list", "table", *wanted[0])
    return ("list", "ruleset")


def keep(look: FirewallTexts, key: str, output: Output) -> None:
    """Keeps an output, or notes why there is none; nft's own lines are a nicety and leave no gap."""
    source = key.partition(" ")[0]
    if output.trouble:
        if key != "texts":
            look.gap(source, output.trouble)
        return
    writer = save_text.written_by(output.text)
    if source == Backend.XT_NFT and writer is Backend.XT_LEGACY:
        look.gap(source, "the iptables here is iptables-legacy: install iptables-nft to see all of these rules")
    elif source == Backend.XT_LEGACY and writer is Backend.XT_NFT:
        look.gap(source, "iptables-legacy-save is not installed: install it to see the rules of iptables-legacy")
    else:
        look.texts[key] = output.text
