"""A name that a look-up did not find, with who looked it up and who has it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.failure import Failure
from engine.model.application.naming import NameConfig, NameLookup
from engine.model.container import Attachment, Container
from engine.model.host import Snapshot
from engine.model.ref import Ref, RefKind
from engine.path.naming.answers import names_of
from engine.path.naming.lookup import config_of, file_ref
from engine.records import dataclass

#: Networks whose containers have no names: Docker's default bridge, and Podman's.
NAMELESS = frozenset({"bridge", "podman"})


@dataclass(frozen=True, slots=True)
class MissedName:
    """The look-up, the configuration that it used, and the client's container (None: it is in none)."""

    failure: Failure
    lookup: NameLookup
    config: NameConfig
    client: Container | None

    @classmethod
    def of(cls, failure: Failure) -> MissedName | None:
        """That of a failure; None where how the client looks names up is not in the snapshot."""
        lookup, origin = failure.lookup, failure.origin
        config = config_of(failure.world.snapshot, origin.source) if origin is not None else None
        if lookup is None or config is None:
            return None
        snapshot = failure.world.snapshot.around(config.netns)
        inside = [each for each in snapshot.containers if each.netns == config.netns and each.attachments]
        own = [each for each in inside if each.id == config.container]
        client = next(iter([*own, *inside]), None) if config.netns != snapshot.host else None
        return cls(failure, lookup, config, client)

    @property
    def snapshot(self) -> Snapshot:
        """The host."""
        return self.failure.world.snapshot.around(self.config.netns)

    @property
    def name(self) -> str:
        """The name that was looked up, in lower case."""
        return self.lookup.asked.lower().rstrip(".")

    @property
    def who(self) -> str:
        """The client, for a sentence."""
        return self.client.name if self.client is not None else self.lookup.source

    @property
    def at(self) -> Ref:
        """What decided: the object of the telling step, else the file that names the servers."""
        last = self.lookup.last
        if last is not None and last.at is not None:
            return last.at
        return self.resolv

    @property
    def resolv(self) -> Ref:
        """The file that names the servers."""
        return file_ref(self.config.netns, self.config.resolv_file)

    def holders(self) -> Iterator[tuple[Container, Attachment]]:
        """The containers of the client's engine that have the name in some network, with that network; a running one
        first."""
        if self.client is None:
            return
        for running in (True, False):
            for each in self.snapshot.containers:
                if (each.state in ("running", "paused")) is running and each.engine == self.client.engine:
                    for place in each.attachments:
                        if self.name in names_of(each, place) or self.name == each.service.lower():
                            yield each, place


def container_ref(snapshot: Snapshot, container: Container) -> Ref:
    """A pointer to a container."""
    return Ref(RefKind.CONTAINER, container.netns or snapshot.host, (container.id,), container.name)
