"""A container that has nothing to do with a question changes neither its cause nor the first fix.

The bystander hangs on the same bridge, publishes nothing or another port, and serves the ports that faults are about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import Attachment, Container, PublishedPort
from engine.model.host import Netns, Snapshot
from engine.model.link import Link, Peer
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from tests.explain.faults import PORT, Fault, docker
from tests.explain.table import FAULTS
from tests.hosts.build import World
from tests.path.endings import filtered

ADDRESS = "172.17.0.200"
SERVED = (80, 81, 99, 443, 8080)
ON_DOCKER0 = [fault for fault in FAULTS if any(link.name == "docker0" for link in fault.snapshot.host_netns.links)]
#: The fault whose port is published by nobody, and may be meant for whatever serves it.
GUESSED = {"not published"}


def bystander() -> Netns:
    """The namespace alone, on a bridge as docker0 is."""
    world = World()
    world.space("host")
    world.space("bystander")
    world.cable("host:vethby", "bystander:eth0")
    world["bystander"].address("eth0", f"{ADDRESS}/16").route("default via 172.17.0.1 dev eth0")
    for port in SERVED:
        world["bystander"].listen(port)
    return next(each for each in world.snapshot().namespaces if each.id == "bystander")


def beside(snapshot: Snapshot, *published: PublishedPort) -> Snapshot:
    """The host with the bystander on docker0, which its engine knows where it knows any."""
    host, inside = snapshot.host_netns, bystander()
    bridge = host.links_by_name["docker0"]
    eth0 = inside.links_by_name["eth0"]
    outer = Link(max(host.links_by_index) + 1, "vethby", "veth", mac="02:00:00:00:ff:01", master=bridge.index)
    outer = replace(outer, peer=Peer("bystander", eth0.index))
    inside = inside.with_link(replace(eth0, mac="02:00:00:00:ff:02", peer=Peer(host.id, outer.index)))
    host = replace(host, links=(*host.links, outer))
    spaces = [host if each.id == host.id else each for each in snapshot.namespaces]
    known = Container(
        "bystander0123456789ab",
        "bystander",
        engine="docker",
        state="running",
        netns="bystander",
        attachments=(Attachment("bridge", ip_address(ADDRESS)),),
        published=published,
        command=("docker",),
    )
    containers = (*snapshot.containers, known) if snapshot.containers else ()
    return replace(snapshot, namespaces=(*spaces, inside), containers=containers)


def first(verdict: Verdict) -> tuple[str, str, str]:
    """The cause that is named first, where it is, and its first fix."""
    cause = verdict.causes[0]
    return cause.code, cause.at.name, cause.fixes[0].title if cause.fixes else ""


@pytest.mark.parametrize("published", [(), (PublishedPort(Protocol.TCP, None, 9090, 8080),)], ids=["private", "9090"])
@pytest.mark.parametrize("fault", [fault for fault in ON_DOCKER0 if fault.name not in GUESSED], ids=str)
def test_the_answer_is_the_same(fault: Fault, published: tuple[PublishedPort, ...]) -> None:
    crowded = replace(fault, snapshot=beside(fault.snapshot, *published))
    assert first(crowded.verdict()) == first(fault.verdict())


def silent(world: World) -> None:
    world["web"].listeners.clear()


def closed(world: World) -> None:
    filtered(world["web"], "INPUT", policy="DROP")


def detour(world: World) -> None:
    world["host"].route("172.17.0.2/32 dev up0")


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (silent, "DST_NO_LISTENER", "web"),
        (closed, "FW_POLICY_DROP", "web"),
        (detour, "SRC_ROUTE_SHADOWED", "host"),
    ],
)
def test_where_no_engine_can_be_asked_a_published_port_is_its_target_s(
    change: Callable[[World], None], code: str, place: str
) -> None:
    snapshot = replace(beside(docker(change, proxy=False)), containers=(), networks=())
    found = ask(snapshot, resolve(snapshot, PORT, "ns:lan")).causes[0]
    assert (found.code, found.at.netns) == (code, place), found.sentence
    assert all("bystander" not in fix.title for fix in found.fixes)
