"""Whose a fix is, by what it changes: a table by kind of change, and by whose chain a rule is in."""

from __future__ import annotations

from collections.abc import Iterable

from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.chain_policy import SetPolicy
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.listener import Listen, StopListening
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.set_element import AddElement, DeleteElement
from engine.model.owner import ADMIN, owner_of_chain, owner_of_set
from engine.model.plan import Change
from engine.model.verdict import FixKind

#: Tools whose rules are changed by a command of their own.
OWNERS = frozenset({"ufw", "firewalld", "fail2ban", "crowdsec", "libvirt", "kube-proxy", "cni", "tailscale"})


def kind_of(changes: Iterable[Change]) -> FixKind:
    """The kind of a fix that makes these changes: that of the first one."""
    change = next(iter(changes), None)
    if isinstance(change, Listen | StopListening | AddHostsLine | DeleteHostsLine | SetUpstream | LetIn | ReloadProxy):
        return FixKind.APPLICATION
    if isinstance(change, SetContainer | ConnectNetwork | CreateNetwork):
        return FixKind.PUBLISH
    owner = _owner(change)
    if owner is None:
        return FixKind.SYSTEM
    return FixKind.OWNER if owner in OWNERS else FixKind.RULE


def _owner(change: Change | None) -> str | None:
    """The tool whose rule or element is changed; None for what is neither."""
    if isinstance(change, InsertRule | DeleteRule | ReplaceRule | SetPolicy):
        return owner_of_chain(change.place.table, change.place.chain)
    if isinstance(change, AddElement | DeleteElement):
        return owner_of_set(change.table, change.name) if change.name else ADMIN
    return None
