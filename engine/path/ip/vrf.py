"""Routing tables as a journey asks them: with its device's VRF, and with policy rules that can't be decided.

A rule whose selectors can't all be known is taken both ways, the same for every packet of a run.
Source: net/core/fib_rules.c (fib_rule_match), net/l3mdev/l3mdev.c (l3mdev_update_flow).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.link import Link
from engine.model.route import PolicyRule
from engine.model.trace import Assumption
from engine.path.journey import Journey
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.route_decision import rule_ref

VRF = "vrf"


def domain_of(netns: Netns, device: Link | None) -> Link | None:
    """The VRF device that a device belongs to."""
    master = netns.links_by_index.get(device.master or 0) if device is not None else None
    return master if master is not None and master.kind == VRF else None


def vrf_of(netns: Netns, iif: str, oif: int | None) -> int | None:
    """The table of the VRF that a device of the lookup belongs to."""
    for link in (netns.links_by_index.get(oif or 0), netns.links_by_name.get(iif)):
        for each in (link, domain_of(netns, link)):
            if each is not None and each.kind == VRF and each.detail.get("table", "").isdecimal():
                return int(each.detail["table"])
    return None


def look_up(journey: Journey, key: FlowKey) -> Found | PolicyRule | None:
    """The route for a packet; a policy rule that can't be decided is taken both ways."""

    def decide(rule: PolicyRule) -> bool:
        netns = journey.netns
        sentence = f"unknown whether policy rule “{rule.text.strip()}” of {netns.id} matches this packet"
        about = Assumption("ASSUME_POLICY_RULE", sentence, rule_ref(netns, rule))
        journey.assume(about)
        return journey.choices.pick_once((netns.id, rule), 2, about) == 0

    return journey.world.fib(journey.netns).lookup(key, decide)
