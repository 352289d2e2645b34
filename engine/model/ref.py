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


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer: which kind of thing, in which namespace, found by `key`, shown as `text`.

    Keys by kind: rule (backend, family, table, chain, index) · chain (backend, family, table, chain) ·
    sysctl (name) · link (index) · route (table, destination, metric) · policy-rule (priority) ·
    listener (protocol, address, port) · neighbour (link index, address) · container (id) ·
    conntrack (protocol, source, port, destination, port, zone).
    `name` is the short form for people: "filter/DOCKER-USER #0", "net.ipv4.ip_forward", "docker0".
    """

    kind: RefKind
    netns: str
    key: tuple[str | int, ...] = ()
    name: str = ""
    text: str = ""
