"""Whose a chain or table is, told by the names that each tool gives its own.

A guess by name, and shown as one. Sources: moby (daemon/libnetwork), netavark, ufw, firewalld, libvirt,
kube-proxy, calico, flannel, cilium, fail2ban, tailscale.
"""

from __future__ import annotations

ADMIN = "admin"

#: Chain name prefixes; the longest that fits decides. DOCKER-USER is the admin's own place in Docker's chains.
CHAINS: dict[str, str] = {
    "DOCKER-USER": ADMIN,
    "DOCKER": "docker",
    "NETAVARK": "podman",
    "netavark": "podman",
    "CNI-": "podman",
    "ufw": "ufw",
    "LIBVIRT_": "libvirt",
    "KUBE-": "kube-proxy",
    "cali-": "cni",
    "FLANNEL-": "cni",
    "CILIUM_": "cni",
    "f2b-": "fail2ban",
    "ts-": "tailscale",
    "FWD_": "firewalld",
    "FWDI_": "firewalld",
    "FWDO_": "firewalld",
    "IN_": "firewalld",
    "PRE_": "firewalld",
    "POST_": "firewalld",
    "INPUT_direct": "firewalld",
    "FORWARD_direct": "firewalld",
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


#: The mark that a lab's own tables carry in their comment.
MARK = "portscope:"


def owner_of_chain(table: str, chain: str, comment: str = "") -> str:
    """The owner that a table's name, its comment or a chain's name tells of; ADMIN where they tell nothing."""
    if MARK in comment:
        return "portscope"
    if table in TABLES:
        return TABLES[table]
    fitting = [prefix for prefix in CHAINS if chain.startswith(prefix)]
    return CHAINS[max(fitting, key=len)] if fitting else ADMIN
