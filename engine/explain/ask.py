"""The answer to a question: every branch walked, every blocker named, every fix tried on the model."""

from __future__ import annotations

from engine.explain.hosts_met import assumed, ended_elsewhere, joins_met
from engine.explain.search.endings import Endings, endings_of, main_run, reach_of
from engine.explain.search.unread_gaps import cause_of, decisive, hollow, relevant_gaps
from engine.explain.target_host import UNSPECIFIED
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Conversation, Symptom
from engine.model.verdict import Cause, Question, Reach, Verdict
from engine.path.budget import OutOfBudget
from engine.path.choices import BranchRun
from engine.path.exchange.conversation import conversations
from engine.path.exchange.server import SHARED_PORT
from engine.path.world import World
from engine.records import replace


def ask(snapshot: Snapshot, question: Question, world: World | None = None) -> Verdict:
    """Why the question's port can, or can't, be reached. Pure: nothing is sent or changed.

    The world is that of the snapshot, where somebody has one already: with its indexes, and a budget for this answer.
    """
    world = world or World(snapshot)
    runs, complete = conversations(world, question)
    main = main_run(runs)
    endings = endings_of(runs)
    assumptions = main.result.assumptions
    if not complete:
        assumptions += (Assumption("ASSUME_MORE_BRANCHES", f"only the first {len(runs)} branches were simulated"),)
    if question.protocol is Protocol.UDP and main.result.symptom is Symptom.CONNECTED:
        assumptions += (Assumption("ASSUME_UDP_ANSWER", "the program answers: a bound UDP socket alone sends nothing"),)
    gaps = relevant_gaps(snapshot, main.result)
    unread = decisive(gaps)
    reach = Reach.DEPENDS if unread or not complete else reach_of(endings)
    shared = [] if reach is not Reach.YES else _shared(runs)
    if shared:
        reach = Reach.DEPENDS
    world.budget.search()
    causes = tuple(cause_of(gap) for gap in unread)
    causes += tuple(shared)
    if not complete:
        causes += (_unwalked(main, runs, endings),)
    if reach is not Reach.YES and not shared and not hollow(unread, main.result.forward.hops[-1].netns):
        from engine.explain.causes import causes_of  # noqa: PLC0415 - a port that is reached needs no search

        causes += causes_of(world, question, main, certain=reach is Reach.NO) + _deciding(main.result, runs, endings)
    unnamed = _unnamed(world, question, main.result)
    if reach is Reach.NO:
        causes = (*causes, *(_settled(each, causes) for each in unnamed))
    branches = tuple(endings.values()) if len(endings) > 1 else ()
    findings = (*unnamed, *_findings(world, question, main.result)) if reach is Reach.YES else ()
    elsewhere = ended_elsewhere(world, question, main.result) if question.expected else ()
    if reach is Reach.YES:
        findings = (*elsewhere, *findings)
    else:
        causes = (*elsewhere, *causes)
    joins = joins_met(snapshot, main.result) if snapshot.joins else ()
    if snapshot.machines:
        assumptions += tuple(assumed(snapshot, main.result, joins))
    used = main.result.name.used if main.result.name is not None else None
    question = question if used is None else replace(question, address=used)
    verdict = Verdict(question, reach, main.result.symptom, main.result, causes, assumptions, gaps, branches, findings)
    return replace(verdict, hosts=snapshot.machines, joins=joins) if snapshot.machines else verdict


def _unnamed(world: World, question: Question, talk: Conversation) -> tuple[Cause, ...]:
    """Why the source itself does not find a name that is a container's, and by which it was asked for that one."""
    lookup = talk.name
    if lookup is None or lookup.found or lookup.meant is None or lookup.unknown:
        return ()
    from engine.explain.causes import causes_of  # noqa: PLC0415 - a name that is found needs no search

    by_name_alone = replace(question, address=UNSPECIFIED)
    runs, _ = conversations(world, by_name_alone)
    found = causes_of(world, by_name_alone, main_run(runs))
    return tuple(each for each in found if each.code.startswith("NAME_"))


def _settled(cause: Cause, before: tuple[Cause, ...]) -> Cause:
    """The cause without a fix of its own, where one before it has the same."""
    mine = cause.change
    if mine is None or not any(each.change is not None and each.change.commands == mine.commands for each in before):
        return cause
    return replace(cause, fixes=(), settled="the fix of a cause before it gives the client the name as well")


def _shared(runs: list[BranchRun[Conversation]]) -> list[Cause]:
    """Which program answers is not known where programs share the port, though each of them connects."""
    about = {about: None for run in runs for _, about in run.decisions if about.code == SHARED_PORT and about.ref}
    return [Cause("INFO_DEPENDS", each.sentence, each.ref) for each in about if each.ref is not None]


def _findings(world: World, question: Question, talk: Conversation) -> tuple[Cause, ...]:
    """What is worth knowing beside a connection that works."""
    from engine.explain.behind_proxy import unserved  # noqa: PLC0415
    from engine.explain.findings.browsers import refused_by_browsers  # noqa: PLC0415
    from engine.explain.findings.bypass import bypassed  # noqa: PLC0415 - only a connection that works has findings
    from engine.explain.findings.environment import asked_of_a_proxy  # noqa: PLC0415
    from engine.explain.findings.family_first import late_by_family  # noqa: PLC0415
    from engine.explain.findings.pmtu_blackhole import swallowed  # noqa: PLC0415
    from engine.explain.findings.wrong_target import unintended  # noqa: PLC0415

    beside = (asked_of_a_proxy, refused_by_browsers, unserved)
    looked_for = (bypassed, unintended, swallowed, late_by_family, *beside)
    try:
        return tuple(found for look in looked_for for found in look(world, question, talk))
    except OutOfBudget:
        return ()


def _unwalked(main: BranchRun[Conversation], runs: list[BranchRun[Conversation]], endings: Endings) -> Cause:
    """There are more ways than were walked: nothing is said for certain, whatever those that were come to."""
    words = ", ".join(sorted({each.words for each in endings}))
    netns = main.result.forward.hops[-1].netns
    at = next((about.ref for _, about in main.decisions if about.ref), Ref(RefKind.NETNS, netns, (), netns, netns))
    sentence = f"too many undecided branches: only {len(runs)} were simulated (they end in: {words})"
    return Cause("INFO_DEPENDS", sentence, at)


def _deciding(main: Conversation, runs: list[BranchRun[Conversation]], endings: Endings) -> tuple[Cause, ...]:
    """What the answer depends on: decisions whose options end differently, where branches do."""
    if len(endings) < 2:
        return ()
    by_option: dict[Assumption, dict[int, set[tuple[Symptom, bool]]]] = {}
    for run in runs:
        for option, about in run.decisions:
            by_option.setdefault(about, {}).setdefault(option, set()).add((run.result.symptom, run.result.works))
    deciders = [about for about, options in by_option.items() if len(set(map(frozenset, options.values()))) > 1]
    words = ", ".join(sorted(each.words for each in endings))
    netns = main.forward.hops[-1].netns
    return tuple(
        Cause(
            "INFO_DEPENDS",
            f"the answer depends on a condition: {about.sentence} (possible: {words})",
            about.ref or Ref(RefKind.NETNS, netns, (), netns, netns),
        )
        for about in deciders
    )
