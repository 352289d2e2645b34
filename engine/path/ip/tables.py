"""Routing tables as a journey asks them: with policy rules that can't be decided.

A rule whose selectors can't all be known is taken both ways, the same for every packet of a run.
Source: net/core/fib_rules.c (fib_rule_match).
"""

from __future__ import annotations

from engine.model.route import PolicyRule
from engine.model.trace import Assumption
from engine.path.journey import Journey
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.route_decision import rule_ref


def look_up(journey: Journey, key: FlowKey) -> Found | PolicyRule | None:
    """The route for a packet; a policy rule that can't be decided is taken both ways."""

    def decide(rule: PolicyRule) -> bool:
        netns = journey.netns
        sentence = f"unknown whether policy rule “{rule.text.strip()}” of {netns.id} matches this packet"
        about = Assumption("ASSUME_POLICY_RULE", sentence, rule_ref(netns, rule))
        journey.assume(about)
        return journey.choices.pick_once((netns.id, rule), 2, about) == 0

    return journey.world.fib(journey.netns).lookup(key, decide)
