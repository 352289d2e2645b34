"""Answers questions: `ask(snapshot, question) -> Verdict`.

    ask causes question   the answer; the causes of a failure; the user's words as a `Question`
    target_host           which address a word of a target means, and which name is looked up
    across_hosts          which of several hosts a question is about
    hosts_met             which of them an answer is about, and whether the packet ends on the right one
    behind_proxy          a port that connects, and a proxy there that cannot serve
    failure blocker       where a conversation fails; a possible cause with its remedies
    blockers/             diagnoses: what could be wrong, for each ending
    search/               remedies tried on the model, until the question works
    fixes/ ranking/       what a fix is made of; which fix comes first, and what else it changes
    intent/               what the client meant, and what to ask instead
    findings/ evidence/   what is wrong beside a connection that works; what speaks for a cause
    audit/                rules as a whole
    whatif/               the same question on a changed model
    survey/               one question from many places, and many questions of one host
    board                 every port that others may ask for, the worst first, with its cause

1. Pure. The host is never touched; a fix is applied to the snapshot (`engine.change`), and the packet walks again.
2. A cause is a counterfactual: it is one because changing that one thing changes the ending (`search`).
3. Diagnoses propose, the walk decides. No answer is looked up by symptom.
4. Codes are stable, sentences are for people, pointers say where.
"""

from engine.explain.ask import ask

__all__ = ["ask"]
