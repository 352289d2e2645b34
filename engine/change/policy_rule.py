"""Rules of policy routing. Source: ip-rule(8)."""

from __future__ import annotations

from engine.change.words import ip, policy_rule_words
from engine.model.address import Family
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.route import PolicyRule
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class AddPolicyRule(Change):
    """Adds a rule; its `text` is the line that `ip rule` would list."""

    netns: str
    rule: PolicyRule

    def argv(self, where: Where) -> Argvs:
        """`ip rule add`."""
        return _command(where, self.netns, "add", self.rule)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """Among rules of one priority the new one is asked last (fib_nl_newrule)."""
        netns = snapshot.by_id[self.netns]
        rules = sorted((*netns.rules, self.rule), key=lambda rule: rule.priority)
        return snapshot.with_netns(replace(netns, rules=tuple(rules)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Removes it."""
        return DeletePolicyRule(self.netns, self.rule)


@dataclass(frozen=True, slots=True)
class DeletePolicyRule(Change):
    """Removes a rule."""

    netns: str
    rule: PolicyRule

    def argv(self, where: Where) -> Argvs:
        """`ip rule del`, with every selector that the rule has."""
        return _command(where, self.netns, "del", self.rule)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The rules without it."""
        netns = snapshot.by_id[self.netns]
        return snapshot.with_netns(replace(netns, rules=tuple(each for each in netns.rules if each != self.rule)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Adds it again."""
        return AddPolicyRule(self.netns, self.rule)


def _command(where: Where, netns: str, verb: str, rule: PolicyRule) -> Argvs:
    family = ("-6",) if rule.family is Family.INET6 else ()
    return (ip(where, netns, *family, "rule", verb, *policy_rule_words(rule)),)
