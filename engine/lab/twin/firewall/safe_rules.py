"""Lines of a stranger's rules: which of them may be given to a tool that runs as root.

A restore format is a language: nft reads files (`include`), iptables takes options that run programs (`--modprobe`) or
lead to a library (`-m ../x`). What is let through is a rule of one line that says nothing but what a packet meets.
Sources: nft(8); iptables(8), xshared.c and libxtables of iptables.
"""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: Words that begin something else than a rule, in a chain of nft.
NO_RULE = frozenset(
    ("include", "define", "redefine", "undefine", "type", "policy", "comment", "hook", "devices", "flags")
)
#: Names that nft takes without quotes, and that no line of a restore format takes for anything else.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,250}")
NFT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_/\\.-]{0,127}")
#: Options of one letter that a rule of iptables-save, ebtables-save or arptables-save has.
LETTERS = frozenset(("-A", "-s", "-d", "-i", "-o", "-p", "-m", "-j", "-g", "-f"))
#: Options whose word names a part of the tool, or a chain.
PARTS = frozenset(("-m", "-j", "-g", "--match", "--jump", "--goto"))
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]*")
#: Targets that make something of the whole machine: a light, a timer with a file of its own.
SHARED = frozenset(("LED", "IDLETIMER"))
MODPROBE = "modprobe"


def nft_rule(text: str) -> str | None:
    """Why a line of nft is not given to it; None where it is. Semicolons and braces are those of sets and maps."""
    if CONTROL.search(text):
        return "it is not one line of text"
    first = text.split(None, 1)[0] if text.strip() else ""
    if not first or first in NO_RULE or first.startswith(("#", "-")):
        return "it is no rule of nft"
    depth, quoted = 0, False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter == "{") - (letter == "}")
            if depth < 0 or (letter == ";" and depth == 0) or letter in "#$\\":
                return "it is more than one rule"
    return "it does not end" if depth or quoted else None


def restore_rule(text: str, chain: str) -> str | None:
    """Why a rule in the format of iptables-save is not given to its tool; None where it is."""
    if CONTROL.search(text):
        return "it is not one line of text"
    words = _words(text)
    if words is None:
        return "its quotes are not those of iptables-save"
    if words[:2] != ["-A", chain]:
        return f"it is no rule of {chain}"
    for before, word in zip(words, [*words[1:], ""], strict=True):
        if (why := _option(before, word)) is not None:
            return why
    return None


def _words(text: str) -> list[str] | None:
    """A line's words as the restore programs take it apart (xshared.c, add_param_to_argv): by double quotes only, with
    a backslash as an escape inside of them. None for a line that another reader would take apart otherwise."""
    words: list[str] = []
    word: list[str] = []
    quoted = escaped = False
    for letter in text:
        if escaped:
            word.append(letter)
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "'\\":
            return None
        elif quoted or not letter.isspace():
            word.append(letter)
        elif word:
            words.append("".join(word))
            word = []
    if quoted or escaped:
        return None
    return [*words, "".join(word)] if word else words


def _option(word: str, after: str) -> str | None:
    if word in PARTS and (not PART.fullmatch(after) or after in SHARED):
        return f"{word} {after} is nothing that a rule has in a namespace"
    if word.startswith("--"):
        name = word[2:].partition("=")[0]
        return f"{word} runs a program" if MODPROBE.startswith(name) else None
    if word.startswith("-") and len(word) > 1 and word not in LETTERS and not word[1:].isdigit():
        return f"{word} is no part of a rule"
    return None
