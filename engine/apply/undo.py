"""Replays a journal backwards: removes what carries the lab's mark, writes back what was overwritten.

Nothing stops it half-way. What carries another mark, or was changed by somebody since, is not ours any more: it is
left and named. What the kernel refuses to undo is named too, and the journal stays for the next attempt.
"""

from __future__ import annotations

import shlex

from engine.apply.errors import BuildError
from engine.apply.hands import Hands
from engine.apply.hands.programs import end_process
from engine.apply.inverse import DropLink, DropNetns, EndProcess, Inverse, RunCommand, WriteSysctl
from engine.apply.journal import Entry, Journal


def replay(journal: Journal, hands: Hands) -> tuple[str, ...]:
    """Undoes what a journal names, last first; () or a sentence for each thing that was left.

    Removes the journal, unless something could not be undone. Raises JournalError when it cannot be written.
    """
    left: list[str] = []
    stuck = False
    for entry in reversed(journal.entries):
        if entry.undone:
            continue
        try:
            refusal = _undo(entry, hands, journal.header.mark)
        except (OSError, BuildError) as error:
            stuck = True
            left.append(f"cannot undo {_name(entry.inverse)}: {reason(error)}")
            continue
        if refusal:
            left.append(refusal)
        journal.undone(entry.number)
    if stuck:
        journal.close()
    else:
        journal.forget()
    return tuple(left)


def reason(error: Exception) -> str:
    """What an error says, without the number that Python puts before it."""
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def _undo(entry: Entry, hands: Hands, mark: str) -> str:
    """Undoes one entry; "" or the sentence that says why it was left."""
    match entry.inverse:
        case DropNetns(name):
            gone = hands.remove_netns(name, mark)
            return "" if gone else f"namespace {name} does not carry the mark {mark}: left as it is"
        case DropLink(netns, name):
            gone = hands.remove_link(netns, name, mark)
            return "" if gone else f"link {name} does not carry the mark {mark}: left as it is"
        case WriteSysctl(netns, name, value, written):
            now = hands.read_sysctl(netns, name)
            if now not in (value, written):
                return f"{name} is {now} now, neither {written} nor the old {value}: left as it is"
            hands.write_sysctl(netns, name, value)
            return ""
        case RunCommand(netns, argv, text):
            if not entry.made:
                return f"it is not known whether this has to be run: {shlex.join(argv)}"
            hands.run(netns, argv, text)
            return ""
        case EndProcess(pid, started):
            end_process(pid, started)
            return ""


def _name(inverse: Inverse) -> str:
    match inverse:
        case DropNetns(name):
            return f"namespace {name}"
        case DropLink(_, name):
            return f"link {name}"
        case WriteSysctl(_, name, _, _):
            return name
        case EndProcess(pid, _):
            return f"process {pid}"
        case RunCommand(_, argv, _):
            return f"by {shlex.join(argv)}"
