"""The answer after the proof: where prediction and kernel disagree the kernel is right. Pure.

An answer that depended on something is settled by the attempt. A symptom that nobody predicted turns the answer
around and puts the cause MODEL_DISAGREES first, which points to where the two part: the rule that the kernel tells
of, the first step that is contradicted, or the last place where the packet was seen. What the model said stands after
it, unless the client connected.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.proof import MODEL_DISAGREES, Agreement, Proof, Sighting
from engine.model.ref import Ref, RefKind
from engine.model.trace import Symptom
from engine.model.verdict import Cause, Fix, Reach, Verdict
from engine.prove.predicted import conversation_for, conversations
from engine.records import replace

#: Contradicted steps that are told as evidence.
_MOST = 5
#: Statuses from here on say that the server failed (RFC 9110, 15.6).
SERVER_ERROR = 500


def weigh(verdict: Verdict, proof: Proof) -> Verdict:
    """The answer that the evidence leads to, with the proof in it."""
    made = proof.attempt
    if made is None or proof.agrees is Agreement.UNSEEN:
        return replace(verdict, kernel=proof)
    reach = Reach.YES if made.symptom is Symptom.CONNECTED and made.status < SERVER_ERROR else Reach.NO
    http = verdict.conversation.http
    if http is not None and made.status and made.symptom is verdict.symptom:
        return _by_status(verdict, proof, reach)
    if made.symptom not in {each.symptom for each in conversations(verdict)}:
        said = () if reach is Reach.YES else verdict.causes
        causes = (_disagreement(verdict, proof, made.symptom), *said)
        return replace(verdict, reach=reach, symptom=made.symptom, causes=causes, kernel=proof)
    answered = verdict.conversation.http is None or verdict.conversation.http.served
    if verdict.reach is not Reach.DEPENDS or not answered or (reach is Reach.NO and not verdict.causes):
        return replace(verdict, kernel=proof)
    talk = conversation_for(verdict, made.symptom)
    causes = () if reach is Reach.YES else verdict.causes
    return replace(
        verdict, reach=reach, symptom=made.symptom, conversation=talk, causes=causes, branches=(), kernel=proof
    )


def _by_status(verdict: Verdict, proof: Proof, reach: Reach) -> Verdict:
    """The answer of an HTTP client: one that depended is settled by the status that it got, and one that foretold
    another status is turned around."""
    made, http = proof.attempt, verdict.conversation.http
    assert made is not None
    assert http is not None
    if verdict.reach is Reach.DEPENDS:
        causes = () if reach is Reach.YES else verdict.causes
        settled = replace(http, status=made.status, served=reach is Reach.YES, reason="", words="")
        talk = replace(verdict.conversation, http=settled)
        return replace(verdict, reach=reach, conversation=talk, causes=causes, branches=(), kernel=proof)
    if http.status == made.status:
        return replace(verdict, kernel=proof)
    sentence = f"the model says that {http.by} answers {http.status}, but a real request got {made.status}: that counts"
    at = http.at or Ref(RefKind.NETNS, http.netns, (), http.netns, http.netns)
    said = () if reach is Reach.YES else verdict.causes
    causes = (Cause(MODEL_DISAGREES, sentence, at, "kernel", (made.answer,)), *said)
    return replace(verdict, reach=reach, causes=causes, kernel=proof)


def _disagreement(verdict: Verdict, proof: Proof, seen: Symptom) -> Cause:
    place = f"; the packet was last seen on {_where(proof.last)}" if proof.last else ""
    sentence = f"the model says {proof.predicted}, but a real attempt got {seen}: the kernel is right{place}"
    return Cause(MODEL_DISAGREES, sentence, _parting(verdict, proof), "kernel", tuple(_evidence(proof)))


def _where(last: Sighting) -> str:
    return f"{last.device} in {last.netns}, as {last.packet}"


def _parting(verdict: Verdict, proof: Proof) -> Ref:
    """Where prediction and kernel part."""
    rows = proof.contradicted
    unpredicted = [row.ref for row in rows if row.ref and not row.predicted and row.seen.endswith(": drop")]
    contradicted = [row.ref for row in rows if row.ref]
    for ref in (*unpredicted, *contradicted):
        return ref
    if proof.last is not None:
        return Ref(RefKind.LINK, proof.last.netns, (), proof.last.device, str(proof.last.packet))
    netns = verdict.question.source.netns
    return Ref(RefKind.NETNS, netns, (), netns, netns)


def _evidence(proof: Proof) -> Iterator[str]:
    for row in proof.contradicted[:_MOST]:
        yield f"{row.netns}, {row.leg}: {row.predicted or 'nothing predicted'} — {row.seen} ({row.source})"
    for drop in proof.drops:
        yield f"the kernel dropped a packet in {drop.function}: {drop.reason}"
    for growth in proof.growths:
        if growth.ref is None:
            yield f"{growth.name} of {growth.netns} grew by {growth.by}"


def proven(fix: Fix, proof: Proof) -> Fix:
    """The fix, marked as verified by the kernel where the attempt that was made after applying it connected."""
    made = proof.attempt
    if made is None:
        return fix
    connected = made.symptom is Symptom.CONNECTED
    return replace(fix, verified="kernel" if connected else fix.verified, then=made.symptom)
