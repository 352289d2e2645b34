"""What an nft table holds beside chains and sets: flowtables, and the objects that rules share."""

from __future__ import annotations

from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Flowtable:
    """An nft flowtable: flows that rules offload to it pass from device to device past the forward hook."""

    name: str
    hook: str = "ingress"
    priority: int = 0
    devices: tuple[str, ...] = ()
    handle: int | None = None


@dataclass(frozen=True, slots=True)
class FirewallObject:
    """A stateful nft object that rules name: a counter, quota, limit, synproxy, secmark, or one of conntrack's.

    `kind` is nft's word ("counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "synproxy",
    "secmark", "tunnel"); `text` is what it is told ("25 mbytes", "protocol tcp").
    """

    kind: str
    name: str
    text: str = ""
    handle: int | None = None
