"""The policy of a base chain: what happens to a packet that no rule of it decides about (iptables(8), -P; nft(8))."""

from __future__ import annotations

from engine.change.consequences.built_in_chains import with_built_in
from engine.change.rule import xt_command
from engine.model.firewall import Backend, Chain, Table, VerdictKind
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, RulePlace, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class SetPolicy(Change):
    """Gives the base chain at `place` another policy, `accept` or `drop`; the place's index says nothing."""

    place: RulePlace
    policy: VerdictKind

    @property
    def netns(self) -> str:
        """The namespace of the chain."""
        return self.place.netns

    def argv(self, where: Where) -> Argvs:
        """`iptables -P`; `nft chain`, which changes the policy alone where the chain is there."""
        place = self.place
        if place.backend is not Backend.NFT:
            return ((*xt_command(place, where), "-P", place.chain, str(self.policy).upper()),)
        words = ("nft", "chain", place.family, place.table, place.chain, f"{{ policy {self.policy}; }}")
        return ((*where.enter(place.netns), *words),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The chain with the policy."""
        place, netns = self.place, snapshot.by_id[self.place.netns]
        if _base_chain(snapshot, place) is None:
            raise StaleChange(f"{place.netns} has no base chain {place.table}/{place.chain}")

        def in_table(table: Table) -> Table:
            if (table.backend, table.family, table.name) != (place.backend, place.family, place.table):
                return table
            return replace(table, chains=tuple(map(in_chain, table.chains)))

        def in_chain(chain: Chain) -> Chain:
            if chain.name != place.chain or chain.base is None:
                return chain
            return replace(chain, base=replace(chain.base, policy=self.policy))

        known = with_built_in(netns.firewall, place)
        firewall = replace(known, tables=tuple(map(in_table, known.tables)))
        return snapshot.with_netns(replace(netns, firewall=firewall))

    def inverse(self, before: Snapshot | None = None) -> Change | None:
        """The other policy: a base chain has one of two."""
        chain = _base_chain(before, self.place) if before is not None else None
        if chain is not None and chain.base is not None:
            return replace(self, policy=chain.base.policy)
        other = VerdictKind.DROP if self.policy is VerdictKind.ACCEPT else VerdictKind.ACCEPT
        return replace(self, policy=other)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the chain has that policy."""
        chain = _base_chain(snapshot, self.place)
        return chain is not None and chain.base is not None and chain.base.policy is self.policy


def _base_chain(snapshot: Snapshot, place: RulePlace) -> Chain | None:
    firewall = with_built_in(snapshot.by_id[place.netns].firewall, place)
    table = firewall.table(place.backend, place.family, place.table)
    chain = table.chain(place.chain) if table is not None else None
    return chain if chain is not None and chain.base is not None else None
