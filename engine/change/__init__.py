"""Changes to a host: one class for each kind, with its value and all that it can say of itself. Pure.

A fix, a lab, a plan and a what-if speak in these classes. Each has `argv` (the command lines that a person would type),
`applied` (the snapshot afterwards), `inverse` (the change that takes it back) and `holds` (whether a snapshot is so
already); `engine.model.plan.Change` says what each promises. How the kernel is really changed is `engine.apply.steps`.

    sysctl route policy_rule address neighbour fdb conntrack link port    settings and tables of a network stack
    rule chain_policy set_element ruleset                                 the firewall; new_rules writes rules for it
    listener program                                                      programs
    engines/ application/                                                 engines' clients; files of names, of proxies
    namespace namespace_file                              what labs are made of
    batch restore                                         what twins of snapshots are made of
    words                                                                 words of ip(8), iptables(8) that kinds share
    consequences/                                                         what the kernel or an engine does beside it
    chain_diff                                                            what changes do to a chain, line by line
    differences actor                                                     what differs between two snapshots; by whom
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.host import Snapshot
from engine.model.plan import Change


def applied(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """The snapshot after the changes, in order, each made on its own host. Raises `StaleChange` when one does not
    fit."""
    for change in changes:
        part = part_of(snapshot, (change,))
        snapshot = snapshot.with_part(change.applied(part))
    return snapshot


def netns_of_change(change: Change) -> str:
    """The namespace that a change is made in, "" where it names none."""
    return str(getattr(change, "netns", "") or getattr(getattr(change, "place", None), "netns", ""))


def part_of(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """The host that the changes are about, of several in a snapshot: that of the namespaces and containers that they
    name, else the first. Of a single host the snapshot itself."""
    if not snapshot.machines:
        return snapshot
    containers = {each.id: each.machine for each in snapshot.containers}
    for change in changes:
        netns = snapshot.by_id.get(netns_of_change(change))
        machine = netns.machine if netns is not None else containers.get(getattr(change, "container", ""))
        if machine is not None:
            return snapshot.part(machine)
    return snapshot.around(snapshot.host)
