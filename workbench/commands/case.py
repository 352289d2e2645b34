"""A case: one file with all that a report of a wrong answer needs. The host, the question, the answer, the evidence.

`{"schema": "portscope.case/1", "answer": …portscope.why/1, "snapshot": …portscope.snapshot/1}`. It is asked again like
any other snapshot (`portscope why --snapshot`), and by the tests (tests/fidelity/cases), where the model has to say
what the kernel said. Redacted, every address and name is another one, the same one everywhere in the file.
"""

from __future__ import annotations

import json

from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.recording.redact import Redacted
from engine.observe.recording.snapshot_file import CASE
from engine.observe.recording.snapshot_file import dumps as recorded
from views.reports import answer_json
from workbench.exits import complain


def dumps(snapshot: Snapshot, verdict: Verdict, *, redacted: bool = False) -> str:
    """The file's text, ending in a newline."""
    answer = answer_json.document(verdict)
    if redacted:
        other = Redacted(snapshot)
        snapshot, answer = other.snapshot, other.answer(answer)
        if other.renamed:
            complain(f"ask the case by the new names: {other.renamed}")
    document = {"schema": CASE, "answer": answer, "snapshot": json.loads(recorded(snapshot))}
    return json.dumps(document, indent=1) + "\n"
