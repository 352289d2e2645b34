"""Whose the thing is that a pointer points at: what its names tell, and what engines are known to set."""

from __future__ import annotations

from engine.model.firewall import Firewall, Rule
from engine.model.owner import ADMIN, owner_of_chain, owner_of_rule
from engine.model.ref import Ref, RefKind

#: The chains whose policies are ufw's defaults, with one of its own that each leads to.
UFW = {"INPUT": "ufw-before-input", "OUTPUT": "ufw-before-output"}

#: The priorities of tailscaled's policy rules (tailscale, wgengine/router/router_linux.go).
TAILSCALE = range(5210, 5271)


def owner_of(ref: Ref, firewall: Firewall) -> str:
    """The owner of what a pointer points at: a tool's name, or ADMIN."""
    if ref.kind is RefKind.POLICY_RULE and int(ref.key[1]) in TAILSCALE and not int(ref.key[1]) % 10:
        return "tailscale"
    if ref.kind not in (RefKind.RULE, RefKind.CHAIN):
        return ADMIN
    table, chain = str(ref.key[2]), str(ref.key[3])
    owner = owner_of_chain(table, chain)
    if owner == ADMIN and ref.kind is RefKind.RULE and (rule := _rule(ref, firewall)) is not None:
        return owner_of_rule(table, chain, rule)
    if owner == ADMIN and ref.kind is RefKind.CHAIN and _has(firewall, ref, UFW.get(chain)):
        return "ufw"
    if owner == ADMIN and ref.kind is RefKind.CHAIN and chain == "FORWARD" and _has_docker(firewall):
        # dockerd sets this policy when it starts (moby, setupIPChains).
        return "docker"
    return owner


def _rule(ref: Ref, firewall: Firewall) -> Rule | None:
    """The rule that a pointer points at, where it is in this firewall."""
    backend, family, table, chain, index = ref.key
    for each in firewall.tables:
        if (each.backend, each.family, each.name) == (backend, family, table):
            found = each.chain(str(chain))
            return next((rule for rule in found.rules if rule.index == index), None) if found else None
    return None


def _has(firewall: Firewall, ref: Ref, chain: str | None) -> bool:
    """Whether the table that a pointer points into has a chain of that name."""
    tables = (each for each in firewall.tables if (each.backend, each.family, each.name) == ref.key[:3])
    return chain is not None and any(each.chain(chain) for each in tables)


def _has_docker(firewall: Firewall) -> bool:
    return any(chain.name == "DOCKER-USER" for table in firewall.tables for chain in table.chains)
