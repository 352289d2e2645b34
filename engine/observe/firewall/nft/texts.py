"""nft's own lines of rules, from `nft -a list …`, by family, table and handle. Pure.

`nft -a` ends every rule with `# handle N`; a rule with a long set runs over several lines. Counters are shown
without their numbers, so that a rule's text is the same at every look.
"""

from __future__ import annotations

from collections.abc import Mapping

#: A rule's text by (family, table, handle).
Texts = Mapping[tuple[str, str, int], str]

_MARK = "# handle "


def parse_texts(text: str) -> dict[tuple[str, str, int], str]:
    """The texts of all rules. Lines that are no rule (sets, chain headers, comments) are passed over."""
    found: dict[tuple[str, str, int], str] = {}
    family = table = ""
    in_chain = False
    held: list[str] = []
    for line in text.split("\n"):
        stripped = line.strip()
        if line.startswith("table "):
            words = line.split()
            family, table = (words[1], words[2]) if len(words) > 2 else ("", "")
            in_chain = False
        elif line.startswith("\tchain "):
            in_chain, held = True, []
        elif line == "\t}":
            in_chain = False
        elif in_chain and stripped:
            body, mark, number = stripped.rpartition(_MARK)
            if mark and number.isdecimal():
                held.append(body.strip())
                found[family, table, int(number)] = _steady(" ".join(held))
                held = []
            elif stripped.endswith(";") or (not held and stripped.startswith("comment ")):
                held = []
            else:
                held.append(stripped)
    return found


def _steady(text: str) -> str:
    """The text without the numbers of `counter packets N bytes M`."""
    if "counter packets " not in text:
        return text
    words: list[str] = []
    parts = text.split(" ")
    at = 0
    while at < len(parts):
        words.append(parts[at])
        step = parts[at + 1 : at + 5]
        at += 5 if parts[at] == "counter" and step[:1] == ["packets"] and step[2:3] == ["bytes"] else 1
    return " ".join(words)
