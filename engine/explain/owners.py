"""Whose the thing is that a pointer points at: what its names tell, and what engines are known to set."""

from __future__ import annotations

from engine.model.firewall import Firewall
from engine.model.owner import ADMIN, owner_of_chain
from engine.model.ref import Ref, RefKind


def owner_of(ref: Ref, firewall: Firewall) -> str:
    """The owner of what a pointer points at: a tool's name, or ADMIN."""
    if ref.kind not in (RefKind.RULE, RefKind.CHAIN):
        return ADMIN
    table, chain = str(ref.key[2]), str(ref.key[3])
    owner = owner_of_chain(table, chain)
    if owner == ADMIN and ref.kind is RefKind.CHAIN and chain == "FORWARD" and _has_docker(firewall):
        # dockerd sets this policy when it starts (moby, setupIPChains).
        return "docker"
    return owner


def _has_docker(firewall: Firewall) -> bool:
    return any(chain.name == "DOCKER-USER" for table in firewall.tables for chain in table.chains)
