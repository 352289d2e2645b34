"""Makes a failing scenario small: parts are left out as long as the disagreement stays.

`pieces` are all the ways to leave something out of a scenario, the large ones first: a namespace with its wires, a
firewall, a block or a line of one, a condition of a rule, a route, a sysctl, and so on. Each is tried; one after which
model and kernel still disagree in the same way is kept. It ends when nothing more can go, or after as many tries as it
may take. A scenario that the kernel refuses does not disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

from tests.scenarios.scenario import Firewall, Namespace, Scenario

#: Fields of a namespace of which any entry can go.
LISTS = (
    *("links", "settings", "fdb", "addresses", "sysctls", "nexthops", "routes", "rules", "neighbours", "ipsec"),
    *("flows", "listeners", "relays", "down"),
)
#: The longest run of words that is tried to be left out of a rule.
RUN = 5
#: How lines begin that are no rules.
NO_RULE = ("*", ":", "COMMIT", "table", "create", "add")


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], tries: float = inf) -> Scenario:
    """The smallest scenario that is found to fail still. `fails` asks the kernel, `tries` times at most."""
    changed = True
    while changed:
        changed = False
        for pieces in (_spaces, _walls, _entries, _lines, _ends, _words):
            number = 0
            while (smaller := _nth(pieces(scenario), number)) is not None:
                if tries <= 0:
                    return scenario
                tries -= 1
                if fails(smaller):
                    scenario, changed = smaller, True
                else:
                    number += 1
    return scenario


def _nth(candidates: Iterator[Scenario], number: int) -> Scenario | None:
    return next((each for index, each in enumerate(candidates) if index == number), None)


def _with(scenario: Scenario, space: Namespace) -> Scenario:
    """The scenario with a namespace changed."""
    return replace(
        scenario,
        namespaces=tuple(space if each.name == space.name else each for each in scenario.namespaces),
    )


def _without(values: tuple, index: int) -> tuple:  # type: ignore[type-arg]
    return values[:index] + values[index + 1 :]


def _spaces(scenario: Scenario) -> Iterator[Scenario]:
    """Without a namespace and all that is wired to it."""
    needed = {scenario.host, *(question.source for question in scenario.questions)}
    for each in scenario.namespaces:
        if each.name in needed:
            continue
        kept = tuple(wire for wire in scenario.wires if each.name not in (wire[0].netns, wire[1].netns))
        lost = {(end.netns, end.link) for wire in scenario.wires if wire not in kept for end in wire}
        spaces = tuple(_unplugged(space, lost) for space in scenario.namespaces if space.name != each.name)
        yield replace(scenario, wires=kept, namespaces=spaces)
    for wire in scenario.wires:
        lost = {(end.netns, end.link) for end in wire}
        spaces = tuple(_unplugged(space, lost) for space in scenario.namespaces)
        yield replace(scenario, wires=tuple(each for each in scenario.wires if each != wire), namespaces=spaces)


def _unplugged(space: Namespace, lost: set[tuple[str, str]]) -> Namespace:
    """A namespace whose bridges have lost ports, and whose settings do not speak of lost devices."""
    gone = {link for netns, link in lost if netns == space.name}
    bridges = tuple(
        replace(bridge, ports=tuple(port for port in bridge.ports if port.split()[0] not in gone))
        for bridge in space.bridges
    )
    sysctls = tuple(each for each in space.sysctls if not set(each[0].split(".")) & gone)
    changes = {"bridges": bridges, "sysctls": sysctls}
    for key in ("links", "settings", "fdb", "addresses", "nexthops", "routes", "rules", "neighbours", "down"):
        changes[key] = tuple(words for words in getattr(space, key) if not set(words.split()) & gone)
    return replace(space, **changes)  # type: ignore[arg-type]


def _walls(scenario: Scenario) -> Iterator[Scenario]:
    """Without a firewall, or without a table or chain of one."""
    for space in scenario.namespaces:
        for index, rules in enumerate(space.firewall):
            yield _with(scenario, replace(space, firewall=_without(space.firewall, index)))
            for text in _blocks(rules):
                yield _with(scenario, _rewritten(space, index, text))


def _rewritten(space: Namespace, index: int, text: str) -> Namespace:
    changed = (replace(space.firewall[index], text=text),)
    return replace(space, firewall=space.firewall[:index] + changed + space.firewall[index + 1 :])


def _blocks(rules: Firewall) -> Iterator[str]:
    """The text without a table (iptables), without a chain (nftables)."""
    lines = rules.text.splitlines()
    start = 0
    for number, line in enumerate(lines):
        word = line.strip()
        if word.startswith(("*", "chain ")):
            start = number
        if word == "COMMIT" or (word == "}" and lines[start].strip().startswith("chain ")):
            left = lines[:start] + lines[number + 1 :]
            if any(each.strip() not in ("", "}") and not each.startswith("table") for each in left):
                yield "\n".join(left) + "\n"


def _lines(scenario: Scenario) -> Iterator[Scenario]:
    """Without a line of a firewall."""
    for space in scenario.namespaces:
        for index, rules in enumerate(space.firewall):
            lines = rules.text.splitlines()
            for number, line in enumerate(lines):
                if line.strip() not in ("}", "COMMIT") and not line.startswith(("table", "*")):
                    yield _with(scenario, _rewritten(space, index, "\n".join(_without(tuple(lines), number)) + "\n"))


def _entries(scenario: Scenario) -> Iterator[Scenario]:
    """Without an entry of a list, a bridge, or a bridge's address or port option."""
    for space in scenario.namespaces:
        for key in LISTS:
            values = getattr(space, key)
            for index in range(len(values)):
                yield _with(scenario, replace(space, **{key: _without(values, index)}))  # type: ignore[arg-type]
        for index, bridge in enumerate(space.bridges):
            yield _with(scenario, replace(space, bridges=_without(space.bridges, index)))
            smaller = [replace(bridge, addresses=_without(bridge.addresses, n)) for n in range(len(bridge.addresses))]
            smaller += [
                replace(bridge, ports=(*bridge.ports[:n], port.split()[0], *bridge.ports[n + 1 :]))
                for n, port in enumerate(bridge.ports)
                if " " in port
            ]
            for each in smaller:
                yield _with(
                    scenario, replace(space, bridges=(*space.bridges[:index], each, *space.bridges[index + 1 :]))
                )


