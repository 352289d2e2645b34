"""The healthy state of a host's namespace: read once, restored before each test by comparing, not by remembering.

What a test or a fix may have changed is read again and put back: firewall (every backend), links that were added
or set down, IPv4 addresses, neighbours, routes and policy rules, and the sysctls that decide a packet's way. Nothing
has to keep a list of what it did, so a test that stops half way leaves nothing to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.harness.netns import Netns

#: Sysctls that belong to a namespace and that a test or a fix may write.
SYSCTLS = r"^net\.(ipv4\.(ip_forward$|conf\.)|bridge\.)"


@dataclass(frozen=True)
class Baseline:
    """What a namespace looked like. Routes and rules are lines of ip(8), addresses are (link, address/length)."""

    netns: Netns
    firewall: str
    links: dict[str, bool]
    addresses: frozenset[tuple[str, str]]
    routes: frozenset[str]
    rules: frozenset[str]
    sysctls: dict[str, str]

    @classmethod
    def read(cls, netns: Netns) -> Baseline:
        """Reads the present state. Its firewall may be of iptables-nft only."""
        return cls(
            netns,
            firewall=firewall(netns),
            links=links(netns),
            addresses=frozenset(addresses(netns)),
            routes=frozenset(routes(netns)),
            rules=frozenset(rules(netns)),
            sysctls=sysctls(netns),
        )

    def restore(self) -> None:
        """Makes the namespace as it was. Links come first, since routes and sysctls hang on them."""
        self._restore_links()
        self.netns.ip("neigh flush nud all")
        self._restore_firewall()
        for rule in frozenset(rules(self.netns)) - self.rules:
            priority, _, words = rule.partition(":")
            self.netns.ip(f"rule del priority {priority} {words.replace('[detached]', '')}")
        self._restore_sysctls()
        self._restore_routes()

    def _restore_links(self) -> None:
        for name, up in links(self.netns).items():
            if name not in self.links:
                self.netns.ip(f"link del {name}")
            elif up != self.links[name]:
                self.netns.ip(f"link set {name} {'up' if self.links[name] else 'down'}")
        now = frozenset(addresses(self.netns))
        for name, address in now - self.addresses:
            self.netns.ip(f"address del {address} dev {name}")
        for name, address in self.addresses - now:
            self.netns.ip(f"address add {address} dev {name}")

    def _restore_firewall(self) -> None:
        """Removes every table of every backend, then loads what was there."""
        self.netns.run("nft", "flush", "ruleset")
        self.netns.run("iptables-restore", stdin=self.firewall)
        for table, chain, policy in legacy_chains(self.netns):
            legacy = ("iptables-legacy", "-w", "-t", table)
            self.netns.run(*legacy, "-F", chain)
            if policy != "-":
                self.netns.run(*legacy, "-P", chain, "ACCEPT")
        for table in {table for table, _, _ in legacy_chains(self.netns)}:
            self.netns.run("iptables-legacy", "-w", "-t", table, "-X")

    def _restore_sysctls(self) -> None:
        """Writes what differs; `ip_forward` first and alone, since it rewrites the `forwarding` of every device."""
        for names in ({"net.ipv4.ip_forward"}, set(self.sysctls)):
            now = sysctls(self.netns)
            for name in names & now.keys():
                if now[name] != self.sysctls[name]:
                    self.netns.sysctl(name, int(self.sysctls[name]))

    def _restore_routes(self) -> None:
        for route in frozenset(routes(self.netns)) - self.routes:
            self.netns.ip(f"route del {route}")
        missing = self.routes - frozenset(routes(self.netns))
        for route in sorted(missing, key=lambda words: "via" in words):
            self.netns.ip(f"route add {route}")


def firewall(netns: Netns) -> str:
    """The rules of iptables-nft in iptables-save's format, without counters and dates."""
    lines = netns.run("iptables-save").splitlines(keepends=True)
    return "".join(re.sub(r"\[\d+:\d+\]", "[0:0]", line) for line in lines if not line.startswith("#"))


def links(netns: Netns) -> dict[str, bool]:
    """Links by name, and whether they are up."""
    return {link["ifname"]: "UP" in link["flags"] for link in netns.ip_json("link show")}


def addresses(netns: Netns) -> Iterator[tuple[str, str]]:
    """IPv4 addresses by link."""
    for link in netns.ip_json("-4 address show"):
        for row in link["addr_info"]:
            yield link["ifname"], f"{row['local']}/{row['prefixlen']}"


def routes(netns: Netns) -> Iterator[str]:
    """IPv4 routes of all tables that an administrator could have made, without the state of their devices."""
    for line in netns.run("ip", "-4", "route", "show", "table", "all").splitlines():
        words = [word for word in line.split() if word not in ("linkdown", "dead")]
        if words[0] not in ("local", "broadcast"):
            yield " ".join(words)


def rules(netns: Netns) -> list[str]:
    """IPv4 policy rules as ip-rule(8) prints them."""
    return netns.run("ip", "-4", "rule", "show").splitlines()


def sysctls(netns: Netns) -> dict[str, str]:
    """The sysctls of `SYSCTLS`, but for those of devices that come and go with containers."""
    lines = netns.run("sysctl", "-a", "-r", SYSCTLS, check=False).splitlines()
    rows = (line.partition(" = ") for line in lines)
    return {name: value for name, equals, value in rows if equals and ".veth" not in name}


def legacy_chains(netns: Netns) -> Iterator[tuple[str, str, str]]:
    """Table, chain and policy ("-" for a user's chain) of every legacy table that exists; creates none."""
    table = ""
    for line in netns.run("iptables-legacy-save", check=False).splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy, *_ = line[1:].split()
            yield table, chain, policy
