"""The policy of a base chain drops a packet: an exception at the chain's end, or what an expert has against a policy.

1. A chain without a rule, beside the one that the host's firewall keeps at the same hook, is left over from another
   tool, and its policy with it: dockerd's or ufw's, of the other iptables.
2. What a host sends to itself is accepted by its device: only its own packets come by lo.
3. Answers belong to connections that other rules decide about, so that they are accepted as such.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.chain_policy import SetPolicy
from engine.change.new_rules import accepted_by, insertion
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.evidence import published, written_again
from engine.explain.blockers.firewall import (
    docker_user,
    flow,
    in_docker_user,
    left_at,
    networks,
    passed,
    selector_for,
    what,
)
from engine.explain.evidence.near_misses import near_misses
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import accepts
from engine.explain.failure import Failure
from engine.model.firewall import XT_PROGRAMS, XT_SUFFIX, Backend, Chain, Table, VerdictKind
from engine.model.ref import Ref
from engine.model.where import RulePlace

#: The device that a host's packets to itself come in by.
LOOPBACK = "lo"


def policy_drop(failure: Failure) -> list[Blocker]:
    """POLICY_DROP: an exception at the chain's end, or where the owner of its rules keeps a place for admins."""
    ref = failure.step.ref
    if ref is None:
        return []
    owner = owner_of(ref, failure.netns.firewall)
    backend, family, table_name, chain_name = (str(part) for part in ref.key[:4])
    table = failure.netns.firewall.table(Backend(backend), family, table_name)
    chain = table.chain(chain_name) if table else None
    if table is None or chain is None:
        return []
    end = left_at(failure, ref, len(chain.rules))
    place = RulePlace(ref.netns, Backend(backend), family, table_name, chain_name, end)
    name = _named(failure, table, ref)
    sentence = f"no rule of {name} in {ref.netns} accepts {what(failure)}; the policy drops it"
    misses = near_misses(passed(failure, ref), accepts)
    ran = f"no rule of {ref.words} accepts {failure.packet}"
    evidence = (ran, *published(failure, "FW_POLICY_DROP", owner))
    left_over, exceptions = tuple(_left_over(failure, chain, place, name)), tuple(_exceptions(failure, table, place))
    if not left_over:  # no engine writes rules into a chain that it does not keep
        exceptions = written_again(failure, "FW_POLICY_DROP", owner, exceptions)
    remedies = (*networks(failure, owner), *left_over, *exceptions)
    return [Blocker("FW_POLICY_DROP", sentence, ref, remedies, owner, evidence, misses)]


def _exceptions(failure: Failure, table: Table, place: RulePlace) -> Iterator[Remedy]:
    """What lets the packet pass: as one that a host sends itself, as an answer, or as one for its service."""
    where, selector = docker_user(failure, table, place), selector_for(failure, None)
    at = where or place
    chain_word = f"{at.table}/{at.chain}" if at.backend is Backend.NFT else at.chain
    if failure.step.hook == "input" and failure.step.context.iif == LOOPBACK and place.family != "bridge":
        yield Remedy(f"accept loopback traffic (lo) in {chain_word}", (accepted_by(at, device=LOOPBACK),), meant=True)
    if failure.from_service and selector.established:
        yield Remedy(f"accept replies of tracked connections in {chain_word}", (accepted_by(at),))
    elif where is not None:
        yield in_docker_user(failure, where, selector)
    else:
        yield Remedy(f"accept {flow(failure)} in {chain_word}", (insertion(place, selector),))


def _left_over(failure: Failure, chain: Chain, place: RulePlace, name: str) -> Iterator[Remedy]:
    """The policy of a chain without a rule, where the firewall that is kept has its rules elsewhere at the hook."""
    tables = failure.netns.firewall.tables
    kept = (each for table in tables for each in table.chains if each is not chain and each.base is not None)
    hook = chain.base.hook if chain.base is not None else ""
    if chain.rules or not any(each.rules and each.base is not None and each.base.hook == hook for each in kept):
        return
    yield Remedy(f"set the policy of {name} to accept", (SetPolicy(place, VerdictKind.ACCEPT),), meant=True)


def _named(failure: Failure, table: Table, ref: Ref) -> str:
    """The chain by its name, with the tool that lists it where both kinds of iptables have one of that name."""
    same = (each for each in failure.netns.firewall.tables if (each.family, each.name) == (table.family, table.name))
    if table.backend is Backend.NFT or not any(each.backend is not table.backend for each in same):
        return ref.words
    return f"{ref.words} of {XT_PROGRAMS[table.family]}-{XT_SUFFIX[table.backend]}"
