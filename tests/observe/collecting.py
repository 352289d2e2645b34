"""Runs the script, and compares what its file tells with a look."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from engine.model.firewall import Table
from engine.model.host import Netns, Snapshot
from engine.observe.collected import script
from tests.harness.netns import Netns as Place

#: What may differ between two looks at the same host: who runs in it, and what its neighbour tables forget.
PASSING = ("pids", "neighbours", "fdb", "path")
#: What the script does not gather, and says so.
LEFT_OUT = ("conntrack",)


def collect(place: Place, shell: Sequence[str] = ("sh",), environment: Mapping[str, str] | None = None) -> str:
    """The file that the script writes in a namespace, with the whole machine in it."""
    return _run(place.enter([*shell, "-s"]), environment)


def collect_alone(host: Place, places: Sequence[Place], shell: Sequence[str] = ("sh",)) -> str:
    """The file that the script writes where there are no other namespaces and processes than its own and these."""
    binds = " && ".join(
        f": > /run/netns/{each.name} && mount --bind /tmp/{each.name} /run/netns/{each.name}" for each in places
    )
    keep = " && ".join(f": > /tmp/{each.name} && mount --bind {each.path} /tmp/{each.name}" for each in places)
    words = (
        f"mount -t tmpfs none /tmp && {keep} && mount -t tmpfs none /run/netns && {binds} && exec {' '.join(shell)} -s"
    )
    return _run(host.enter(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", words]), None)


def _run(argv: Sequence[str], environment: Mapping[str, str] | None) -> str:
    done = subprocess.run(argv, input=script().encode(), capture_output=True, timeout=120, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def differences(one: Netns, other: Netns, *, passing: Sequence[str] = PASSING) -> list[str]:
    """The fields of two looks at a namespace that differ, with what is only in one of them."""
    one, other = _quiet(one), _quiet(other)
    names = [field.name for field in fields(Netns) if field.name not in (*passing, *LEFT_OUT)]
    return [
        f"{name}: {_only(getattr(one, name), getattr(other, name))} / {_only(getattr(other, name), getattr(one, name))}"
        for name in names
        if _steady(getattr(one, name)) != _steady(getattr(other, name))
    ]


def _quiet(netns: Netns) -> Netns:
    """Without what a packet counts, and without holders, which run where the script does not see them."""
    return replace(
        netns,
        listeners=tuple(replace(each, process=None, queued=0) for each in netns.listeners),
        firewall=replace(netns.firewall, tables=tuple(map(_uncounted, netns.firewall.tables))),
    )


def _uncounted(table: Table) -> Table:
    chains = (
        replace(chain, rules=tuple(replace(rule, packets=None, bytes=None) for rule in chain.rules))
        for chain in table.chains
    )
    return replace(table, chains=tuple(chains))


def _steady(value: Any) -> Any:
    """Sysctls without the fill level of connection tracking, which every packet changes."""
    return (
        {key: each for key, each in value.items() if not key.endswith("_count")} if isinstance(value, dict) else value
    )


def _only(one: Any, other: Any) -> Any:
    if isinstance(one, tuple):
        return [each for each in one if each not in other] or "another order"
    if isinstance(one, dict):
        return {key: each for key, each in one.items() if other.get(key) != each}
    return one


def of_world(snapshot: Snapshot, names: Sequence[str]) -> Snapshot:
    """The snapshot without the namespaces of others."""
    return replace(
        snapshot,
        namespaces=tuple(each for each in snapshot.namespaces if each.id in names),
        gaps=tuple(gap for gap in snapshot.gaps if gap.netns in names),
    )
