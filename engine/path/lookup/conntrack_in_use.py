"""Whether a namespace tracks connections at all: only while a rule asks for it.

The hooks of connection tracking are registered for an IP version when the first rule comes that needs them (a look at
`ct`, a translation, a limit of connections), and taken out with the last. Where they are not, a packet belongs to no
connection, and a chain of type nat is never run, whatever it says: its hook passes packets without a connection on.
NOTRACK needs no tracking. A rule counts wherever it stands, in a chain that nobody jumps to as well.

Sources: net/netfilter/nf_conntrack_proto.c (nf_ct_netns_get), nft_ct.c, nft_nat.c, nft_connlimit.c, nft_flow_offload.c,
xt_conntrack.c and the checkentry functions of other extensions; nf_nat_core.c (nf_nat_inet_fn).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.firewall import (
    Field,
    Firewall,
    Match,
    Nat,
    Opaque,
    Rule,
    SetLabel,
    SetMark,
    SetZone,
    Statement,
    SynProxy,
    Table,
    VerdictMap,
)

#: Beside those that begin with "ct ": fields of matches that look at connections.
FIELDS = frozenset(
    f"xt {module}" for module in ("connlimit", "connbytes", "connlabel", "cluster", "conntrack", "state")
)
#: Families of tables whose rules make the namespace track connections of an IP version.
FAMILIES = {"ip": ("ip", "inet", "bridge", "netdev"), "ip6": ("ip6", "inet", "bridge", "netdev")}


class TrackingNeeds:
    """Which rules need tracking. Worlds that differ in a few rules share what the others say, if not their numbers."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Statement, ...], bool]] = {}

    def tracks(self, firewall: Firewall, family: str) -> bool:
        """Whether a rule has connections of an IP version ("ip" or "ip6") tracked. A statement that is not understood
        counts as one that does: most hosts track, and then it makes no difference."""
        return any(
            bool(table.flowtables) or any(map(self._of_rule, _rules(table)))
            for table in firewall.tables
            if table.family in FAMILIES[family]
        )

    def _of_rule(self, rule: Rule) -> bool:
        said = rule.statements
        known = self._known.get(id(said))
        if known is None:
            known = self._known[id(said)] = (said, any(map(_needs, said)))
        return known[1]


def _rules(table: Table) -> Iterator[Rule]:
    for chain in table.chains:
        yield from chain.rules


def _needs(statement: Statement) -> bool:
    if isinstance(statement, Nat | SetZone | SetLabel | SynProxy | Opaque):
        return True
    if isinstance(statement, SetMark) and "ct mark" in (statement.target, statement.source):
        return True
    return isinstance(statement, Match | VerdictMap | SetMark) and any(_looks(field) for field in statement.fields)


def _looks(field: Field) -> bool:
    return field.name.startswith(("ct ", "nft ct")) or field.name in FIELDS
