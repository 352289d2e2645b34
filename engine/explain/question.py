"""What the user typed, as a `Question`: targets and sources by address, port, container or namespace.

TARGET: `ADDRESS:PORT`, `[V6]:PORT` (`[fe80::1%DEVICE]:PORT` for a link-local one), `CONTAINER:PORT` (a port of the
container), `NAME:PORT` (a name that the source looks up), `:PORT` (published on this host), or the URL that a program
was given (RFC 3986: `http://HOST[:PORT]/…`, `postgres://HOST/…`). For ICMP: `ADDRESS`, `CONTAINER` or `NAME`, without a
port. How a word becomes an address is in `target_host`.
SOURCE: `host`, `ns:NAME`, a container's name or id, each with `/ADDRESS` for a client that binds that one, or an
outside `ADDRESS[:PORT][@DEVICE]` (`[V6]:PORT`); with its port the client is one that keeps it, and so belongs to the
flow that is tracked for it. Without DEVICE an outside client arrives where its subnet is, or where it is a neighbour,
else by the device of the route back to it.
Where the snapshot has several hosts, both may begin with `HOST/` (`across_hosts`), and SOURCE may be `HOST` alone.
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv6Address, ip_address

from engine.explain.across_hosts import Expected, asker_of, host_of_target
from engine.explain.target_host import (
    Host,
    Near,
    QuestionError,
    did_you_mean,
    end_of_url,
    find_container,
    host_of,
    netns_of,
    web_url,
)
from engine.model.address import IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.packet import ECHO_PROTOCOLS, Protocol
from engine.model.verdict import Question, Source
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.records import replace

__all__ = ["QuestionError", "find_container", "namespace", "resolve", "resolve_each"]

#: Protocols that have ports, as they stand behind one.
ENDS = ("tcp", "udp", "sctp")


def resolve(snapshot: Snapshot, target: str, source: str = "host", protocol: Protocol = Protocol.TCP) -> Question:
    """The question. Raises `QuestionError` with one line for what can't be understood or is not there."""
    here, source = asker_of(snapshot, source or "host")
    there, target = host_of_target(snapshot, here, target)
    ping = protocol in ECHO_PROTOCOLS
    end = target if ping else end_of_url(target)
    end, protocol = (end, protocol) if ping else _with_protocol(end, protocol)
    near = Near(here, _near(here, source), url=end != target and "://" in target)
    if there is not None and there.snapshot is not here:
        end = there.nearest(near.netns, end, protocol)
        near = Near(there.snapshot, None)
    host, port = _ping_target(near, end) if ping else _target(near, end, protocol)
    address = host.address
    zone = getattr(address, "scope_id", None) or ""
    address = IPv6Address(int(address)) if zone else address
    client = _source(here, source, address)
    if zone and zone not in snapshot.by_id[client.netns].links_by_name:
        raise QuestionError(f"target {target!r}: {client.netns} has no device {zone!r}")
    if ping:
        protocol = Protocol.ICMP if address.version == 4 else Protocol.ICMPV6
    url = web_url(target) if protocol is Protocol.TCP else None
    expected = there.name if there is not None else ""
    return Question(client, address, port, protocol, end, zone, host.name, url, expected)


def resolve_each(
    snapshot: Snapshot, target: str, source: str = "host", protocol: Protocol = Protocol.TCP
) -> list[Question]:
    """As `resolve`, with a question for each address at which another host asks for `HOST/:PORT`."""
    first = resolve(snapshot, target, source, protocol)
    if not first.expected or first.source.outside:
        return [first]
    asker, part = snapshot.by_id[first.source.netns], snapshot.part(first.expected)
    if asker.machine == first.expected:
        return [first]
    ends = Expected(first.expected, snapshot, part).each(asker, target.rpartition("/")[2], protocol)
    return (
        [resolve(snapshot, f"{first.expected}/{end}", source, protocol) for end in ends] if len(ends) > 1 else [first]
    )


