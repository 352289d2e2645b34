"""A container's own address, asked from beyond the host: the engine's way is to publish the port, and to ask the host.

A route to the engine's network, or a hole in its rules, would open the way as well; nobody who runs the engine means
that.
"""

from __future__ import annotations

from engine.change import applied
from engine.explain.blockers.publishing.publish import run_again
from engine.explain.blockers.publishing.rules import publishing
from engine.explain.intent.alternative import Alternative
from engine.explain.intent.asked import Asked, host_addresses, on_port
from engine.explain.search.endings import connects
from engine.explain.survey.probes import takes
from engine.model.address import end_of
from engine.model.container import Container
from engine.model.packet import Protocol
from engine.model.plan import Plan
from engine.model.verdict import Fix, FixKind
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace


def publish_first(world: World, asked: Asked) -> Fix | None:
    """What publishes the port and asks the host for it, where that connects on the model, else None."""
    container = _unpublished(asked)
    address = next(iter(host_addresses(asked)), None)
    if container is None or address is None:
        return None
    question = asked.question
    changes = tuple(publishing(asked.snapshot, container, question.port, question.port, question.protocol))
    instead = replace(question, address=address, target="", zone="")
    if not changes or not connects(*conversations(world.derive(applied(world.snapshot, changes)), instead)):
        return None
    port = f"{question.port}:{question.port}" + ("" if question.protocol is Protocol.TCP else f"/{question.protocol}")
    title = f"{run_again(container, port)}, then ask {end_of(address, question.port)}"
    return Fix(title, Plan(title, changes), (), kind=FixKind.PUBLISH, ask=instead)


def _unpublished(asked: Asked) -> Container | None:
    """The container that is asked at its own address for a port that it serves and does not publish, by a client that
    is neither the host nor a container."""
    inside = asked.snapshot.containers_in(asked.netns.id) if asked.netns is not None and not asked.at_host else ()
    if not inside or not _beyond(asked) or asked.netns is None or not inside[0].of_host:
        return None
    known = any(port.container_port == asked.port for port in inside[0].published)
    serves = any(takes(listener, asked.question.address) for listener in on_port(asked, asked.netns))
    taken = any(each.port == asked.port for each in asked.snapshot.host_netns.listeners)
    return inside[0] if serves and not known and not taken else None


def published_for(asked: Asked, alternative: Alternative) -> bool:
    """Whether the alternative is the host's published port, for a client that asks a container beyond the host."""
    at_host = alternative.address in asked.snapshot.host_netns.addresses_by_value
    return asked.netns is not None and not asked.at_host and at_host and _beyond(asked)


def _beyond(asked: Asked) -> bool:
    """Whether the client is neither the host nor a container, and in no subnet that the address is in."""
    if asked.outside:
        return True
    inside = asked.client.id == asked.snapshot.host or bool(asked.snapshot.containers_in(asked.client.id))
    return not inside and not any(each.covers(asked.question.address) for each in asked.client.addresses)
