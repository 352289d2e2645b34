"""Sysctls of a network namespace."""

from __future__ import annotations

from engine.change.words import sysctl_word
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass, replace

#: One variable of the kernel, which every namespace shows.
SHARED = "net.netfilter.nf_conntrack_max"


@dataclass(frozen=True, slots=True)
class SetSysctls(Change):
    """Writes many sysctls in a new namespace, in order. What the kernel does not have or take is left out, and noted.

    `values` are names below /proc/sys/net as paths ("ipv4/ip_forward"), and what is written.
    """

    netns: str
    values: tuple[tuple[str, str], ...]

    @property
    def loader(self) -> Argv:
        """The program that reads the values at its standard input."""
        return ("sysctl", "-q", "-e", "-p", "-")

    @property
    def text(self) -> str:
        """What it reads."""
        return "".join(f"net/{path} = {value}\n" for path, value in self.values)

    def argv(self, where: Where) -> Argvs:
        """`sysctl -q -p` with the values as its input, by a shell."""
        return ((*where.enter(self.netns), "sh", "-c", f"{' '.join(self.loader)} <<'END'\n{self.text}END"),)


@dataclass(frozen=True, slots=True)
class SetSysctl(Change):
    """Writes a sysctl in a namespace."""

    netns: str
    name: str
    value: int

    def argv(self, where: Where) -> Argvs:
        """`sysctl -w` (sysctl(8))."""
        return ((*where.enter(self.netns), "sysctl", "-w", f"{sysctl_word(self.name)}={self.value}"),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """`ip_forward` sets every device's `forwarding` as well (devinet_sysctl_forward)."""
        if self.name == SHARED:
            everywhere = (
                replace(each, sysctls={**each.sysctls, self.name: self.value}) for each in snapshot.namespaces
            )
            return replace(snapshot, namespaces=tuple(everywhere))
        netns = snapshot.by_id[self.netns]
        values = {**netns.sysctls, self.name: self.value}
        if self.name == "net.ipv4.ip_forward":
            forwarding = (n for n in values if n.startswith("net.ipv4.conf.") and n.endswith(".forwarding"))
            values |= dict.fromkeys(forwarding, self.value)
        return snapshot.with_netns(replace(netns, sysctls=values))

    def inverse(self, before: Snapshot | None = None) -> Change | None:
        """Writes the old value."""
        old = before.by_id[self.netns].sysctls.get(self.name) if before else None
        return None if old is None else SetSysctl(self.netns, self.name, old)

    def holds(self, snapshot: Snapshot) -> bool:
        """A setting that a snapshot does not have cannot be compared, and is taken for what was written."""
        netns = snapshot.by_id.get(self.netns)
        return netns is not None and netns.sysctls.get(self.name, self.value) == self.value
