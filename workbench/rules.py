"""The pane of rules: those of one namespace, built anew only when the namespace or its rules are others than before."""

from __future__ import annotations

from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from views.listing import Listing
from views.nat.rows import gap_lines, rows


class Rules(Listing):
    """The rules of the namespace `netns`; empty before there is one."""

    netns = ""
    _firewall: Firewall | None = None

    @property
    def title(self) -> str:
        """What the pane shows."""
        return f"2 NAT and filter · {self.netns}" if self.netns else "2 NAT and filter"

    def forget(self) -> None:
        """Shows nothing."""
        self.netns, self._firewall = "", None
        self.filter("")
        self.show(())

    def look_at(self, snapshot: Snapshot, netns: str) -> bool:
        """Shows the rules of a namespace. Says whether they are others than before."""
        if netns not in snapshot.by_id:
            return False
        firewall = snapshot.by_id[netns].firewall
        if netns == self.netns and firewall is self._firewall:
            return False
        self.netns, self._firewall = netns, firewall
        self.empty = f"{netns} has no rules."
        self.show([*gap_lines(snapshot.gaps, netns), *rows(firewall)])
        return True
