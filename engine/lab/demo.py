"""The demo: a lab of the gallery with the fault that its file names, as one plan. Pure.

Five namespaces: the host with a bridge, three containers on it, and a client on the host's uplink.

    <lab>-lan 192.168.30.2 ── eth0 192.168.30.1 <lab>-host demo0 172.30.0.1 ─┬─ <lab>-web 172.30.0.2 :80
                                                                             ├─ <lab>-api 172.30.0.3 :8000
                                                                             └─ <lab>-db  172.30.0.4 :5432
"""

from __future__ import annotations

from engine.lab import faults, library, lifecycle
from engine.lab.blueprint import Blueprint
from engine.model.plan import Plan
from engine.records import dataclass

NAME = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """The lab under a name, what builds it with its fault, and the question to ask: the port that the fault closes."""

    lab: Blueprint
    plan: Plan
    target: str
    source: str


def demo(name: str = NAME) -> Demo:
    """The demo under that name; its namespaces are `<name>-host`, `<name>-lan` and `<name>-<service>`."""
    draft = lifecycle.draft(library.text(NAME), f"{library.PREFIX}{NAME}", name)
    broken = [
        change for fault in draft.lab.spec.faults for change in faults.plan(faults.find(fault), draft.lab).changes
    ]
    client, target = faults.question(draft.lab)
    plan = Plan(draft.plan.title, (*draft.plan.changes, *broken))
    return Demo(draft.lab, plan, target, f"ns:{draft.lab.netns_by_node[client]}")
