"""Whose a table, chain or rule is, told by the names that each tool gives its own and the comments that it leaves.

A guess by name, and shown as one. A rule in a chain that belongs to nobody in particular is told by its comment, by the
chain that it hands packets to, or, where it masquerades, by the device that it is about: tools put such rules into the
built-in chains. Any other rule there is the admin's. Sources: moby (daemon/libnetwork), netavark, ufw, firewalld,
libvirt, kube-proxy, kube-router, calico, flannel, cilium, weave, CNI's plugins, fail2ban, tailscale, LXD, Incus,
NetworkManager.
"""

from __future__ import annotations

import re

from engine.model.firewall import Match, Name, Nat, NatKind, Rule, RuleVerdict

ADMIN = "admin"

#: The admin's own place in Docker's chains.
ADMINS_OWN = "DOCKER-USER"

#: Chain name prefixes; the longest that fits decides.
CHAINS: dict[str, str] = {
    ADMINS_OWN: ADMIN,
    "DOCKER": "docker",
    "NETAVARK": "podman",
    "netavark": "podman",
    "CNI-": "cni",
    "CNI-ADMIN": ADMIN,
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
    "INPUT_ZONES": "firewalld",
    "FORWARD_ZONES": "firewalld",
    "FORWARD_IN_ZONES": "firewalld",
    "FORWARD_OUT_ZONES": "firewalld",
    "FORWARD_direct": "firewalld",
    "KUBE-ROUTER-": "cni",
    "KUBE-POD-FW-": "cni",
    "KUBE-NWPLCY-": "cni",
    "WEAVE": "cni",
    "nm-sh-": "networkmanager",
    "CROWDSEC": "crowdsec",
    "crowdsec": "crowdsec",
}

#: The owner of what an edge file describes, and its tables. No real one has a space in its name.
EDGE = "edge file"
EDGE_ROUTER, EDGE_GROUPS = "edge router", "security groups"

TABLES: dict[str, str] = {
    EDGE_ROUTER: EDGE,
    EDGE_GROUPS: EDGE,
    "docker-bridges": "docker",
    "netavark": "podman",
    "firewalld": "firewalld",
    "libvirt_network": "libvirt",
    "kube-proxy": "kube-proxy",
    "incus": "incus",
    "lxc": "lxc",
    "lxd": "lxd",
    "f2b-table": "fail2ban",
    "crowdsec": "crowdsec",
    "crowdsec6": "crowdsec",
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


#: How the sets are called that a tool fills.
SETS: dict[str, str] = {"f2b-": "fail2ban", "crowdsec": "crowdsec"}

#: How comments of rules begin that a tool writes.
COMMENTS: dict[str, str] = {
    "kubernetes ": "kube-proxy",
    "kube-router ": "cni",
    "cali:": "cni",
    "cilium": "cni",
    "flanneld": "cni",
    "CNI ": "cni",
    'name: "': "cni",
    "netavark": "podman",
    "generated for LXD": "lxd",
    "managed by lxd": "lxd",
    "generated for Incus": "incus",
    "portscope": "portscope",
}

#: Devices that a tool makes for its networks.
DEVICES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"docker(0|_gwbridge)$|br-[0-9a-f]{12}$"), "docker"),
    (re.compile(r"podman\d+$|cni-podman\d+$"), "podman"),
    (re.compile(r"virbr\d+$"), "libvirt"),
    (re.compile(r"lxdbr\d+$"), "lxd"),
    (re.compile(r"incusbr\d+$"), "incus"),
    (re.compile(r"lxcbr\d+$"), "lxc"),
    (re.compile(r"tailscale\d+$"), "tailscale"),
    (re.compile(r"cni0$|flannel\.\d+$|cali[0-9a-f]{11}$|cilium_\w+$"), "cni"),
)


def owner_of_set(table: str, name: str) -> str:
    """The owner that the name of a set, or of its table, tells of; ADMIN where they tell nothing."""
    told = next((who for prefix, who in SETS.items() if name.startswith(prefix)), ADMIN)
    return TABLES.get(table, told)


def owner_of_rule(table: str, chain: str, rule: Rule, comment: str = "") -> str:
    """The owner of a rule; `comment` is its table's. ADMIN where neither names nor comments tell."""
    owner = owner_of_chain(table, chain, comment)
    sets = (owner_of_set("", part.lookup) for part in rule.statements if isinstance(part, Match) and part.lookup)
    if owner == ADMIN:
        owner = next((who for who in sets if who != ADMIN), ADMIN)
    if owner != ADMIN or chain == ADMINS_OWN:
        return owner
    told = next((who for words, who in COMMENTS.items() if rule.comment.startswith(words)), "")
    return told or _by_statements(rule) or ADMIN


def _by_statements(rule: Rule) -> str:
    """The owner of the chain that a rule hands packets to, or of the device that it masquerades for, else ""."""
    for part in rule.statements:
        if isinstance(part, RuleVerdict) and part.chain and (who := owner_of_chain("", part.chain)) != ADMIN:
            return who
    if not any(isinstance(part, Nat) and part.kind is NatKind.MASQUERADE for part in rule.statements):
        return ""
    names = (
        atom.pattern
        for part in rule.statements
        if isinstance(part, Match)
        for element in part.elements
        for atom in element
        if isinstance(atom, Name)
    )
    return next((who for name in names for pattern, who in DEVICES if pattern.match(name)), "")
