"""The pane of rules: those of one namespace, built anew only when the namespace or its rules are others than before."""

from __future__ import annotations

from engine.model.firewall import Backend, Firewall
from engine.model.host import Snapshot
from views.listing import Listing
from views.nat.gains import Gains
from views.nat.ghosts import Ghost, with_ghosts
from views.nat.rows import gap_lines, rows

LOOKING = "Reading the host …"


class Rules(Listing):
    """The rules of the namespace `netns`; empty before there is one."""

    netns = ""
    only: Backend | None = None
    _snapshot: Snapshot | None = None
    _firewall: Firewall | None = None
    _gains: Gains | None = None
    _ghosts: tuple[Ghost, ...] = ()

    @property
    def title(self) -> str:
        """What the pane shows."""
        return " · ".join(part for part in ("2 NAT and filter", self.netns, self.only and f"{self.only} alone") if part)

    def forget(self) -> None:
        """Shows nothing."""
        self.netns, self._firewall, self._gains, self.only, self._ghosts = "", None, None, None, ()
        self.empty = LOOKING
        self.filter("")
        self.show(())

    def haunt(self, ghosts: tuple[Ghost, ...]) -> None:
        """Shows these rules, which are supposed to be gone, where they were."""
        if ghosts != self._ghosts:
            self._ghosts, self._firewall = ghosts, None

    def look_at(self, snapshot: Snapshot, netns: str) -> bool:
        """Shows the rules of a namespace. Says whether they are others than before."""
        if netns not in snapshot.by_id:
            return False
        firewall = snapshot.by_id[netns].firewall
        if netns == self.netns and firewall is self._firewall:
            return False
        if netns != self.netns:
            self._gains = None
        self.netns, self._firewall, self._snapshot = netns, firewall, snapshot
        self.only = self.only if self.only in self.backends else None
        self._build()
        return True

    def tick(self) -> None:
        """Some time has passed: shows what the counters gained in it."""
        if self._firewall is not None:
            self._gains = self._gains or Gains()
            if self._gains.tick(self._firewall):
                self._build()

    @property
    def backends(self) -> list[Backend]:
        """The backends that have tables here, in the order in which they are found."""
        tables = self._firewall.tables if self._firewall else ()
        return list(dict.fromkeys(table.backend for table in tables))

    def next_backend(self) -> None:
        """Shows one backend alone, the next one each time, and at last all of them merged again."""
        turns = [None, *self.backends]
        self.only = turns[(turns.index(self.only) + 1) % len(turns)]
        self._build()

    def _build(self) -> None:
        if self._firewall is not None and self._snapshot is not None:
            self.empty = f"{self.netns} has no rules."
            found = rows(self._firewall, self.only, self._gains.gained if self._gains is not None else None)
            gone = [ghost for ghost in self._ghosts if ghost[1].netns == self.netns]
            self.show([*gap_lines(self._snapshot.gaps, self.netns), *with_ghosts(found, gone)])
