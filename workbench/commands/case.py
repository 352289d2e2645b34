"""A case: one file with all that a report of a wrong answer needs. The host, the question, the answer, the evidence.

`{"schema": "portscope.case/1", "answer": …portscope.why/1, "snapshot": …portscope.snapshot/1}`. It is asked again like
any other snapshot (`portscope why --snapshot`), and by the tests (tests/fidelity/cases), where the model has to say
what the kernel said. Of the host it has the namespaces that the question's packets met and what lives in them, where
the answer is the same without the others. Redacted, every address and name is another one, the same one everywhere in
the file.
"""

from __future__ import annotations

import json

from engine.explain import ask
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.recording.redact import Redacted
from engine.observe.recording.references import within
from engine.observe.recording.snapshot_file import dumps as recorded
from engine.observe.recording.snapshot_places import CASE
from views.reports import answer_json
from workbench.exits import complain
from workbench.session.flips import same


def dumps(snapshot: Snapshot, verdict: Verdict, *, redacted: bool = False) -> str:
    """The file's text, ending in a newline."""
    snapshot, answer = met(snapshot, verdict), answer_json.document(verdict)
    if redacted:
        other = Redacted(snapshot)
        snapshot, answer = other.snapshot, other.answer(answer)
        if other.renamed:
            complain(f"ask the case by the new names: {other.renamed}")
    document = {"schema": CASE, "answer": answer, "snapshot": json.loads(recorded(snapshot))}
    return json.dumps(document, indent=1) + "\n"


def met(snapshot: Snapshot, verdict: Verdict) -> Snapshot:
    """The part of the snapshot that the question's packets met, or were on their way to; all of it where the answer
    would be another one without the rest."""
    asked, talks = verdict.question, (verdict.conversation, *verdict.branches)
    hops = [hop for talk in talks for trace in talk.way for hop in trace.hops]
    ends = {asked.address, *(end for hop in hops for end in (hop.packet.src, hop.packet.dst))}
    addresses = {end for end in ends if not end.is_loopback}
    places = {snapshot.host, asked.source.netns, *(hop.netns for hop in hops)}
    places |= {netns.id for netns in snapshot.namespaces if addresses & netns.addresses_by_value.keys()}
    places |= {one.netns for one, port in snapshot.published if one.netns and port.host_port == asked.port}
    part = within(snapshot, places)
    return part if same(ask(part, asked), verdict) else snapshot
