"""What an engine gave a container and the container has lost: the engine gives it again when the container restarts."""

from __future__ import annotations

from collections.abc import Sequence

from engine.change.address import AddAddress
from engine.change.link import SetLink
from engine.change.route import AddRoute
from engine.model.container import Container
from engine.model.host import Snapshot
from engine.model.plan import Change

#: Engines whose client restarts a container.
CLIENTS = ("docker", "podman")


def given_again(snapshot: Snapshot, changes: Sequence[Change]) -> str:
    """The container whose restart does the same as all of the changes; empty where one of them is not the engine's."""
    owners = {_owner(snapshot, change) for change in changes}
    return owners.pop() or "" if len(owners) == 1 else ""


def _owner(snapshot: Snapshot, change: Change) -> str | None:
    """The container that lost its address, its way out or its device, as its engine gave it."""
    if not isinstance(change, AddAddress | AddRoute | SetLink) or change.netns == snapshot.host:
        return None
    inside = snapshot.containers_in(change.netns)
    container = inside[0] if inside and inside[0].of_host and inside[0].engine.startswith(CLIENTS) else None
    return container.name if container is not None and _gave(container, change) else None


def _gave(container: Container, change: AddAddress | AddRoute | SetLink) -> bool:
    if isinstance(change, SetLink):
        return bool(change.up) and change.link.startswith("eth")
    if isinstance(change, AddAddress):
        return any(change.address.address in (each.address, each.address6) for each in container.attachments)
    gateways = {gateway for each in container.attachments for gateway in (each.gateway, each.gateway6)}
    return not change.route.destination.prefixlen and any(hop.gateway in gateways for hop in change.route.nexthops)
