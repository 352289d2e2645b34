"""Docker's API documents as nouns: pure, and never surprised by a document of another shape.

1. `parse_network` reads an element of /networks; `parse_container` an element of /containers/json together
   with /containers/ID/json. Podman's compatible API has the same documents.
2. Published ports are what the engine intends: for a running container what it says it bound
   (NetworkSettings.Ports, with the ports that it chose itself), else what it was asked for
   (HostConfig.PortBindings). Host port 0 is "one that the engine chooses at the start".
3. Only the fields named here are looked at, so other labels never get in, nor do commands but the ports that were
   meant for the engine, nor environment variables but those that name a proxy, without who logs in there.
4. A field that is absent or of another type is as good as empty.

Source: the engine's API reference (moby, api/swagger.yaml, ContainerSummary, ContainerInspect, Network).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from ipaddress import ip_address

from engine.model.address import IPAddress, family_of
from engine.model.application.client_proxy import client_proxy
from engine.model.container import Attachment, Container, Mount, Network, PublishedPort
from engine.model.packet import Protocol

#: Network options that decide a packet's way: those of Docker's bridge driver, and of macvlan and ipvlan.
OPTION_PREFIX = "com.docker.network."
PLAIN_OPTIONS = frozenset({"parent", "mode", "macvlan_mode", "ipvlan_mode", "ipvlan_flag", "isolate", "vlan", "mtu"})
BRIDGE_NAME = "com.docker.network.bridge.name"
PROJECT_LABELS = ("com.docker.compose.project", "io.podman.compose.project")
SERVICE_LABELS = ("com.docker.compose.service", "io.podman.compose.service")

#: Labels of Traefik that decide where a request goes (doc.traefik.io, "Docker" provider).
PROXY_LABELS = re.compile(
    r"traefik\.(enable|docker\.network|http\.routers\.[^.]+\.(rule|entrypoints|service|tls|priority)"
    r"|http\.services\.[^.]+\.loadbalancer\.server\.(port|scheme))"
)

#: States of a container whose program has ended (Docker's word for each).
ENDED = frozenset({"exited", "restarting", "dead"})
#: An option of `docker run` that publishes a port, as words that are each between two NULs.
_PUBLISHING = re.compile(r"\0(?:-p|--publish)[\0=]?(?:[0-9.]+:)?([0-9]{1,5}):([0-9]{1,5})(?:/(tcp|udp))?(?=\0)")

Document = Mapping[str, object]


def child(document: object, *keys: str) -> Document:
    """The object at a path of keys, empty where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if isinstance(document, Mapping) else {}


def items(document: object, key: str) -> list[object]:
    """The list under a key, empty where there is none."""
    value = child(document).get(key)
    return value if isinstance(value, list) else []


def text(document: object, key: str) -> str:
    """The text under a key, "" where there is none."""
    value = child(document).get(key)
    return value if isinstance(value, str) else ""


def number(document: object, key: str) -> int:
    """The number under a key, 0 where there is none."""
    value = child(document).get(key)
    return value if isinstance(value, int) else 0


def address(document: object, key: str) -> IPAddress | None:
    """The address under a key, None where there is none."""
    try:
        return ip_address(text(document, key).partition("/")[0])
    except ValueError:
        return None


def parse_network(document: object, engine: str) -> Network:
    """A network. The bridge's name is the option of that name, else Docker's `br-` and the start of the id."""
    options = child(document, "Options")
    driver = text(document, "Driver")
    bridge = text(options, BRIDGE_NAME)
    if driver == "bridge" and not bridge and engine.startswith("docker"):
        bridge = f"br-{text(document, 'Id')[:12]}"
    kept = ((name, value) for name, value in options.items() if isinstance(value, str))
    return Network(
        name=text(document, "Name"),
        engine=engine,
        driver=driver,
        bridge=bridge,
        internal=child(document).get("Internal") is True,
        subnets=tuple(text(part, "Subnet") for part in items(child(document, "IPAM"), "Config")),
        options=tuple(sorted(pair for pair in kept if pair[0].startswith(OPTION_PREFIX) or pair[0] in PLAIN_OPTIONS)),
    )


