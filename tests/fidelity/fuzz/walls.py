"""The firewalls of a host in the making: tables and chains of all backends, as lines that are joined in the end.

`Walls` keeps iptables' tables by namespace, backend and IP version, nftables' by namespace, family and name, in the
order in which they are first asked for, and writes each as one block of the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fidelity.fuzz import ipsets, xt
from tests.fidelity.fuzz.lawn import Sets
from tests.fidelity.fuzz.plot import Plot
from tests.scenarios.scenario import Firewall

XtKey = tuple[str, str, int]
NftKey = tuple[str, str, str]


@dataclass
class XtTables:
    """The tables of one backend and IP version: by table and chain, the policy and the rules."""

    tables: dict[str, dict[str, tuple[str, list[str]]]] = field(default_factory=dict)

    def chain(self, table: str, name: str, policy: str = "") -> list[str]:
        """The rules of a chain, made when it is first asked for; a policy that is given stays."""
        chains = self.tables.setdefault(table, {})
        usual = "ACCEPT" if name in xt.HOOKS else "-"
        known = chains.get(name, (usual, []))
        chains[name] = (policy or known[0], known[1])
        return known[1]


@dataclass
class NftTable:
    """A table of nftables: by chain, its first line ("" for a user chain) and the rules."""

    sets: Sets = field(default_factory=Sets)
    chains: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def chain(self, name: str, head: str = "") -> list[str]:
        """The rules of a chain, made when it is first asked for."""
        return self.chains.setdefault(name, (head, []))[1]


class Walls:
    """All of them."""

    def __init__(self) -> None:
        self._xt: dict[XtKey, XtTables] = {}
        self._ebtables: dict[str, XtTables] = {}
        self._nft: dict[NftKey, NftTable] = {}

    def xt(self, netns: str, backend: str, family: int) -> XtTables:
        """Tables of `legacy` or `nft` iptables."""
        return self._xt.setdefault((netns, backend, family), XtTables())

    def ebtables(self, netns: str) -> XtTables:
        """The tables of ebtables."""
        return self._ebtables.setdefault(netns, XtTables())

    def nft(self, netns: str, family: str, name: str) -> NftTable:
        """A table of nftables."""
        return self._nft.setdefault((netns, family, name), NftTable())

    def translates(self, netns: str, family: int) -> bool:
        """Whether there is a chain of type nat for the IP version by now."""
        xtables = (
            tables.tables for (place, _, version), tables in self._xt.items() if (place, version) == (netns, family)
        )
        kinds = ("inet", "ip" if family == 4 else "ip6")
        native = (table for (place, kind, _), table in self._nft.items() if place == netns and kind in kinds)
        return any("nat" in tables for tables in xtables) or any(
            head.startswith("type nat") for table in native for head, _ in table.chains.values()
        )

    def build(self, plot: Plot) -> None:
        """Writes all blocks into the plot."""
        have_sets: set[tuple[str, int]] = set()
        for (netns, backend, family), tables in self._xt.items():
            text = xt.block(tables.tables)
            if "--match-set" in text and (netns, family) not in have_sets:
                have_sets.add((netns, family))
                plot.draft(netns).firewall.append(Firewall("ipset", ipsets.saved(plot, netns, family)))
            program = "iptables" if family == 4 else "ip6tables"
            plot.draft(netns).firewall.append(Firewall(f"{program}-{backend}", text))
        for netns, tables in self._ebtables.items():
            plot.draft(netns).firewall.append(Firewall("ebtables-nft", xt.block(tables.tables)))
        for (netns, kind, name), table in self._nft.items():
            plot.draft(netns).firewall.append(Firewall("nft", _nft_text(kind, name, table)))


def _nft_text(family: str, name: str, table: NftTable) -> str:
    lines = [f"table {family} {name} {{", *(f"  {line}" for line in table.sets.lines if line.startswith("set"))]
    # Chains that are only jumped to stand first, so that jumps find them, and maps that name them after those.
    for chain, (head, _) in table.chains.items():
        if not head:
            lines += [f"  chain {chain} {{", "  }"]
    lines += [f"  {line}" for line in table.sets.lines if not line.startswith("set")]
    for chain, (head, rules) in table.chains.items():
        lines += [f"  chain {chain} {{", *([f"    {head}"] if head else []), *(f"    {rule}" for rule in rules), "  }"]
    return "\n".join([*lines, "}"]) + "\n"
