"""A document in pieces that an agent reads whole: what it is about, some of its items, and where the rest begins.

Laws:
1. A piece has at most `MOST` bytes of JSON; `more` is the `start` of the next one, null at the end.
2. Text of the host (names, rules, evidence) is data: it stands in values only, is cut to `LONGEST` characters, and
   what could steer a terminal is written out.
3. The first cause and its fix are in the first piece.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from views.harmless import clean

#: Bytes of a piece, and characters of one text in it; of a text in an item that is too large by itself.
MOST, LONGEST, SHORT = 4096, 400, 60
#: Fixes, evidence, commands and side effects of a cause that are shown.
FIXES, EVIDENCE, COMMANDS, EFFECTS = 2, 3, 6, 3
STEPS = 12

Item = dict[str, Any]
Document = Mapping[str, Any]


class Piece(TypedDict):
    """What a tool answers."""

    about: Item
    items: list[Item]
    more: int | None


def piece(about: Item, items: Sequence[Item], start: int = 0) -> Piece:
    """As many items from `start` on as fit."""
    made: Piece = {"about": bounded(about), "items": [], "more": None}
    for number, item in enumerate(items[start:], start):
        small = bounded(item)
        if _size({**made, "items": [*made["items"], small]}) > MOST:
            if made["items"]:
                return {**made, "more": number}
            small = bounded(item, SHORT)
            if _size({**made, "items": [small]}) > MOST:
                small = {"too_large": next(iter(small), "")}
        made["items"].append(small)
    return made


def bounded(value: Any, longest: int = LONGEST) -> Any:
    """A value with its texts made harmless and cut, and without what is empty."""
    if isinstance(value, str):
        text = clean(value)
        return text if len(text) <= longest else f"{text[: longest - 1]}…"
    if isinstance(value, Mapping):
        return {key: bounded(each, longest) for key, each in value.items() if each not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        most = len(value) if longest == LONGEST else 3
        return [bounded(each, longest) for each in value[:most]]
    return value


def _size(made: Piece) -> int:
    return len(json.dumps(made, ensure_ascii=False, indent=2).encode("utf-8", "replace")) + 16


def answer(document: Document) -> tuple[Item, list[Item]]:
    """An answer of `portscope.why/1`: the question and what the client sees; causes, findings, gaps, the path."""
    asked = document["question"]
    at = f"{asked['to']['address']}:{asked['to']['port']}/{asked['to']['protocol']}"
    about = {
        "asked": asked.get("target") or at,
        "at": at,
        "from": asked["from"]["netns"],
        "reach": document["reach"],
        "symptom": document["symptom"] or document.get("symptoms"),
    }
    items = [cause("cause", each) for each in document["causes"]]
    items += [cause("finding", each) for each in document["findings"]]
    items += [{"assumption": each["sentence"]} for each in document["assumptions"]]
    items += [{"gap": each["source"], "reason": each["reason"]} for each in document["gaps"]]
    return about, [*items, *_path(document)]


def cause(kind: str, found: Document) -> Item:
    """A cause, its evidence and its first fixes."""
    at = found["at"]
    return {
        kind: found["code"],
        "sentence": found["sentence"],
        "owner": found["owner"],
        "at": f"{at['name']} in {at['netns']}",
        "text": at["text"],
        "evidence": found["evidence"][:EVIDENCE],
        "fixes": [fix(each) for each in found["fixes"][:FIXES]],
    }


def fix(way: Document) -> Item:
    """A fix: what to run, and what the same question gives then."""
    return {
        "title": way["title"],
        "commands": [shlex.join(argv) for argv in way["commands"][:COMMANDS]],
        "then": way["then"],
        "verified": way["verified"],
        "side_effects": way["side_effects"][:EFFECTS],
        "lasts": way["survives"],
    }


def _path(document: Document) -> Iterator[Item]:
    for leg in ("forward", "reply", "error"):
        for hop in (document[leg] or {"hops": []})["hops"]:
            steps = [f"{step['kind']}: {step['text']}" for step in hop["steps"]]
            yield {"path": leg, "in": hop["netns"], "steps": steps[:STEPS], "left_out": max(0, len(steps) - STEPS)}


def everywhere(document: Document) -> tuple[Item, list[Item]]:
    """An answer from each vantage point, by its cause."""
    answers = document["answers"]
    about = {
        "asked": answers[0]["question"].get("target") if answers else "",
        "reached_from": sum(each["reach"] == "yes" for each in answers),
        "asked_from": len(answers),
    }
    return about, [_vantage(each) for each in answers]


def _vantage(found: Document) -> Item:
    first = next(iter(found["causes"] or found["findings"]), None)
    said = {"cause": first["code"], "sentence": first["sentence"]} if first else {}
    return {"from": found["vantage"], "reach": found["reach"], "symptom": found["symptom"], **said}


def matrix(document: Document) -> tuple[Item, list[Item]]:
    """Every port from everywhere: warnings first, then each port with who reaches it and who does not."""
    filled = document["matrix"]
    about = {"ports": len(filled["rows"]), "vantages": filled["vantages"], "warnings": len(filled["warnings"])}
    items = [{"warning": each["code"], **each} for each in filled["warnings"]]
    return about, items + [_row(each) for each in filled["rows"]]


def _row(row: Document) -> Item:
    reached = [cell["from"] for cell in row["cells"] if cell["reach"] == "yes"]
    others = [f"{cell['from']}: {cell['symptom']}" for cell in row["cells"] if cell["reach"] != "yes"]
    return {"port": row["target"], "of": row["owner"], "kind": row["service"], "reached_from": reached, "not": others}


def summary(document: Document) -> tuple[Item, list[Item]]:
    """A host in short: what there is, container by container."""
    tables = document["tables"]
    about = {
        **document["about"],
        "title": document["title"],
        "tables": {name: len(rows) for name, rows in tables.items()},
    }
    kinds = ("published", "containers", "networks", "listeners")
    return about, [{"kind": name, **row} for name in kinds for row in tables.get(name, ())]


def difference(document: Document) -> tuple[Item, list[Item]]:
    """What changed, and what of it flips the answer."""
    asked = document["why"] or {}
    about: Item = {"changes": len(document["changes"])}
    if asked:
        about |= {
            "flipped": asked["flipped"],
            **{
                when: {key: asked[when][key] for key in ("reach", "symptom")}
                for when in ("before", "after")
                if asked[when]
            },
        }
    flips = [{"flips_the_answer": each["text"], "netns": each["netns"]} for each in asked.get("flipped_by") or ()]
    return about, flips + [{"change": each["text"], "netns": each["netns"]} for each in document["changes"]]


def history(document: Document) -> tuple[Item, list[Item]]:
    """When an answer became another one, the last first."""
    about = {key: document[key] for key in ("question", "since", "until", "states", "now", "unrecorded")}
    if document["fix"]:
        about["fix"] = fix(document["fix"])
    keys = ("at", "before", "after", "hints")
    flips = [
        {**{key: each[key] for key in keys}, "changes": [_made(one) for one in each["changes"][:EVIDENCE]]}
        for each in document["flips"]
    ]
    return about, flips


def _made(one: Document) -> Item:
    return {"change": one["text"], "netns": one["netns"], "by": one["by"]}


def trial(document: Document) -> tuple[Item, list[Item]]:
    """What a real client saw on a twin, before and after each fix."""
    tried = document["try"]
    about = {key: tried[key] for key in ("target", "from", "predicted", "seen", "then")}
    left_out = [{"not_rebuilt": each["what"], **each} for each in document["left_out"]]
    return about, [*tried["fixes"], *left_out]
