"""Pointers into a snapshot: how a story names the row it speaks of."""

from __future__ import annotations

from enum import StrEnum

from engine.records import dataclass


class RefKind(StrEnum):
    """What a pointer can point at."""

    NETNS = "netns"
    RULE = "rule"
    CHAIN = "chain"
    ROUTE = "route"
    POLICY_RULE = "policy-rule"
    SYSCTL = "sysctl"
    LINK = "link"
    ADDRESS = "address"
    NEIGHBOUR = "neighbour"
    FDB = "fdb"
    LISTENER = "listener"
    PROCESS = "process"
    CONNTRACK = "conntrack"
    CONTAINER = "container"
    FILE = "file"


#: Stands between a chain's name and the handle of a rule.
HANDLE = " handle"


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer: which kind of thing, in which namespace, found by `key`, shown as `text`.

    Keys by kind: rule (backend, family, table, chain, index) · chain (backend, family, table, chain) ·
    sysctl (name) · link (index) · route (table, destination, metric) · policy-rule (priority) ·
    listener (protocol, address, port) · neighbour (link index, address) · container (id) ·
    conntrack (protocol, source, port, destination, port, zone) · file (path, line).
    `name` is the short form for people: "filter/DOCKER-USER 1", "net.ipv4.ip_forward", "docker0".
    """

    kind: RefKind
    netns: str
    key: tuple[str | int, ...] = ()
    name: str = ""
    text: str = ""

    @property
    def words(self) -> str:
        """The name in a sentence: "rule 1 of filter/DOCKER-USER", "rule handle 12 of t/forward", "docker0"."""
        if self.kind is not RefKind.RULE:
            return self.name
        chain, _, number = self.name.rpartition(" ")
        handle = HANDLE if chain.endswith(HANDLE) else ""
        return f"rule {handle.lstrip()}{' ' if handle else ''}{number} of {chain.removesuffix(handle)}"


def rule_name(chain: str, index: int, handle: int | None = None) -> str:
    """A rule's name: its chain with the handle of `nft -a`, else the number of `iptables -L --line-numbers`, which
    counts from 1; `index` counts from 0."""
    return f"{chain}{HANDLE} {handle}" if handle is not None else f"{chain} {index + 1}"
