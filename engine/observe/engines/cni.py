"""What CNI plugins were asked to do for a sandbox and gave it, from what libcni keeps while the sandbox is there.

containerd (for Kubernetes and nerdctl) and CRI-O put containers and pods into networks by libcni. It keeps a file for
each network of each sandbox: the network's configuration, addresses, and the host ports that were asked for.
`parse_result` is pure; a field that is absent or of another type is as good as empty. The loopback that every sandbox
has is left out.

Sources: containernetworking/cni (libcni/api.go, cachedInfo; SPEC.md), containerd/go-cni and cri-o/ocicni (PortMapping).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.container import Attachment, Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.engines.docker_documents import Document, address, child, items, number, text
from engine.observe.engines.podman_documents import parse_document
from engine.records import dataclass

#: Where libcni keeps its results, unless its caller says otherwise, which none of the engines does.
RESULTS = "/var/lib/cni/results"
#: Bytes of the largest result that is read.
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Joined:
    """A sandbox in one network: its id, the pod that it is of ("" for none), its place, its ports, and the network."""

    sandbox: str
    netns: str
    pod: str
    attachment: Attachment
    published: tuple[PublishedPort, ...]
    network: Network


def read_results(engine: str, root: str = "") -> tuple[Joined, ...]:
    """What is kept for the `engine` whose file system begins at `root`, by file name. Raises OSError."""
    folder = root + RESULTS
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return ()
    read = (parse_result(document, engine) for document in _documents(f"{folder}/{name}" for name in names))
    return tuple(each for each in read if each is not None)


def _documents(paths: Iterable[str]) -> Iterator[Document]:
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                yield parse_document(stream.read(_LARGEST))
        except FileNotFoundError:  # the sandbox has gone
            continue


def parse_result(document: Document, engine: str) -> Joined | None:
    """What one file tells, None for a loopback and for what is no result."""
    name, sandbox = text(document, "networkName"), text(document, "containerId")
    if not name or not sandbox or text(document, "ifName") == "lo":
        return None
    result = child(document, "result")
    interfaces = items(result, "interfaces")
    inside = [each for each in interfaces if text(each, "sandbox")]
    return Joined(
        sandbox,
        text(document, "netns") or next((text(each, "sandbox") for each in inside), ""),
        _argument(document, "K8S_POD_NAME"),
        _attachment(name, items(result, "ips"), next((text(each, "mac") for each in inside), "")),
        tuple(_published(items(child(document, "capabilityArgs"), "portMappings"))),
        _network(name, engine, _decoded(text(document, "config"))),
    )


def _argument(document: Document, name: str) -> str:
    pairs = (each for each in items(document, "cniArgs") if isinstance(each, list) and len(each) == 2)
    return next((value for key, value in pairs if key == name and isinstance(value, str)), "")


def _attachment(network: str, ips: list[object], mac: str) -> Attachment:
    """The first address of each family."""
    found: dict[int, tuple[IPAddress, IPAddress | None]] = {}
    for each in ips:
        own = address(each, "address")
        if own is not None:
            found.setdefault(own.version, (own, address(each, "gateway")))
    four, six = found.get(4, (None, None)), found.get(6, (None, None))
    return Attachment(network, four[0], six[0], four[1], mac, six[1])


def _published(mappings: list[object]) -> Iterator[PublishedPort]:
    """Ports that are published on the host; containerd writes the keys with a capital letter, CRI-O does not."""
    for mapping in mappings:
        lower: Mapping[str, object] = {key.lower(): value for key, value in child(mapping).items()}
        where = _host_address(text(lower, "hostip"))
        host, inside = number(lower, "hostport"), number(lower, "containerport")
        word = text(lower, "protocol").lower() or "tcp"
        if word in list(Protocol) and 0 < host < 65536 and 0 < inside < 65536:
            yield PublishedPort(Protocol(word), where, host, inside)


def _host_address(words: str) -> IPAddress | None:
    try:
        found = ip_address(words)
    except ValueError:
        return None
    return None if found.is_unspecified else found


def _network(name: str, engine: str, configuration: Document) -> Network:
    """The network by its first plugin, which is the one that makes the device."""
    plugin = next(iter(items(configuration, "plugins")), configuration)
    driver = text(plugin, "type")
    bridge = (text(plugin, "bridge") or "cni0") if driver == "bridge" else ""
    ipam = child(plugin, "ipam")
    ranges = (part for row in items(ipam, "ranges") if isinstance(row, list) for part in row)
    subnets = tuple(found for part in (ipam, *ranges) if (found := text(part, "subnet")))
    return Network(name, engine, driver, bridge, subnets=subnets)


def _decoded(words: str) -> Document:
    try:
        return parse_document(base64.b64decode(words))
    except ValueError:
        return {}
