"""A client and a server in two networks of one engine: the engine's way to let them meet is a network of both."""

from __future__ import annotations

from engine.change.engines.network import joinable, joining
from engine.explain.blocker import Remedy
from engine.explain.failure import FailedLeg, Failure
from engine.model.address import IPAddress
from engine.model.container import Container, Network
from engine.model.host import Snapshot
from engine.model.verdict import FixKind


def joined_networks(failure: Failure) -> tuple[Remedy, ...]:
    """The client's container joins the network in which the asked address is; none where it cannot, or is in it."""
    question, snapshot = failure.question, failure.home
    if failure.leg is not FailedLeg.FORWARD or failure.depth or question.source.outside:
        return ()
    if failure.packet.dst != question.address:
        return ()
    found = []
    for server in snapshot.containers:
        network = network_of(snapshot, server, failure.question.address)
        clients = snapshot.containers_in(question.source.netns) if network is not None else ()
        for client in clients[:1]:
            if network is not None and client is not server and joinable(snapshot, client, network):
                found.append(_joins(client, network))
    return tuple(dict.fromkeys(found))


def network_of(snapshot: Snapshot, server: Container, wanted: IPAddress) -> Network | None:
    """The network that gave a container an address."""
    names = {each.network for each in server.attachments if wanted in (each.address, each.address6)}
    return next((each for each in snapshot.networks if each.name in names and each.engine == server.engine), None)


def _joins(client: Container, network: Network) -> Remedy:
    title = f"connect {client.name} to network {network.name}"
    return Remedy(title, (joining(client, network),), kind=FixKind.PUBLISH, meant=True)
