"""States of containers, changed by their engine's own client."""

from __future__ import annotations

from engine.change.consequences.republish import published_table
from engine.change.consequences.stopping import stopped
from engine.model.address import Family
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.traffic import Listener
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class SetContainer(Change):
    """The engine's client brings a container into a state.

    `client` is the client's name and options, `words` what follows (("unpause", "web")), `state` the engine's word for
    the container afterwards.
    """

    container: str
    client: tuple[str, ...]
    words: tuple[str, ...]
    state: str

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a client reaches its engine from anywhere
        """The client's command line."""
        return ((*self.client, *self.words),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """A container that starts has its published ports held on the host again, by the engine's proxy."""
        containers = tuple(
            replace(each, state=self.state) if each.id == self.container else each for each in snapshot.containers
        )
        if self.words[0] == "stop":
            snapshot = stopped(snapshot, self.container)
        if self.words[0] in ("start", "restart"):
            snapshot = self._with_held_ports(snapshot)
        if self.words[:2] == ("network", "reload"):
            snapshot = self._with_published_ports(snapshot)
        return replace(snapshot, containers=containers)

    def _with_published_ports(self, snapshot: Snapshot) -> Snapshot:
        host = snapshot.host_netns
        tables = (published_table(snapshot, each) for each in snapshot.containers if each.id == self.container)
        return snapshot.with_netns(
            replace(host, firewall=replace(host.firewall, tables=(*host.firewall.tables, *tables)))
        )

    def _with_held_ports(self, snapshot: Snapshot) -> Snapshot:
        host = snapshot.host_netns
        held = (
            Listener(port.protocol, Family.INET, port.host_address, port.host_port)
            for container in snapshot.containers
            if container.id == self.container
            for port in container.published
        )
        return snapshot.with_netns(replace(host, listeners=(*host.listeners, *held)))
