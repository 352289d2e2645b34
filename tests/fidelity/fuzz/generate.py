"""A scenario from a seed and a number: a host that works, a few ingredients, questions. Pure: the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.fidelity.fuzz import (
    filters,
    flows,
    frames,
    hosts,
    policies,
    proxies,
    questions,
    settings,
    translations,
    uncommon,
)
from tests.fidelity.fuzz.dice import Dice, Table
from tests.fidelity.fuzz.plot import BACKENDS, PROTOCOLS
from tests.fidelity.fuzz.walls import Walls
from tests.scenarios.scenario import Scenario

#: Questions that one host is asked, so that the cost of building it is shared.
QUESTIONS = 10
#: What is done to a host after it is made, and how often.
INGREDIENTS: Table[settings.Ingredient] = (
    (12.0, filters.strew),
    (3.0, translations.translate),
    *((1.0, frames.bridge), (0.7, frames.ebtables), (1.0, frames.device), (0.4, frames.arp)),
    (1.5, proxies.relay),
    (1.0, proxies.transparent),
    (1.5, flows.stale),
    (1.2, policies.ipsec),
    *((weight, ingredient) for weight, ingredient in settings.INGREDIENTS),
)
#: Those that are written in nftables.
OF_NFTABLES = (frames.bridge, frames.ebtables, frames.device, frames.arp)
COUNTS = ((1.0, 0), (3.0, 1), (4.0, 2), (4.0, 3), (3.0, 4), (2.0, 6))


@dataclass(frozen=True)
class Means:
    """What hosts are made of: the backends of rules, the protocols of questions, the ingredients, and extras that only
    this kernel can build."""

    backends: Table[str] = BACKENDS
    protocols: Table[str] = PROTOCOLS
    ingredients: Table[settings.Ingredient] = INGREDIENTS
    more: Sequence[hosts.Extra] = ()
    #: Ends of the names of sysctls that the kernel does not know.
    lacking: tuple[str, ...] = ()


#: By the kernel that hosts are built on: this machine's, and the second one of tests.harness.second_kernel.
MEANS = {
    "": Means(),
    "uml": Means(
        backends=((1.0, "legacy"),),
        protocols=(*PROTOCOLS, (1.0, "sctp")),
        ingredients=tuple(each for each in INGREDIENTS if each[1] not in OF_NFTABLES),
        more=uncommon.EXTRAS,
        lacking=(".force_forwarding",),
    ),
}


def scenario(seed: int, number: int, most: int = QUESTIONS, kernel: str = "") -> Scenario:
    """The host of that number, with up to `most` questions, as that kernel can build it."""
    dice, means = Dice(f"{seed}/{number}"), MEANS[kernel]
    plot, walls = hosts.host(dice, means.backends, means.protocols, means.more), Walls()
    if dice.chance(0.8):
        filters.publish(plot, walls)
    if dice.chance(0.4):
        filters.skeletons(plot, walls)
    for _ in range(dice.weighted(COUNTS)):
        dice.weighted(means.ingredients)(plot, walls)
    walls.build(plot)
    for draft in plot.drafts.values():
        draft.sysctls = {name: value for name, value in draft.sysctls.items() if not name.endswith(means.lacking)}
    questions.add(plot, QUESTIONS)
    del plot.questions[most:]
    return plot.scenario(f"fuzz-{seed}-{number}")


def alone(scenario: Scenario, number: int) -> Scenario:
    """The scenario with one of its questions only."""
    return replace(scenario, questions=(scenario.questions[number],))
