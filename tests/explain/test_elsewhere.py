"""Another host on the same machine, with the same addresses: it has no part in the answer."""

from __future__ import annotations

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from tests.explain.faults import docker
from tests.hosts.build import World
from tests.hosts.stock import WEB


def silent(world: World) -> None:
    world["web"].change("eth0", noarp=True)


def beside(world: World) -> None:
    """A host that nothing leads to: its container has web's address, on a port of a bridge that is not forwarding."""
    silent(world)
    world.space("elsewhere")
    world.space("a-stranger")
    world.cable("elsewhere:v1", "a-stranger:eth0")
    world["elsewhere"].bridge("br0").plug("v1", "br0", state="disabled")
    world["a-stranger"].address("eth0", f"{WEB}/16")


def told(snapshot: Snapshot) -> list[tuple[str, str]]:
    causes = ask(snapshot, resolve(snapshot, f"{WEB}:80", "host")).causes
    return [(cause.code, cause.at.netns) for cause in causes]


def test_a_cause_is_never_in_a_namespace_that_nothing_leads_to() -> None:
    assert told(docker(beside)) == told(docker(silent)) == [("LINK_ARP_OFF", "web")]