def _with_protocol(target: str, protocol: Protocol) -> tuple[str, Protocol]:
    """A target as answers and `docker ps` write it (`db:53/udp`): without its protocol, which is the question's."""
    end, slash, word = target.rpartition("/")
    if not slash or not end.rpartition(":")[2].isdecimal():
        return target, protocol
    if word.lower() not in ENDS:
        raise QuestionError(f"target {target!r}: the protocol is one of {', '.join(ENDS)}")
    named = Protocol(word.lower())
    if protocol not in (Protocol.TCP, named):
        raise QuestionError(f"target {target!r}: {named} and --{protocol} contradict each other")
    return end, named


def _near(snapshot: Snapshot, source: str) -> Netns | None:
    """The client's namespace, None for a client outside: a name or a bare port means what is nearest to it."""
    source = source.rpartition("/")[0] or source
    if source == "host":
        return snapshot.host_netns
    if source.startswith("ns:"):
        return _named_netns(snapshot, source[3:])
    if _client(source.partition("@")[0]) is not None or "@" in source:
        return None
    return netns_of(snapshot, find_container(snapshot, source))


def _target(near: Near, target: str, protocol: Protocol) -> tuple[Host, int]:
    host, colon, port_text = target.rpartition(":")
    if not colon or (host.startswith("[") != host.endswith("]")) or (":" in host and not host.startswith("[")):
        raise QuestionError(f"target {target!r}: write ADDRESS:PORT, [IPV6]:PORT, CONTAINER:PORT or :PORT")
    port = _port("target", target, port_text)
    if not host:
        return Host(_published_address(near.snapshot, port, protocol, near.netns)), port
    return host_of(near, host.strip("[]"), target), port


def _ping_target(near: Near, target: str) -> tuple[Host, int]:
    """An address, a container or a name: an echo has no port."""
    bare = target[1:-1] if target.startswith("[") and target.endswith("]") else target
    host, colon, port = bare.rpartition(":")
    if colon and (":" not in host or host.endswith("]")) and (port.isdecimal() or not host):
        raise QuestionError(f"target {target!r}: ping has no port: write ADDRESS or CONTAINER")
    return host_of(near, bare, target), 0


