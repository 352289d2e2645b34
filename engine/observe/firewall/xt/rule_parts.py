"""A rule of iptables-save part by part: what stands before the first module, each module, and the target. Pure.

Hosts with thousands of rules are made of few different parts (a module with its options, a target), so each part is
understood once and remembered by its text. A line in which quotes hide where parts begin is read word by word, which
gives the same. What depends on more than the part itself, a jump to a chain or a look-up in an ipset, is not
remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.model.firewall import RuleVerdict, Statement, VerdictKind
from engine.observe.firewall.xt import matches
from engine.observe.firewall.xt import targets as xt_targets
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.words import Option, options, split

#: The statements of a part, and the comment in it.
Meaning = tuple[tuple[Statement, ...], str]

#: Parts that were understood before, by family and text.
_KNOWN: dict[str, dict[str, Meaning]] = {}
_LIMIT = 1 << 17
_JUMPS = {" -j ": VerdictKind.JUMP, " -g ": VerdictKind.GOTO}
#: What makes a line one to read word by word: escapes, long names, and a module without a name.
_SLOW = ("\\", " --match ", " --jump ", " --goto ", " -m -", " -m !")
_COMMENT = ' -m comment --comment "'
_COMMENTED = len(_COMMENT)


def meaning(context: XtContext, chains: Collection[str], text: str, written: Sequence[str] = ()) -> Meaning:
    """The statements and the comment of the rule `-A CHAIN …`, of which a writer may give the parts behind the chain.

    Raises `FirewallTextError`.
    """
    parts = written or _parts(text)
    if parts is None:
        return word_by_word(context, chains, text)
    known = _KNOWN.setdefault(context.family, {})
    found: list[Statement] = []
    comment = ""
    for part in parts:
        kind = _JUMPS.get(part[:4])
        if kind is not None and (name := part[4:]) in chains and name not in xt_targets.VERDICTS:
            found.append(RuleVerdict(kind, name))
            continue
        if part.startswith(_COMMENT) and part.find('"', _COMMENTED) == len(part) - 1 and "\\" not in part:
            comment = comment or part[_COMMENTED:-1]
            continue
        statements, told = known.get(part) or _understood(context, chains, part, known)
        found += statements
        comment = comment or told
    return tuple(found), comment


def comment_of(found: Sequence[Option]) -> str:
    """The text of the first comment among options that has any."""
    comments = (option.values[0] for option in found if option.name == "--comment" and option.values)
    return str(next(filter(None, comments), ""))


def _parts(text: str) -> list[str] | None:
    """The parts, each with the option that it begins with (" -m tcp --dport 80"); None where words hide them."""
    targets = text.count(" -j") + text.count(" -g")
    if targets > 1 or any(map(text.__contains__, _SLOW)):
        return None
    head, *modules = text.split(" -m ")
    start = head.find(" ", 3)  # behind `-A CHAIN`
    parts = [head[start:]] if start >= 0 else []
    parts += [f" -m {module}" for module in modules]
    if targets and parts:
        rest, target, name = parts[-1].partition(" -j ")
        if not target:
            rest, target, name = parts[-1].partition(" -g ")
        if not target:
            return None
        parts[-1:] = [rest, target + name] if rest else [target + name]
    if '"' in text:
        for part in parts:
            if part.count('"') & 1:
                return None
    return parts


def _understood(context: XtContext, chains: Collection[str], part: str, known: dict[str, Meaning]) -> Meaning:
    """What a part means, by its words; remembered where it is the same in another table."""
    words = options(split(part))
    found = tuple(_statements(context, chains, words)), comment_of(words) if "--comment" in part else ""
    if not part.startswith(" -m set ") and not _to_chain(chains, words):
        if len(known) >= _LIMIT:
            known.clear()
        known[part] = found
    return found


def _to_chain(chains: Collection[str], words: Sequence[Option]) -> bool:
    """Whether a part is a target whose name is that of a chain, which another table may not have."""
    head = words[0] if words else None
    return head is not None and head.module == "-j" and bool(head.values) and head.values[0] in chains


def word_by_word(context: XtContext, chains: Collection[str], text: str) -> Meaning:
    """The same without a look at parts. Raises `FirewallTextError`."""
    words = options(split(text)[2:])
    return tuple(_statements(context, chains, words)), comment_of(words)


def _statements(context: XtContext, chains: Collection[str], found: Sequence[Option]) -> list[Statement]:
    built: list[Statement] = []
    run: list[Option] = []
    target: list[Option] = []
    for option in found:
        if option.module == "-j":
            target.append(option)
            continue
        if option.name in ("-m", "--match") and run:
            built += matches.matches(context, run)
            run = []
        run.append(option)
    if run:
        built += matches.matches(context, run)
    return [*built, *xt_targets.statements(target, chains)]
