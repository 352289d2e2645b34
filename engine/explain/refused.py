"""An engine's rule that refuses a port, as kube-proxy's for a service without endpoints, and that nothing is published
there, are one cause: the rule is how the engine says so, and goes when there is something."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from engine.explain.blocker import Remedy
from engine.explain.failure import rule_at
from engine.explain.search import Step
from engine.explain.trial import ENGINES
from engine.model.firewall import Interval, Match

PORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport"})


def refused(port: int | None, steps: list[Step]) -> list[Step]:
    """The steps of a search, where such a rule has made one of itself and of the lack behind it."""
    for number, (first, second) in enumerate(pairwise(steps)):
        one, other = first.remedy, second.remedy
        if one is None or other is None or second.blocker.code != "NAT_NOT_PUBLISHED" or not _says_so(port, first):
            continue
        owner = first.blocker.owner
        title = f"give the service of port {port} something that is ready: {owner} refuses it as long as it has nothing"
        remedy = Remedy(title, (*one.changes, *other.changes), manual=True)
        told = Step(replace(first.blocker, remedies=(remedy,)), remedy, first.before, second.after)
        return [*steps[:number], told, *steps[number + 2 :]]
    return steps


def _says_so(port: int | None, step: Step) -> bool:
    """Whether an engine's own rule is about that one port."""
    found = rule_at(step.before, step.blocker.at) if step.blocker.owner in ENGINES else None
    matches = [each for each in found[1].statements if isinstance(each, Match) and not each.negate] if found else []
    about = [each for each in matches if len(each.fields) == 1 and each.fields[0].name in PORTS]
    return port is not None and any(each.elements == ((Interval(port, port),),) for each in about)
