"""A case: one file with all that a report of a wrong answer needs. The host, the question, the answer, the evidence.

`{"schema": "portscope.case/1", "answer": …portscope.why/1, "snapshot": …portscope.snapshot/1}`. The snapshot's part
is a recording like any other: written to a file of its own, `portscope why --snapshot` asks it again. Redacted, every
address is another one (`redact`), the same one everywhere in the file.
"""

from __future__ import annotations

import json

from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.recording import dumps as recorded
from engine.observe.redact import Redaction
from views.reports import answer_json

SCHEMA = "portscope.case/1"


def dumps(snapshot: Snapshot, verdict: Verdict, *, redacted: bool = False) -> str:
    """The file's text, ending in a newline."""
    host = json.loads(recorded(snapshot))
    answer = answer_json.document(verdict)
    if redacted:
        redaction = Redaction()
        host, answer = redaction.value(host), redaction.value(answer)
    document = {"schema": SCHEMA, "answer": answer, "snapshot": host}
    return json.dumps(document, indent=1) + "\n"
