"""The server that was asked: what it says is not in the snapshot, or the query does not get there and back."""

from __future__ import annotations

from engine.explain.blocker import Blocker
from engine.explain.blockers.naming.missed_name import MissedName
from engine.model.application.naming import NameConfig, NameSymptom
from engine.model.trace import Conversation, Outcome
from engine.model.verdict import Question
from engine.path.naming.lookup import config_of, file_ref
from engine.path.world import World

_ASK = "to see it: `portscope why … --prove` asks that server from there"
_LOOPBACK = (
    "127.0.0.x in a container is the container's own: give it a server that it can reach (`--dns ADDRESS`, Compose: "
    "dns), or a network of your own, where the engine's resolver asks the host's"
)


def undecided(missed: MissedName) -> list[Blocker]:
    """A server outside, or one whose records are not known, has the answer."""
    step = next((each for each in missed.lookup.order if each.symptom is NameSymptom.UNKNOWN), None)
    if step is None:
        return []
    server = f"the server {step.server}" if step.server is not None else "the client's resolver"
    why = f"{missed.who} asks {server} for {step.name}; what it answers is not in the snapshot"
    return [Blocker("INFO_DEPENDS", why, step.at or missed.resolv, evidence=(_ASK,))]


def unanswered(world: World, question: Question, talk: Conversation) -> Blocker | None:
    """Said before the causes of a query that got no answer: what fails is the look-up of the name."""
    lookup = talk.name
    config = config_of(world.snapshot, question.source)
    last = lookup.last if lookup is not None and lookup.used is None else None
    if lookup is None or config is None or last is None or last.query is None or last.server is None:
        return None
    if last.symptom in (NameSymptom.NO_NAME, NameSymptom.NO_ADDRESS, NameSymptom.UNKNOWN, NameSymptom.SERVER_FAILURE):
        return None
    waits = f" and waits {lookup.seconds} s for it" if lookup.seconds else ""
    asked = f"{question.source.netns} looks {lookup.asked} up at {_named_in(config)}"
    inner = "" if last.server in config.servers else f"; that asks {last.server} in turn"
    at = file_ref(config.netns, config.resolv_file)
    settled = "the fix of the next cause lets the query through"
    if last.server.is_loopback and last.query.forward.outcome is Outcome.NO_LISTENER and not inner:
        why = f"{asked}: no resolver listens at {last.server} in {last.query.forward.hops[-1].netns}"
        return Blocker("NAME_RESOLVER_LOOPBACK", why, at, settled=settled, evidence=(_LOOPBACK,))
    why = f"{asked}{inner}{waits}: the query gets no answer ({last.symptom})"
    return Blocker("NAME_RESOLVER_UNREACHABLE", why, at, settled=settled)


def _named_in(config: NameConfig) -> str:
    return f"{', '.join(map(str, config.servers))} ({config.resolv_file})"
