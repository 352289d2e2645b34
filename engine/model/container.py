"""Containers as their engine describes them: what was intended, to compare with what is."""

from __future__ import annotations

from ipaddress import ip_network

from engine.model.address import Family, IPAddress, IPNetwork
from engine.model.application.client_proxy import ClientProxy
from engine.model.packet import Protocol
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port that the engine was asked to publish. A None address is the wildcard, `family` the only IP version that it
    is one of; None: both.

    Host port 0 is one that the engine chooses when the container starts.
    """

    protocol: Protocol
    host_address: IPAddress | None
    host_port: int
    container_port: int
    family: Family | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A container's place in one of its engine's networks, with the addresses and gateways that the engine gave.

    `aliases` are the names that the engine's resolver answers there, all of them where it lists any.
    """

    network: str
    address: IPAddress | None = None
    address6: IPAddress | None = None
    gateway: IPAddress | None = None
    mac: str = ""
    gateway6: IPAddress | None = None
    aliases: tuple[str, ...] = ()

    def gateway_for(self, address: IPAddress) -> IPAddress | None:
        """The gateway of the network that gave the address; None for an address that is not of this place."""
        return {self.address: self.gateway, self.address6: self.gateway6}.get(address)


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the host that a container has in its own root."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the engine. `bridge` is its device on the host, where it has one; `machine` that host's name, where
    there are several."""

    name: str
    engine: str
    driver: str
    bridge: str = ""
    internal: bool = False
    subnets: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    machine: str = ""

    @property
    def ranges(self) -> tuple[IPNetwork, ...]:
        """The subnets as networks, also where the engine tells one by an address in it; what is none is left out."""
        return tuple(found for subnet in self.subnets if (found := _network(subnet)) is not None)


def _network(text: str) -> IPNetwork | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Container:
    """A container. `netns` is the id of its namespace in the snapshot; None when it has none (not running).

    `network_mode` is bridge, host, none, container:ID or a network's name. `state` is the engine's word
    (running, paused, exited, created). `command` is the engine's command line client, with the options
    that reach this engine (["docker", "-H", "unix:///run/x.sock"]). `pod` is the name of the pod whose namespace the
    container shares, "" outside of pods. `labels` are those that a reverse proxy reads, and no others.
    `client_proxy` is what its environment says of proxies. `machine` is the name of its host, where there are several.
    `exit_code` is what its program ended with, where it has ended. `misplaced` are ports that its command names as the
    engine's client publishes them: the option stood behind the image's name, and was the program's.
    """

    id: str
    name: str
    engine: str
    state: str
    image: str = ""
    netns: str | None = None
    pid: int | None = None
    network_mode: str = "bridge"
    attachments: tuple[Attachment, ...] = ()
    published: tuple[PublishedPort, ...] = ()
    project: str = ""
    service: str = ""
    command: tuple[str, ...] = ()
    pod: str = ""
    mounts: tuple[Mount, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    client_proxy: ClientProxy | None = None
    machine: str = ""
    exit_code: int | None = None
    misplaced: tuple[PublishedPort, ...] = ()

    @property
    def joins_another(self) -> bool:
        """Whether it lives in another container's network, where that one's ports are published; a pod's is its own."""
        return self.network_mode.startswith("container:") and not self.pod

    @property
    def of_host(self) -> bool:
        """Whether its engine serves the host's namespace; any other engine has its socket in its name."""
        return " " not in self.engine
