"""Rules of policy routing in the words of ip-rule(8), from their fields: those that a new namespace does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lab.twin.left_out import Omissions
from engine.lab.twin.link_words import LINK_NAME
from engine.model.address import Family
from engine.model.host import Netns
from engine.model.route import PolicyRule, table_name

#: What a new namespace has (net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c), and what the first VRF brings.
NEW = {
    Family.INET: (
        PolicyRule(Family.INET, 0, table=255),
        PolicyRule(Family.INET, 32766),
        PolicyRule(Family.INET, 32767, table=253),
    ),
    Family.INET6: (PolicyRule(Family.INET6, 0, table=255), PolicyRule(Family.INET6, 32766)),
}
VRF_PRIORITY = 1000
#: The one selector beyond those of the model that is built: of a result's device.
GROUP = re.compile(r"suppress_ifgroup \d+")
#: Words of actions that need no table.
ACTIONS = frozenset(("nop", "unreachable", "blackhole", "prohibit"))


def policy_rules(netns: Netns, out: Omissions) -> Iterator[tuple[bool, list[str]]]:
    """What `ip rule` is told, and whether it is of IPv6. Rules of one priority keep their order."""
    vrf = any(link.kind == "vrf" for link in netns.links)
    for family, usual in NEW.items():
        told = [rule for rule in netns.rules if rule.family is family]
        if not told:
            continue
        there = {(rule.priority, *words_of(rule)) for rule in told}
        new = {(rule.priority, *words_of(rule)): rule for rule in usual}
        for rule in told:
            by_itself = (rule.priority, *words_of(rule)) in new or (
                vrf and rule.l3mdev and rule.priority == VRF_PRIORITY
            )
            if by_itself:
                continue
            if any(not GROUP.fullmatch(word) for word in rule.unmodelled):
                why = f"it asks for {' '.join(rule.unmodelled)}"
                out.leave(netns.id, f"rule {rule.text or rule.priority}", why, "packets that it is for go elsewhere")
                continue
            yield family is Family.INET6, ["rule", "add", "pref", str(rule.priority), *words_of(rule)]
        for key, rule in new.items():
            if key not in there:
                yield family is Family.INET6, ["rule", "del", "pref", str(rule.priority)]


def words_of(rule: PolicyRule) -> list[str]:
    """A rule's selectors and action."""
    words = ["not"] if rule.invert else []
    words += ["from", str(rule.source) if rule.source is not None else "all"]
    words += ["to", str(rule.destination)] if rule.destination is not None else []
    words += ["fwmark", f"{rule.fwmark:#x}/{rule.fwmask:#x}"] if rule.fwmark is not None else []
    for name, device in (("iif", rule.iif), ("oif", rule.oif)):
        words += [name, device] if device and LINK_NAME.fullmatch(device) else []
    words += ["tos", hex(rule.tos)] if rule.tos else []
    words += ["ipproto", str(rule.ip_protocol)] if rule.ip_protocol is not None else []
    for name, ports in (("sport", rule.sport), ("dport", rule.dport), ("uidrange", rule.uid_range)):
        words += [name, f"{ports[0]}-{ports[1]}"] if ports is not None else []
    return [*words, *_action(rule)]


def _action(rule: PolicyRule) -> list[str]:
    if rule.action == "goto":
        return ["goto", str(rule.goto)]
    if rule.action in ACTIONS:
        return [rule.action]
    words = ["l3mdev"] if rule.l3mdev else ["lookup", table_name(rule.table)]
    if rule.suppress_prefixlength is not None:
        words += ["suppress_prefixlength", str(rule.suppress_prefixlength)]
    words += [word for each in rule.unmodelled if GROUP.fullmatch(each) for word in each.split()]
    if rule.realm:
        words += ["realms", f"{rule.realm >> 16}/{rule.realm & 0xFFFF}"]
    return words
