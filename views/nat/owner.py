"""Whose rules these are, by the names that each program gives its tables and chains. A guess, and shown as one."""

from __future__ import annotations

import re

from engine.model.firewall import Chain, Table

#: Who is recognised by which chain name; the first that fits. A chain that programs leave to people comes first.
BY_CHAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"DOCKER-USER$|ufw6?-user-|ufw6?-(before|after)"), ""),
    (re.compile(r"DOCKER"), "docker"),
    (re.compile(r"NETAVARK|CNI-"), "podman"),
    (re.compile(r"ufw6?-"), "ufw"),
    (re.compile(r"KUBE-"), "kube-proxy"),
    (re.compile(r"cali-|FLANNEL-|CILIUM_"), "cni"),
    (re.compile(r"LIBVIRT_"), "libvirt"),
    (re.compile(r"(FWDI|FWDO|IN|PRE|POST)_|INPUT_direct|FORWARD_direct"), "firewalld"),
    (re.compile(r"f2b-"), "fail2ban"),
)
BY_TABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"firewalld$"), "firewalld"),
    (re.compile(r"netavark$"), "podman"),
    (re.compile(r"docker-bridges$"), "docker"),
    (re.compile(r"libvirt_network$"), "libvirt"),
    (re.compile(r"kube-proxy$"), "kube-proxy"),
)


def owner(table: Table, chain: Chain) -> str:
    """The program that made a chain; empty for nobody's in particular (the administrator's)."""
    if "portscope:" in table.comment:
        return "portscope"
    for pattern, name in BY_TABLE:
        if pattern.match(table.name):
            return name
    return next((name for pattern, name in BY_CHAIN if pattern.match(chain.name)), "")
