"""Answers questions: `ask(snapshot, question) -> Verdict`.

Laws of this room:
1. Pure. The host is never touched; a fix is tried on a changed snapshot (`whatif`) and walked again.
2. A cause is a counterfactual: it is one because changing that one thing changes the ending (`search`).
3. Diagnoses (`blockers`) propose, the walk disposes. No answer is looked up by symptom.
4. Codes are stable, sentences are for people, pointers say where.
"""

from engine.explain.ask import ask

__all__ = ["ask"]
