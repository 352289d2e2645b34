"""An engine's rule that refuses a port, as kube-proxy's for a service without endpoints, and that nothing is published
there, are one cause: the rule is how the engine says so, and goes when there is something."""

from __future__ import annotations

from itertools import pairwise

from engine.explain.blocker import Remedy
from engine.explain.evidence.hypothetical_hooks import ENGINES
from engine.explain.failure import rule_at
from engine.explain.search.search import SearchStep
from engine.model.firewall import Interval, Match
from engine.records import replace

PORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport"})


def refused(port: int | None, steps: list[SearchStep]) -> list[SearchStep]:
    """The steps of a search, where such a rule has made one of itself and of the lack behind it."""
    for number, (first, second) in enumerate(pairwise(steps)):
        one, other = first.remedy, second.remedy
        if one is None or other is None or second.blocker.code != "NAT_NOT_PUBLISHED":
            continue
        owner, lack = first.blocker.owner, second.blocker.owner
        title = f"give the service on port {port} a ready endpoint: {owner} rejects it while it has none"
        if not _says_so(port, first):
            if owner not in ENGINES or owner != lack:
                continue
            title = other.title
        remedy = Remedy(title, (*one.changes, *other.changes), manual=True)
        told = SearchStep(replace(first.blocker, remedies=(remedy,)), remedy, first.before, second.after)
        return [*steps[:number], told, *steps[number + 2 :]]
    return steps


def _says_so(port: int | None, step: SearchStep) -> bool:
    """Whether an engine's own rule is about that one port, or about whatever was led to its chain, as by a map."""
    found = rule_at(step.before, step.blocker.at) if step.blocker.owner in ENGINES else None
    if found is None or port is None:
        return False
    matches = [each for each in found[1].statements if isinstance(each, Match)]
    about = [e for e in matches if not e.negate and len(e.fields) == 1 and e.fields[0].name in PORTS]
    return not matches or any(each.elements == ((Interval(port, port),),) for each in about)