def parse_container(
    listed: object, inspected: object, engine: str, command: tuple[str, ...], network_names: Mapping[str, str]
) -> Container:
    """A container; `network_names` has the networks' names by id. `netns` is left to who sees the namespaces."""
    labels = child(listed, "Labels")
    state = child(inspected, "State")
    mode = text(child(inspected, "HostConfig"), "NetworkMode") or text(child(listed, "HostConfig"), "NetworkMode")
    return Container(
        id=text(listed, "Id"),
        name=_name(listed, inspected),
        engine=engine,
        state=text(state, "Status") or text(listed, "State"),
        image=text(listed, "Image"),
        pid=number(state, "Pid") or None,
        network_mode="bridge" if mode in ("", "default") else network_names.get(mode, mode),
        attachments=_attachments(
            child(inspected, "NetworkSettings", "Networks") or child(listed, "NetworkSettings", "Networks")
        ),
        published=_published(inspected),
        project=_label(labels, PROJECT_LABELS),
        service=_label(labels, SERVICE_LABELS),
        command=command,
        mounts=tuple(_mounts(inspected)),
        client_proxy=client_proxy(each for each in items(child(inspected, "Config"), "Env") if isinstance(each, str)),
        labels=tuple(sorted((key, value) for key, value in labels.items() if of_proxy(key) and isinstance(value, str))),
        exit_code=number(state, "ExitCode") if text(state, "Status") in ENDED else None,
        misplaced=tuple(_misplaced(items(child(inspected, "Config"), "Cmd"))),
    )


def _misplaced(words: Sequence[object]) -> Iterator[PublishedPort]:
    """Ports in a command line that are given as `docker run` takes them, of which nothing else is kept."""
    line = "".join(f"\0{word}" for word in words if isinstance(word, str)) + "\0"
    for found in _PUBLISHING.finditer(line):
        outer, inner, protocol = found.groups()
        if 0 < int(outer) < 1 << 16 and 0 < int(inner) < 1 << 16:
            yield PublishedPort(Protocol(protocol or "tcp"), None, int(outer), int(inner))


def _mounts(inspected: object) -> Iterator[Mount]:
    """What of the host's files a container has."""
    for each in items(inspected, "Mounts"):
        if text(each, "Type") == "bind" and text(each, "Source") and text(each, "Destination"):
            yield Mount(text(each, "Source"), text(each, "Destination"))


def of_proxy(label: str) -> bool:
    """Whether a label says where a reverse proxy passes requests on to; labels with passwords are not among them."""
    return PROXY_LABELS.fullmatch(label) is not None


def sandbox_key(inspected: object) -> str:
    """The file of the container's network namespace, as the engine names it; "" where it has none of its own."""
    return text(child(inspected, "NetworkSettings"), "SandboxKey")


def _name(listed: object, inspected: object) -> str:
    """The container's own name; its list of names also has the aliases that links gave it ("/other/alias")."""
    names = [text(inspected, "Name"), *(name for name in items(listed, "Names") if isinstance(name, str))]
    own = [name.removeprefix("/") for name in names if name and "/" not in name[1:]]
    return own[0] if own else text(listed, "Id")[:12]


def _label(labels: Document, names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := text(labels, name))), "")


def _attachments(networks: Document) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            network=name,
            address=address(end, "IPAddress"),
            address6=address(end, "GlobalIPv6Address"),
            gateway=address(end, "Gateway"),
            mac=text(end, "MacAddress"),
            gateway6=address(end, "IPv6Gateway"),
            aliases=_aliases(end),
        )
        for name, end in sorted(networks.items())
    )


def _aliases(end: object) -> tuple[str, ...]:
    """The names in one network: all of them since Docker 25, before that those beside the container's own."""
    names = items(end, "DNSNames") or items(end, "Aliases")
    return tuple(name for name in names if isinstance(name, str))


def _published(inspected: object) -> tuple[PublishedPort, ...]:
    """What is published, each once, by container port. A wildcard is of one IP version where that was asked for."""
    bound = child(inspected, "NetworkSettings", "Ports")
    asked = child(inspected, "HostConfig", "PortBindings")
    found = {
        published
        for port in {*bound, *asked}
        for wanted in ({address(binding, "HostIp") for binding in items(asked, port)},)
        for published in (*_bindings(port, items(bound, port), wanted),)
        or (*_bindings(port, items(asked, port), wanted),)
    }
    return tuple(sorted(found, key=_order))


def _bindings(port: str, bindings: list[object], wanted: AbstractSet[IPAddress | None]) -> Iterator[PublishedPort]:
    """The bindings of one container port, written "80/tcp", with the host addresses that were asked for. A range of
    host ports counts as chosen at the start."""
    digits, _, protocol = port.partition("/")
    for binding in bindings:
        host = text(binding, "HostPort")
        where = address(binding, "HostIp")
        try:
            yield PublishedPort(
                Protocol(protocol or "tcp"),
                None if where is None or where.is_unspecified else where,
                int(host) if host.isdecimal() else 0,
                int(digits),
                family_of(where) if where is not None and where.is_unspecified and where in wanted else None,
            )
        except ValueError:
            continue


def _order(port: PublishedPort) -> tuple[object, ...]:
    packed = port.host_address.packed if port.host_address else b""
    return (port.container_port, port.protocol, port.host_port, packed, port.family or "")
