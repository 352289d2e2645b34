"""What namespaces and containers are called in the picture: by less than their full names where that is clear. Pure."""

from __future__ import annotations

from collections import Counter

from engine.model.container import Container
from engine.model.host import Snapshot


def short_name(snapshot: Snapshot, netns: str) -> str:
    """A namespace's name without the lab's, where the host is a lab's (`demo-host`): `demo-web` is `web`."""
    lab = snapshot.host.removesuffix("host") if snapshot.host.endswith("-host") else ""
    return netns.removeprefix(lab) or netns


def container_names(snapshot: Snapshot) -> dict[str, str]:
    """Names by the containers' ids: that of its service for one of Compose (`shop-web-1` is `web`), where no other
    container would have it, too."""
    short = {each.id: _of_service(each) for each in snapshot.containers}
    taken = Counter(short.values())
    return {each.id: short[each.id] if taken[short[each.id]] == 1 else each.name for each in snapshot.containers}


def _of_service(container: Container) -> str:
    project, service = container.project, container.service
    for joint in "-_":
        number = container.name.removeprefix(f"{project}{joint}{service}{joint}")
        if project and service and number != container.name and number.isdecimal():
            return service if number == "1" else f"{service}{joint}{number}"
    return container.name
