"""Whose a rule is, told by the names that each tool gives its chains and tables.

Sources: moby (daemon/libnetwork), netavark, ufw, firewalld, libvirt, kube-proxy, fail2ban, tailscale.
"""

from __future__ import annotations

from engine.model.firewall import Firewall
from engine.model.ref import Ref, RefKind

#: Chain name prefixes, the longest that fits decides. DOCKER-USER is the admin's own place in Docker's chains.
CHAINS: dict[str, str] = {
    "DOCKER-USER": "admin",
    "DOCKER": "docker",
    "NETAVARK": "podman",
    "netavark": "podman",
    "CNI-": "podman",
    "ufw": "ufw",
    "LIBVIRT_": "libvirt",
    "KUBE-": "kube-proxy",
    "f2b-": "fail2ban",
    "ts-": "tailscale",
    "FWD_": "firewalld",
    "FWDI_": "firewalld",
    "FWDO_": "firewalld",
    "IN_": "firewalld",
    "filter_FORWARD": "firewalld",
    "filter_INPUT": "firewalld",
}

TABLES: dict[str, str] = {
    "docker-bridges": "docker",
    "netavark": "podman",
    "firewalld": "firewalld",
    "libvirt_network": "libvirt",
    "kube-proxy": "kube-proxy",
    "incus": "incus",
    "lxc": "lxc",
    "lxd": "lxd",
    "f2b-table": "fail2ban",
}


def owner_of(ref: Ref, firewall: Firewall) -> str:
    """The owner of what a pointer points at: a tool's name, "kernel" or "admin"."""
    if ref.kind is RefKind.RULE or ref.kind is RefKind.CHAIN:
        return _owner_of_chain(ref, firewall)
    return "admin"


def owner_of_chain(table: str, chain: str) -> str:
    """The owner that a table's or chain's name tells of; "admin" where it tells nothing."""
    if table in TABLES:
        return TABLES[table]
    fitting = [prefix for prefix in CHAINS if chain.startswith(prefix)]
    return CHAINS[max(fitting, key=len)] if fitting else "admin"


def _owner_of_chain(ref: Ref, firewall: Firewall) -> str:
    table, chain = str(ref.key[2]), str(ref.key[3])
    owner = owner_of_chain(table, chain)
    if owner == "admin" and ref.kind is RefKind.CHAIN and chain == "FORWARD" and _has_docker(firewall):
        # dockerd sets this policy when it starts (moby, setupIPChains).
        return "docker"
    return owner


def _has_docker(firewall: Firewall) -> bool:
    return any(chain.name == "DOCKER-USER" for table in firewall.tables for chain in table.chains)
