"""Hosts that reports are tested with: Docker's, and one whose names try to break out of every format."""

from __future__ import annotations

from dataclasses import replace

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from tests.hosts.stock import docker_world

HOSTILE = "\"'><script>document.title='broken'</script>`|\\n#quot;%%--]]></div>{{\x1b[31m\x00\u202e"


def docker_host() -> Snapshot:
    """Docker's default bridge with a published container."""
    return docker_world().snapshot()


def hostile_host() -> Snapshot:
    """The same, with a name for everything that has one which is code in one format or another."""
    host = docker_host()
    containers = tuple(replace(one, name=HOSTILE + one.name, image=HOSTILE) for one in host.containers)
    networks = tuple(replace(one, name=HOSTILE) for one in host.networks)
    namespaces = tuple(
        replace(netns, links=tuple(replace(link, alias=HOSTILE) for link in netns.links)) for netns in host.namespaces
    )
    return replace(host, hostname=HOSTILE, containers=containers, networks=networks, namespaces=namespaces)


def answer(snapshot: Snapshot, target: str, source: str = "host") -> Verdict:
    """A question's answer."""
    return ask(snapshot, resolve(snapshot, target, source))