def _port(what: str, whole: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise QuestionError(f"{what} {whole!r}: {text!r} is not a port number")
    digits = text.lstrip("0") or "0"
    if len(digits) > 5 or not 1 <= int(digits) <= 65535:
        raise QuestionError(f"{what} {whole!r}: port {digits} is not between 1 and 65535")
    return int(digits)


def _published_address(snapshot: Snapshot, port: int, protocol: Protocol, near: Netns | None) -> IPAddress:
    """The host's own address for `:PORT`: the one it is published on alone, else the host's first global address. A
    loopback address is only the host's own to ask: another client asks where it can."""
    same = [one for _, one in snapshot.published if (one.host_port, one.protocol) == (port, protocol)]
    bound = [one.host_address for one in same if one.host_address is not None and not one.host_address.is_unspecified]
    here = near is not None and near.id == snapshot.host
    if bound and len(bound) == len(same) and (here or not bound[0].is_loopback):
        return bound[0]
    own = [a.address for a in snapshot.host_netns.addresses if a.scope == "global" and a.address.version == 4]
    uplinks = {link.index for link in snapshot.host_netns.links if link.kind != "bridge"}
    first = [a.address for a in snapshot.host_netns.addresses if a.link in uplinks and a.address in own]
    if not own:
        raise QuestionError(f"target ':{port}': this host has only loopback IPv4 addresses; write 127.0.0.1:{port}")
    return (first or own)[0]


def _source(snapshot: Snapshot, source: str, towards: IPAddress) -> Source:
    where, slash, bound = source.rpartition("/")
    if slash and where:
        return _bound(snapshot, source, where, bound, towards)
    if source == "host":
        return Source(snapshot.host)
    if source.startswith("ns:"):
        return Source(_named_netns(snapshot, source[3:]).id)
    end, _, device = source.partition("@")
    client = _client(end)
    if client is None and device:
        raise QuestionError(f"source {source!r}: {end!r} is not an address: write ADDRESS@DEVICE for an outside client")
    if client is None:
        return Source(netns_of(snapshot, find_container(snapshot, source)).id)
    address, port = client
    if address.version != towards.version:
        raise QuestionError(f"source {address} and target {towards} are of different IP versions")
    return replace(outside_client(snapshot, address, device), port=port)


def _bound(snapshot: Snapshot, source: str, where: str, text: str, towards: IPAddress) -> Source:
    """A client that binds its source address, as `curl --interface ADDRESS` does."""
    client = _source(snapshot, where, towards)
    try:
        address = ip_address(text)
    except ValueError:
        raise QuestionError(f"source {source!r}: {text!r} is not an address: write SOURCE/ADDRESS") from None
    if address not in snapshot.by_id[client.netns].addresses_by_value or client.outside:
        raise QuestionError(f"source {source!r}: {client.netns} has no address {address} to bind")
    if address.version != towards.version:
        raise QuestionError(f"source {address} and target {towards} are of different IP versions")
    return replace(client, address=address)


def _client(text: str) -> tuple[IPAddress, int | None] | None:
    """An outside client's address, and its port where that is told; None for what is no address."""
    host, colon, port = text.rpartition(":")
    with suppress(ValueError):
        return ip_address(text), None
    if not colon or host.startswith("[") != host.endswith("]"):
        return None
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return address, _port("source", text, port)


def namespace(snapshot: Snapshot, name: str) -> Netns:
    """The namespace of that name, or that of a container. Raises `QuestionError` for none."""
    if name == "host":
        return snapshot.host_netns
    if name in snapshot.by_id or not any(each.name == name for each in snapshot.containers):
        return _named_netns(snapshot, name)
    return netns_of(snapshot, find_container(snapshot, name))


def _named_netns(snapshot: Snapshot, name: str) -> Netns:
    for netns in snapshot.namespaces:
        if netns.id == name:
            return netns
    names = [netns.id for netns in snapshot.namespaces]
    raise QuestionError(f"no network namespace {name!r}{did_you_mean(name, names)}")


def outside_client(snapshot: Snapshot, address: IPAddress, device: str = "") -> Source:
    """A client outside of the host, that arrives on a device: where none is named, on the one that it is behind. Raises
    `QuestionError`."""
    host = snapshot.host_netns
    if device:
        if device not in host.links_by_name:
            names = list(host.links_by_name)
            raise QuestionError(f"no device {device!r} in {host.id}{did_you_mean(device, names)}")
        if host.links_by_name[device].kind == "loopback":
            raise QuestionError(f"no outside client can arrive on {device}: write --from host")
        return Source(host.id, address, device)
    if address in host.addresses_by_value:
        raise QuestionError(f"{address} is this host's own address: write --from host")
    link = _link_of(host, address)
    if link is None:
        raise QuestionError(f"{host.id} has no route to {address}: write {address}@DEVICE")
    return Source(host.id, address, link.name)


def _link_of(host: Netns, address: IPAddress) -> Link | None:
    """The device that a client outside is behind: of its subnet, or of a neighbour entry, else of the route back, which
    may be the very fault."""
    own = sorted((each for each in host.addresses if each.covers(address)), key=lambda each: -each.prefixlen)
    known = (each.link for each in host.neighbours if each.address == address and each.mac is not None)
    found = Fib(host).lookup(FlowKey(address))
    routed = [hop.link or 0 for hop in found.nexthops] if isinstance(found, Found) else []
    links = (host.links_by_index.get(index) for index in (*(each.link for each in own), *known, *routed))
    return next((link for link in links if link is not None and link.kind != "loopback"), None)
