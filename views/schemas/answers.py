"""The answers to a question."""

from __future__ import annotations

from engine.model.trace import Symptom
from engine.model.verdict import Reach
from views.schemas.form import Part, Published
from views.schemas.parts import PARTS, WHY

RANGES = {
    "device": str,
    "exact": bool,
    "left_out": int,
    "sources": [{"reach": set(Reach), "symptom": set(Symptom), "ends": str, "addresses": int, "networks": [str]}],
}
DOCUMENTS = (
    Published("portscope.why/1", "why a port can or cannot be reached: why --json", WHY, PARTS),
    Published(
        "portscope.why-all/1",
        "the same question from everywhere: why --from everywhere --json",
        {"schema": {"portscope.why-all/1"}, "answers": [{"vantage": str, **WHY}], "ranges": [RANGES]},
        PARTS,
    ),
    Published(
        "portscope.case/1",
        "an answer with the snapshot that it is of: why --save-case",
        {"schema": {"portscope.case/1"}, "answer": Part("why"), "snapshot": {"schema": {"portscope.snapshot/1"}}},
        PARTS,
    ),
)