def _ends(scenario: Scenario) -> Iterator[Scenario]:
    """Without an address of a wire's end."""
    for index, wire in enumerate(scenario.wires):
        for side, end in enumerate(wire):
            for number in range(len(end.addresses)):
                changed = list(wire)
                changed[side] = replace(end, addresses=_without(end.addresses, number))
                wires = (*scenario.wires[:index], (changed[0], changed[1]), *scenario.wires[index + 1 :])
                yield replace(scenario, wires=wires)


def _words(scenario: Scenario) -> Iterator[Scenario]:
    """Without a run of words of a rule."""
    for space in scenario.namespaces:
        for index, rules in enumerate(space.firewall):
            lines = rules.text.splitlines()
            for number, line in enumerate(lines):
                if (
                    line.startswith(("*", ":", "COMMIT", "table", "create", "add"))
                    or "{" in line[-1:]
                    or " hook " in line
                ):
                    continue
                words = line.split(" ")
                first = 2 if line.startswith("-A") else 0
                for length in range(min(RUN, len(words) - first), 0, -1):
                    for start in range(first, len(words) - length + 1):
                        left = " ".join([*words[:start], *words[start + length :]])
                        if left.strip():
                            text = "\n".join([*lines[:number], left, *lines[number + 1 :]]) + "\n"
                            yield _with(scenario, _rewritten(space, index, text))
