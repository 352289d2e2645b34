"""The answer to a question: every branch walked, every blocker named, every fix tried on the model."""

from __future__ import annotations

from dataclasses import replace

from engine.explain.blocker import Remedy
from engine.explain.bypass import bypassed
from engine.explain.endings import Endings, endings_of, reach_of
from engine.explain.pointers import as_found, renamed
from engine.explain.search import Search, Step, after_remedy, told_of
from engine.explain.unread import cause_of, decisive, hollow, relevant_gaps
from engine.explain.whatif import StaleChangeError
from engine.model.command import argvs
from engine.model.host import Snapshot
from engine.model.plan import Plan
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Conversation, Symptom
from engine.model.verdict import Cause, Fix, Question, Reach, Verdict
from engine.path.choices import Run
from engine.path.conversation import conversations
from engine.path.world import World


def ask(snapshot: Snapshot, question: Question) -> Verdict:
    """Why the question's port can, or can't, be reached. Pure: nothing is sent or changed."""
    world = World(snapshot)
    runs, complete = conversations(world, question)
    main = told_of(runs)
    endings = endings_of(runs)
    assumptions = main.result.assumptions
    if not complete:
        assumptions += (Assumption("ASSUME_MORE_BRANCHES", f"only the first {len(runs)} branches were walked"),)
    gaps = relevant_gaps(snapshot, main.result)
    unread = decisive(gaps)
    reach = Reach.DEPENDS if unread else reach_of(endings)
    causes = tuple(cause_of(gap) for gap in unread)
    if reach is not Reach.YES and not hollow(unread, main.result.forward.hops[-1].netns):
        causes += _causes(world, question, main) + _deciding(main.result, runs, endings)
    branches = tuple(endings.values()) if len(endings) > 1 else ()
    findings = bypassed(world, question, main.result) if reach is Reach.YES else ()
    return Verdict(question, reach, main.result.symptom, main.result, causes, assumptions, gaps, branches, findings)


def _deciding(main: Conversation, runs: list[Run[Conversation]], endings: Endings) -> tuple[Cause, ...]:
    """What the answer depends on, where branches end differently."""
    if len(endings) < 2:
        return ()
    deciders = {about: None for run in runs for _, about in run.decisions if _decides(about, runs)}
    words = ", ".join(sorted(str(symptom) for symptom, _ in endings))
    netns = main.forward.hops[-1].netns
    return tuple(
        Cause(
            "INFO_DEPENDS",
            f"the answer depends on this: {about.sentence} (possible: {words})",
            about.ref or Ref(RefKind.NETNS, netns, (), netns, netns),
        )
        for about in deciders
    )


def _decides(about: Assumption, runs: list[Run[Conversation]]) -> bool:
    """Whether runs that took different options of this decision ended differently."""
    by_option: dict[int, set[Symptom]] = {}
    for run in runs:
        for option, each in run.decisions:
            if each == about:
                by_option.setdefault(option, set()).add(run.result.symptom)
    return len({frozenset(symptoms) for symptoms in by_option.values()}) > 1


def _causes(world: World, question: Question, main: Run[Conversation]) -> tuple[Cause, ...]:
    search = Search(question)
    steps = search.run(world, main.result)
    solved = bool(steps) and steps[-1].remedy is not None
    worth = solved or (bool(steps) and steps[-1].blocker.code == "INFO_EXITS_HOST")
    causes = []
    for number, step in enumerate(steps):
        fixes = _fixes(search, steps, number, solved=solved) if step.remedy is not None and worth else ()
        blocker = as_found(world, step.before, step.blocker)
        named = (replace(fix, title=renamed(fix.title, step.blocker.at, blocker.at)) for fix in fixes)
        causes.append(
            Cause(
                blocker.code,
                blocker.sentence,
                blocker.at,
                blocker.owner,
                blocker.evidence,
                blocker.near_misses,
                tuple(named),
            )
        )
    return tuple(causes)


def _fixes(search: Search, steps: list[Step], number: int, *, solved: bool) -> tuple[Fix, ...]:
    """The chosen remedy first, then the blocker's others that do as well together with the rest."""
    step = steps[number]
    assert step.remedy is not None
    after = step.after.symptom if step.after is not None else Symptom.TIMEOUT
    found = [_fix(step.before.snapshot, step.remedy, after)]
    others = [r for r in step.blocker.remedies if r != step.remedy and not r.fallback] if solved else []
    for remedy in others:
        if _connects(search, step.before, (remedy, *(later.remedy for later in steps[number + 1 :] if later.remedy))):
            alone = search.walk(after_remedy(step.before, remedy)).symptom
            found.append(_fix(step.before.snapshot, remedy, alone))
    return tuple(found)


def _connects(search: Search, world: World, remedies: tuple[Remedy, ...]) -> bool:
    try:
        for remedy in remedies:
            world = after_remedy(world, remedy)
    except StaleChangeError:
        return False
    return search.walk(world).symptom is Symptom.CONNECTED


def _fix(snapshot: Snapshot, remedy: Remedy, then: Symptom) -> Fix:
    commands = tuple(argv for change in remedy.changes for argv in argvs(change, snapshot))
    return Fix(remedy.title, Plan(remedy.title, remedy.changes), commands, then=then)
