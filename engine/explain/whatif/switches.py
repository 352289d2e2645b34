"""The sentence that switches a thing off, or on where it is off: a rule, a policy, a sysctl, a device, a listener.

What a row of the workbench points at becomes a hypothetical change in the words of `--if`, so that what was tried on
the screen can be asked again in a shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.change.rule import DeleteRule
from engine.explain.question import QuestionError
from engine.explain.whatif.sentences import changes_of
from engine.model.firewall import Backend, VerdictKind
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.ref import Ref, RefKind, rule_name
from engine.model.route import Route


def switched(snapshot: Snapshot, ref: Ref) -> str:
    """The sentence; "" for a thing that has no switch.

    Raises `QuestionError` where it is a thing of a kind that has one, but is not there any more.
    """
    made = KINDS.get(ref.kind)
    if made is None or ref.netns not in snapshot.by_id:
        return ""
    return made(snapshot, ref)


#: The destination that has a word.
DEFAULT = "0.0.0.0/0"


def _rule(snapshot: Snapshot, ref: Ref) -> str:
    if len(ref.key) != 5:
        return ""
    backend, family, table, chain, index = ref.key
    place = snapshot.by_id[ref.netns].firewall.table(Backend(str(backend)), str(family), str(table))
    found = place.chain(str(chain)) if place is not None else None
    if found is None or int(index) >= len(found.rules):
        raise QuestionError(f"{ref.netns} has no {ref.words} any more")
    rule = found.rules[int(index)]
    numbered = backend == Backend.NFT and rule.handle is not None
    number = f"handle {rule.handle}" if numbered else f"{int(index) + 1}"
    return _shortest(snapshot, ref, "delete rule {}" + f"{table}/{chain} {number} in {ref.netns}")


def deletion(snapshot: Snapshot, change: DeleteRule) -> tuple[str, tuple[Change, ...]]:
    """The sentence for the rule that a change deletes, by the number that it has in this snapshot, and its change.

    Raises `QuestionError` where the rule is not there.
    """
    place = change.place
    table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
    chain = table.chain(place.chain) if table is not None else None
    found = [rule.index for rule in (chain.rules if chain is not None else ()) if rule.text == change.rule.text]
    if not found:
        raise QuestionError(f"{place.netns} has no rule {change.rule.text!r} any more")
    index = place.index if place.index in found else found[0]
    key = (str(place.backend), place.family, place.table, place.chain, index)
    sentence = _rule(snapshot, Ref(RefKind.RULE, place.netns, key, rule_name(f"{place.table}/{place.chain}", index)))
    return sentence, changes_of(snapshot, sentence)


def _policy(snapshot: Snapshot, ref: Ref) -> str:
    backend, family, table, chain = ref.key
    place = snapshot.by_id[ref.netns].firewall.table(Backend(str(backend)), str(family), str(table))
    found = place.chain(str(chain)) if place is not None else None
    if found is None or found.base is None:
        return ""
    other = VerdictKind.DROP if found.base.policy is VerdictKind.ACCEPT else VerdictKind.ACCEPT
    return _shortest(snapshot, ref, "set the policy of {}" + f"{table}/{chain} to {other} in {ref.netns}")


def _shortest(snapshot: Snapshot, ref: Ref, sentence: str) -> str:
    """The sentence with no more of backend and family than it takes to mean the thing and none of the same name."""
    backend, family = map(str, ref.key[:2])
    exact = sentence.format(f"{backend} {family} ")
    meant = changes_of(snapshot, exact)
    for start in ("", f"{family} ", f"{backend} "):
        if changes_of(snapshot, sentence.format(start)) == meant:
            return sentence.format(start)
    return exact


def _sysctl(snapshot: Snapshot, ref: Ref) -> str:
    name = str(ref.key[0]) if ref.key else ref.name
    values = snapshot.by_id[ref.netns].sysctls
    return f"set {name} to {0 if values[name] else 1} in {ref.netns}" if name in values else ""


def _link(snapshot: Snapshot, ref: Ref) -> str:
    link = snapshot.by_id[ref.netns].links_by_index.get(int(ref.key[0])) if ref.key else None
    return f"set {link.name} in {ref.netns} {'down' if link.up else 'up'}" if link is not None else ""


def _listener(snapshot: Snapshot, ref: Ref) -> str:
    """The name of a listener is what it is bound to, as in `ss -l`."""
    heard = {str(each) for each in snapshot.by_id[ref.netns].listeners}
    return f"stop listening on {ref.name} in {ref.netns}" if ref.name in heard else ""


def _route(snapshot: Snapshot, ref: Ref) -> str:
    """Where it is the first one to its destination, which the sentence means."""
    if len(ref.key) != 3:  # there is no route
        return ""
    table, destination, metric = ref.key
    fitting = list(_routes(snapshot, ref.netns, str(destination)))
    if not fitting or (fitting[0].table, fitting[0].metric) != (table, metric):
        return ""
    return f"delete route {'default' if destination == DEFAULT else destination} in {ref.netns}"


def _routes(snapshot: Snapshot, netns: str, destination: str) -> Iterator[Route]:
    return (each for each in snapshot.by_id[netns].routes if str(each.destination) == destination)


def _container(snapshot: Snapshot, ref: Ref) -> str:
    found = next((each for each in snapshot.containers if ref.key and each.id == ref.key[0]), None)
    return f"stop {found.name}" if found is not None and found.state == "running" else ""


#: What makes the sentence for each kind of thing.
KINDS: Mapping[RefKind, Callable[[Snapshot, Ref], str]] = {
    RefKind.RULE: _rule,
    RefKind.CHAIN: _policy,
    RefKind.SYSCTL: _sysctl,
    RefKind.LINK: _link,
    RefKind.LISTENER: _listener,
    RefKind.ROUTE: _route,
    RefKind.CONTAINER: _container,
}
