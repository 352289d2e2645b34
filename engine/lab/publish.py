"""Which host port leads to which container, in the order in which an engine publishes them. Pure.

A container's ports are published on its way out; the larger port first, TCP before UDP, as moby's portmap sorts
them. A port without a host port gets the next free one from 32768 on.
"""

from __future__ import annotations

from ipaddress import ip_address

from engine.lab.blueprint import Node, Published
from engine.lab.spec import FilePlace, LabSpec, PortSpec
from engine.model.address import IPAddress
from engine.model.packet import Protocol

#: The start of the ephemeral range (net.ipv4.ip_local_port_range).
FIRST_RANDOM = 32768


def publish(spec: LabSpec, nodes: tuple[Node, ...]) -> tuple[Published, ...]:
    """All published ports. Raises LabFileError for one that is taken."""
    taken = Taken()
    for listen in dict(spec.listens).get("host", ()):
        taken.claim(FilePlace(spec.file, 1, "x-lab.listens.host"), listen.protocol, listen.address, listen.port)
    wanted = [(service, port) for service in spec.services for port in service.ports]
    bindings = {network.name: network.binding for network in spec.networks}
    exits = {node.name: node.exit for node in nodes}
    addresses: dict[tuple[str, PortSpec], IPAddress | None] = {}
    for service, port in wanted:
        end = exits[service.name]
        address = port.host_address or (bindings.get(end.bridge.name) if end else None)
        addresses[service.name, port] = None if address == ip_address("0.0.0.0") else address
        if port.host_port is not None and end is not None:
            taken.claim(port.place, port.protocol, addresses[service.name, port], port.host_port)
    found = []
    for service in spec.services:
        end = exits[service.name]
        order = sorted(service.ports, key=lambda port: (-port.container_port, port.protocol is not Protocol.TCP))
        for port in order if end is not None else ():
            address = addresses[service.name, port]
            number = port.host_port or taken.next_free(port.place, port.protocol, address)
            found.append(Published(service.name, port.protocol, address, number, port.container_port, end))  # type: ignore[arg-type]
    return tuple(found)


class Taken:
    """Ports of the host that are in use. An address None is every address."""

    def __init__(self) -> None:
        self._by: dict[tuple[Protocol, int], list[tuple[IPAddress | None, FilePlace]]] = {}

    def claim(self, place: FilePlace, protocol: Protocol, address: IPAddress | None, port: int) -> None:
        """Takes a port. Raises LabFileError when it is taken."""
        other = self._holder(protocol, address, port)
        if other is not None:
            raise place.wrong(
                f"publishes {port}/{protocol}, which {other.name} (line {other.line}) has", "choose another port"
            )
        self._by.setdefault((protocol, port), []).append((address, place))

    def next_free(self, place: FilePlace, protocol: Protocol, address: IPAddress | None) -> int:
        """The next free port of the ephemeral range, which is then taken."""
        port = next(port for port in range(FIRST_RANDOM, 65536) if self._holder(protocol, address, port) is None)
        self.claim(place, protocol, address, port)
        return port

    def _holder(self, protocol: Protocol, address: IPAddress | None, port: int) -> FilePlace | None:
        for held, place in self._by.get((protocol, port), []):
            if held is None or address is None or held == address:
                return place
        return None
