"""What Podman keeps of its containers and networks as nouns: pure, and never surprised by a record of another shape.

A record is the part of Podman's own database that `podman` reads, a network the JSON file that netavark reads. Host
port 0 does not occur: Podman writes down the port that it chose. A field that is absent or of another type is as good
as empty.
Sources: libpod/container_config.go, libpod/container.go (ContainerState), libpod/define/containerstate.go;
containers/common, libnetwork/types/network.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.application.client_proxy import client_proxy
from engine.model.container import Attachment, Container, Mount, Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.engines.docker_documents import PROJECT_LABELS, SERVICE_LABELS, Document, child, items, number, text
from engine.records import dataclass, field, replace

#: States by number, in the words of `podman ps`.
STATES = ("unknown", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping")
#: The network that there is without a file for it.
DEFAULT = Network("podman", "", "bridge", "podman0", subnets=("10.88.0.0/16",))
#: Ports that one mapping may publish; more are damage.
_WIDEST = 65536

#: Files that Podman writes and mounts for each container.
OWN_MOUNTS = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/dev/shm"})


@dataclass(frozen=True, slots=True)
class Record:
    """A container as it is written down. `config` and `state` are objects with the fields that are asked for."""

    id: str
    name: str
    config: Document = field(default_factory=dict)
    state: Document = field(default_factory=dict)

    @property
    def pid(self) -> int | None:
        """Its first process, None when it has none."""
        return number(self.state, "pid") or None

    @property
    def netns(self) -> str:
        """The file of its network namespace, "" where it has none of its own."""
        return text(self.state, "netns")


def parse_record(key: object, name: object, config: object, state: object) -> Record:
    """A row of the database; what is not JSON counts as empty."""
    return Record(str(key), str(name), parse_document(config), parse_document(state))


def parse_document(raw: object) -> Document:
    """A JSON object; what is none counts as empty."""
    try:
        found = json.loads(raw) if isinstance(raw, str | bytes) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def parse_container(record: Record, engine: str, command: tuple[str, ...], *, alive: bool) -> Container:
    """A container. `alive` says whether its process runs: a state that claims so is not believed without."""
    known = number(record.state, "state")
    state = STATES[known] if 0 <= known < len(STATES) else "unknown"
    labels = child(record.config, "labels")
    return Container(
        id=record.id,
        name=record.name,
        engine=engine,
        state="exited" if state in ("running", "paused") and not alive else state,
        image=text(record.config, "rootfsImageName"),
        pid=record.pid if alive else None,
        network_mode=_mode(record.config),
        attachments=tuple(_attachments(record)),
        published=tuple(sorted(set(_published(record.config)), key=_order)),
        project=next((found for label in PROJECT_LABELS if (found := text(labels, label))), ""),
        service=next((found for label in SERVICE_LABELS if (found := text(labels, label))), ""),
        command=command,
        pod=text(record.config, "pod"),
        mounts=tuple(_mounts(record.config)),
        client_proxy=client_proxy(each for each in items(record.config, "env") if isinstance(each, str)),
    )


def own_part(container: Container) -> Container:
    """A container without what Podman's inspection, which imitates Docker's, tells too much or too little.

    Of one that lives in another container's namespace it tells the other's networks and ports, the mode of one that is
    in a network with a name is "bridge", and 0.0.0.0 is also where a port without an address is published.
    """
    if container.network_mode.startswith("container:"):
        return replace(container, attachments=(), published=())
    container = replace(container, published=tuple(replace(port, family=None) for port in container.published))
    names = [place.network for place in container.attachments]
    if container.network_mode == "bridge" and names and DEFAULT.name not in names:
        return replace(container, network_mode=names[0])
    return container


def _mode(config: Document) -> str:
    """bridge, host, none, container:ID, or the name of the first network."""
    if other := text(config, "netNsCtr"):
        return f"container:{other}"
    if config.get("createNetNS") is True:
        network = next(iter(sorted(child(config, "newNetworks"))), DEFAULT.name)
        return "bridge" if network == DEFAULT.name else network
    own = any(text(part, "type") == "network" for part in items(config, "namespaces"))
    return "none" if own else "host"


def _attachments(record: Record) -> Iterator[Attachment]:
    status = child(record.state, "networkStatus")
    wanted = child(record.config, "newNetworks")
    for name in sorted({*wanted, *status}):
        ends = child(status, name, "interfaces")
        subnets = [subnet for end in ends.values() for subnet in items(end, "subnets")]
        addresses = [found for subnet in subnets if (found := _address(text(subnet, "ipnet")))]
        gateways = [found for subnet in subnets if (found := _address(text(subnet, "gateway")))]
        yield Attachment(
            network=name,
            address=next((address for address in addresses if address.version == 4), None),
            address6=next((address for address in addresses if address.version == 6), None),
            gateway=next((gateway for gateway in gateways if gateway.version == 4), None),
            mac=next((text(end, "mac_address") for end in ends.values()), ""),
            gateway6=next((gateway for gateway in gateways if gateway.version == 6), None),
            aliases=tuple(_aliases(wanted.get(name), record.id)),
        )


def _aliases(place: object, own: str) -> Iterator[str]:
    """The names that a container was given in a network, without the beginning of its id, which each has."""
    for each in items(place, "aliases"):
        if isinstance(each, str) and not own.startswith(each):
            yield each


def _mounts(config: Document) -> Iterator[Mount]:
    """What of the host's files a container has, without those that Podman makes for each."""
    for each in items(config, "mounts"):
        source, target = text(each, "source"), text(each, "destination")
        if text(each, "type") == "bind" and source.startswith("/") and target not in OWN_MOUNTS and source != target:
            yield Mount(source, target)


def _address(words: str) -> IPAddress | None:
    try:
        return ip_address(words.partition("/")[0])
    except ValueError:
        return None


def _published(config: Document) -> Iterator[PublishedPort]:
    for mapping in items(config, "newPortMappings"):
        where = _address(text(mapping, "host_ip"))
        host, inside = number(mapping, "host_port"), number(mapping, "container_port")
        for word in (text(mapping, "protocol") or "tcp").split(","):
            for step in range(min(max(number(mapping, "range"), 1), _WIDEST)):
                if word in list(Protocol) and max(host, inside) + step < _WIDEST:
                    address = None if where is None or where.is_unspecified else where
                    yield PublishedPort(Protocol(word), address, host + step, inside + step)


def _order(port: PublishedPort) -> tuple[object, ...]:
    packed = port.host_address.packed if port.host_address else b""
    return (port.container_port, port.protocol, port.host_port, packed)


def parse_network(document: object, engine: str) -> Network | None:
    """A network, as its file and Podman's own API describe it; None for what is none."""
    options = child(document, "options")
    if not text(document, "name"):
        return None
    return Network(
        name=text(document, "name"),
        engine=engine,
        driver=text(document, "driver"),
        bridge=text(document, "network_interface") if text(document, "driver") == "bridge" else "",
        internal=child(document).get("internal") is True,
        subnets=tuple(text(subnet, "subnet") for subnet in items(document, "subnets")),
        options=tuple(sorted((key, value) for key, value in options.items() if isinstance(value, str))),
    )


def options_of(words: list[str], names: Mapping[str, str]) -> dict[str, str]:
    """Values of the options in `names` on a command line of `--name value` and `--name=value`."""
    found: dict[str, str] = {}
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found[name] = value if equals else next(iter(words[position + 1 : position + 2]), "")
    return found
