"""For the firewall's kernel tests: a namespace to load rules into, and the look from inside of it."""

from __future__ import annotations

import os

from engine.model.firewall import Firewall, Match, Opaque, Table
from engine.model.host import Gap
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.firewall import read_firewall
from engine.observe.firewall.fields import is_exact
from tests.harness.netns import Netns

#: Rules with something that the readers of the kernel's own entries have no words for: the listing tool is asked.
TOLD_BY_TOOLS = (
    "-A FORWARD -m limit --limit 5/min -j ACCEPT",
    "-A FORWARD -j LOG --log-prefix x",
    "-A FORWARD -f -j DROP",
    "-A FORWARD -p 47 -j DROP",
    "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j DROP",
    "-A FORWARD -p icmp -m icmp --icmp-type any -j DROP",
)


def look(netns: Netns) -> tuple[Firewall, tuple[Gap, ...]]:
    """The firewall as it is read in that namespace."""

    def inside() -> tuple[Firewall, tuple[Gap, ...]]:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return read_firewall("there")

    return apart(inside)


def seen(netns: Netns) -> Firewall:
    """The firewall, where nothing may be missing."""
    firewall, gaps = look(netns)
    assert gaps == ()
    return firewall


def unmodelled(tables: tuple[Table, ...]) -> set[str]:
    """The fields that are not exact, and the texts of opaque statements, of all rules."""
    found: set[str] = set()
    for rule in (rule for table in tables for chain in table.chains for rule in chain.rules):
        for part in rule.statements:
            if isinstance(part, Match):
                found |= {field.name for field in part.fields if not is_exact(field.name)}
            elif isinstance(part, Opaque):
                found.add(part.text)
    return found
