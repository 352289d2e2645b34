"""What changed, and what an answer was."""

from __future__ import annotations

from engine.model.verdict import Reach
from views.schemas.form import Maybe, Part, Published, Said
from views.schemas.parts import PARTS

PROCESS = {"program": Maybe(str), "pid": Maybe(int), "parent": Maybe(str), "user": Maybe(str)}
RECORDED = {
    "kind": str,
    "how": str,
    "host": Maybe(str),
    "netns": Maybe(str),
    "name": str,
    "text": str,
    "by": Said(Maybe(str), "who made it, in a sentence"),
    "process": Maybe(PROCESS),
}
FLIP = {
    "at": Said(str, "RFC 3339"),
    "unseen_since": Said(Maybe(str), "where the moment is not known: since when it may have been"),
    "before": str,
    "after": str,
    "searched": bool,
    "changes": Said([{"at": str, **RECORDED}], "which did it"),
    "beside": Said([RECORDED], "made at the same time"),
    "hints": [str],
}
DOCUMENTS = (
    Published(
        "portscope.diff/1",
        "what differs between two snapshots, and what flips an answer: diff --json",
        {
            "schema": {"portscope.diff/1"},
            "changes": [Part("change")],
            "why": Maybe(
                {
                    "before": Maybe(Part("why")),
                    "after": Maybe(Part("why")),
                    "flipped": bool,
                    "flipped_by": Said(Maybe([Part("change")]), "null where the search took too long"),
                }
            ),
        },
        PARTS,
    ),
    Published(
        "portscope.when/1",
        "when the answer to a question became another one: when --json",
        {
            "schema": {"portscope.when/1"},
            "question": {"target": str, "from": str},
            "since": str,
            "until": str,
            "states": int,
            "now": Maybe({"reach": set(Reach), "symptom": str}),
            "fix": Maybe(Part("fix")),
            "unrecorded": [{"from": str, "to": str}],
            "flips": [FLIP],
        },
        PARTS,
    ),
)
