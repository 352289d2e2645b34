"""The steps of a round of the dojo on a standing lab: start, look, hint, answer, give up. Each raises `Refusal`.

The state of the round is beside the lab's record, so it is the one that `portscope lab dojo` goes on with.
"""

from __future__ import annotations

from engine.catalogue import CODES
from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.lab import breaking, dojo, faults
from engine.lab.errors import LabError
from engine.lab.lifecycle import Draft
from views.lab.round import RoundNow
from views.verdict.ask import Ask
from workbench.exits import usage
from workbench.labs import work
from workbench.labs.work import Work


def current(lab: str) -> dojo.Round | None:
    """The round that is on; None where there is none."""
    try:
        return dojo.load(lab, work.place())
    except LabError:
        return None


def start(lab: str, seed: int | None = None) -> Work:
    """Puts a fault into a lab that nobody tells."""
    draft = work.stands(lab)
    if breaking.broken(lab, work.place()):
        raise usage(f"lab {lab} has a fault already; remove it first")
    with work.refusing():
        fault = dojo.pick(draft.lab, seed)

    def do() -> str:
        with work.refusing():
            breaking.break_lab(draft, fault, work.place())
            dojo.store(lab, dojo.Round(fault.name), work.place())
        return "Something is wrong. Find out what, with as few looks as possible."

    notes = ("The lab gets an unknown fault. Until you find it, questions cost points.",)
    title, command = f"A round of the dojo in lab {lab}", f"portscope lab dojo {lab} start"
    return Work(title, (command,), do, notes, secret=True)


def shown(lab: str, told: int) -> RoundNow:
    """The round for its picture, with that many hints told."""
    with work.refusing():
        draft, now = work.stands(lab), dojo.load(lab, work.place())
        fault = faults.find(now.fault)
        client, target = faults.question(draft.lab, fault)
    fitting = (one for one in faults.FAULTS.values() if one.cause and faults.fits(one, draft.lab))
    possible = [(one.name, CODES[one.cause].meaning) for one in fitting]
    return RoundNow(
        client,
        target,
        now.score,
        dojo.FULL,
        (*fault.hints, fault.story)[:told],
        sorted(possible),
        (dojo.LOOK, dojo.HINT, dojo.WRONG),
    )


def look(lab: str, asked: Ask | None = None) -> str:
    """Tries it (or something else), and says what the client sees; costs points."""
    with work.refusing():
        draft, now = work.stands(lab), dojo.load(lab, work.place())
        client, target = faults.question(draft.lab, faults.find(now.fault))
    wanted = asked or Ask(target, f"ns:{draft.lab.netns_by_node[client]}")
    snapshot = work.look(draft)
    try:
        verdict = ask(snapshot, resolve(snapshot, wanted.target, wanted.source, wanted.protocol))
    except QuestionError as error:
        raise usage(str(error)) from error
    now = dojo.looked(now)
    dojo.store(lab, now, work.place())
    return f"{wanted.words}: {verdict.symptom} · {now.score} of {dojo.FULL} points left"


def hint(lab: str) -> str:
    """One more hint; costs points."""
    with work.refusing():
        now, told = dojo.hinted(dojo.load(lab, work.place()))
        dojo.store(lab, now, work.place())
    return told


def answer(lab: str, word: str) -> tuple[bool, str]:
    """Whether it is that fault, and what to say. A right one ends the round and mends the lab."""
    with work.refusing():
        now, right = dojo.answered(dojo.load(lab, work.place()), word)
        if not right:
            dojo.store(lab, now, work.place())
            return False, f"No, it is not {word}. {now.score} of {dojo.FULL} points left. "
        draft = work.stands(lab)
        where = _where(draft, now)
        return True, f"Right: {now.fault}, with {now.score} of {dojo.FULL} points. {where}{_end(draft, now)}"


def give_up(lab: str) -> str:
    """Ends the round, mends the lab, and tells what it was."""
    with work.refusing():
        now = dojo.load(lab, work.place())
        draft = work.stands(lab)
        return f"It was {now.fault}. {_where(draft, now)}{_end(draft, now)}"


def _where(draft: Draft, now: dojo.Round) -> str:
    """Where the fault is, as the answer to the lab's question names it, while it is still there."""
    client, target = faults.question(draft.lab, faults.find(now.fault))
    snapshot = work.look(draft)
    try:
        verdict = ask(snapshot, resolve(snapshot, target, f"ns:{draft.lab.netns_by_node[client]}"))
    except QuestionError:
        return ""
    sentence = verdict.causes[0].sentence if verdict.causes else ""
    return f"{sentence[:1].upper()}{sentence[1:]}. " if sentence else ""


def _end(draft: Draft, now: dojo.Round) -> str:
    breaking.mend(draft, work.place())
    dojo.store(draft.lab.name, None, work.place())
    return faults.find(now.fault).story
