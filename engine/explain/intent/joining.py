"""A service in a network that the client's container is not in, asked at an address on no interface: the engine's way
is to join the network, and to ask there."""

from __future__ import annotations

from engine.change import applied
from engine.change.engines.network import joinable, joining
from engine.explain.fixes.networks import network_of
from engine.explain.intent.asked import Asked, elsewhere
from engine.explain.search.endings import connects
from engine.model.address import end_of
from engine.model.plan import Plan
from engine.model.verdict import Fix, FixKind
from engine.model.where import named
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace


def join_first(world: World, asked: Asked) -> Fix | None:
    """The network of the one other container that serves the port, joined, and what is asked then; None where that does
    not connect on the model, or where several could be meant."""
    snapshot, question = asked.snapshot, asked.question
    clients = snapshot.containers_in(asked.client.id) if not asked.outside and asked.netns is None else ()
    found = [each for each in elsewhere(asked, question.address.version) if snapshot.containers_in(each[0].id)]
    if len(found) != 1 or not clients:
        return None
    (netns, address), client = found[0], clients[0]
    server = snapshot.containers_in(netns.id)[0]
    network = network_of(snapshot, server, address)
    if network is None or not joinable(snapshot, client, network):
        return None
    change = joining(client, network)
    instead = replace(question, address=address, target="", zone="")
    if not connects(*conversations(world.derive(applied(world.snapshot, (change,))), instead)):
        return None
    title = (
        f"connect {client.name} to network {network.name}, then ask {end_of(address, question.port)} ({server.name})"
    )
    return Fix(title, Plan(title, (change,)), change.argv(named()), kind=FixKind.PUBLISH, ask=instead)
