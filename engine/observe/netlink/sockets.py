"""Listening sockets of one namespace: TCP and SCTP in LISTEN, and UDP that is bound and not connected.

1. `read_listeners` runs in a thread that is already in the namespace. It asks sock_diag, one dump for each
   protocol and family, and reads /proc/thread-self/net where the kernel cannot answer that.
2. Looking changes nothing: where sock_diag's module would have to be loaded first, /proc is read instead.
   /proc does not tell v6only, bound devices and queues; a `Gap` says so where that may matter.
3. A socket bound to an IPv4-mapped IPv6 address takes IPv4 only, so it is listed as an IPv4 listener.
4. `with_processes` is pure and comes last: read the listeners of every namespace, ask
   `processes.read_holders` once for all their inodes, then give each namespace's listeners their process.

Sources: sock_diag(7), linux/inet_diag.h, net/ipv4/inet_diag.c, proc_pid_net(5).
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from ipaddress import IPv6Address

from engine.model.address import Family
from engine.model.host import Gap
from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.model.traffic import Listener, Process
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.base.kernel_modules import answers
from engine.observe.netlink import decode, sctp
from engine.observe.netlink.client import Netlink, attributes
from engine.observe.proc.processes import Holder
from engine.records import replace

#: Sockets that listen, by protocol, as a state of net/tcp_states.h: TCP_LISTEN, and TCP_CLOSE for UDP.
LISTENING: dict[Protocol, int] = {Protocol.TCP: 10, Protocol.UDP: 7, Protocol.SCTP: 10}
#: The module that answers for each protocol.
MODULES: dict[Protocol, str] = {Protocol.TCP: "tcp_diag", Protocol.UDP: "udp_diag", Protocol.SCTP: "sctp_diag"}
FAMILIES: dict[Family, int] = {Family.INET: decode.AF_INET, Family.INET6: decode.AF_INET6}

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
INET_DIAG_SKV6ONLY = 11
#: inet_diag_sockopt, since Linux 5.9: bits in the order of the machine, `transparent` the sixth of the first byte.
INET_DIAG_SOCKOPT = 22
TRANSPARENT = 1 << (5 if sys.byteorder == "little" else 2)

#: inet_diag_req_v2: family, protocol, extensions, padding, states; its socket id stays zero.
_request = struct.Struct("=BBBxI48x")
#: inet_diag_msg: port and address (network order), device, then queues, user and inode.
_message = struct.Struct("=4x2s2x16s16xI8x4xIIII")
#: What a kernel without sock_diag, or without the module for a protocol, answers.
_UNSUPPORTED = (errno.ENOENT, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP, errno.EINVAL)

Listeners = tuple[Listener, ...]


def read_listeners(netns: str) -> tuple[Listeners, tuple[Gap, ...]]:
    """The listeners of the calling thread's network namespace, without their processes.

    `netns` is the namespace's id, for the gaps. Raises nothing.
    """
    found: list[Listener] = []
    gaps: list[Gap] = []
    with ExitStack() as stack:
        netlink = _open_sock_diag(stack)
        for protocol in LISTENING:
            if protocol is Protocol.SCTP and not os.path.exists(sctp.ENDPOINTS):
                continue
            try:
                if netlink is None or not _answers(protocol):
                    found += _by_proc(protocol, netns, gaps)
                else:
                    found += _by_sock_diag(netlink, protocol, netns, gaps)
            except (NetlinkError, OSError) as error:
                if isinstance(error, NetlinkError) and error.code in _UNSUPPORTED:
                    found += _by_proc(protocol, netns, gaps)
                else:
                    gaps.append(gap(f"{protocol} listeners", netns, error))
    return tuple(sorted(found, key=order)), tuple(gaps)


def _open_sock_diag(stack: ExitStack) -> Netlink | None:
    """A sock_diag socket, None where the kernel has none."""
    try:
        return stack.enter_context(Netlink(NETLINK_SOCK_DIAG))
    except OSError:
        return None


def with_processes(
    listeners: Iterable[Listener], holders: Mapping[int, Holder], published: Collection[tuple[Protocol, int]] = ()
) -> Listeners:
    """Gives listeners their process and, for relays, where that passes connections on.

    `published` are the ports that container engines were asked to publish: a listener of dockerd or conmon
    on another port is that program's own.
    """
    return tuple(replace(each, process=_process(each, holders.get(each.inode), published)) for each in listeners)


def _process(listener: Listener, holder: Holder | None, published: Collection[tuple[Protocol, int]]) -> Process | None:
    if holder is None or holder.program is None:
        return holder.process if holder else None
    if holder.program.holds_only_published and (listener.protocol, listener.port) not in published:
        return holder.process
    return replace(holder.process, relay=holder.program.relay_for(listener.protocol, listener.port))


def order(listener: Listener) -> tuple[object, ...]:
    """By protocol, port, family, address (the wildcard first); the inode makes the order total."""
    packed = listener.address.packed if listener.address else b""
    return (listener.protocol, listener.port, listener.family, packed, listener.device or 0, listener.inode)


def _answers(protocol: Protocol) -> bool:
    """Whether sock_diag can be asked without loading a module."""
    return answers(MODULES[protocol])


def _by_sock_diag(netlink: Netlink, protocol: Protocol, netns: str, gaps: list[Gap]) -> list[Listener]:
    """Both families' listeners. Raises NetlinkError or OSError."""
    found: list[Listener] = []
    for family, number in FAMILIES.items():
        request = _request.pack(number, PROTOCOL_NUMBERS[protocol], 0, 1 << LISTENING[protocol])
        dump = netlink.dump(SOCK_DIAG_BY_FAMILY, request)
        for _, body in dump.messages:
            found += parse_sctp(body, family) if protocol is Protocol.SCTP else [parse_diag(body, protocol, family)]
        if not dump.consistent:
            reason = "kept changing while it was read; rows may be missing or twice"
            gaps.append(Gap(f"{protocol} listeners", netns, reason))
    return found


@decode.decodes("a socket")
def parse_diag(body: bytes, protocol: Protocol, family: Family) -> Listener:
    """An inet_diag_msg with its attributes as a listener. Raises NetlinkError for damaged bytes."""
    port, packed, device, queued, backlog, uid, inode = _message.unpack_from(body)
    parts = attributes(body, _message.size)
    options = parts.get(INET_DIAG_SOCKOPT, b"")
    found = Listener(
        protocol,
        family,
        decode.address(packed[:4] if family is Family.INET else packed),
        decode.be16(port),
        v6only=any(parts.get(INET_DIAG_SKV6ONLY, b"")),
        device=device or None,
        inode=inode,
        uid=uid,
        transparent=bool(options[0] & TRANSPARENT) if options else None,
    )
    if protocol is not Protocol.UDP:
        found = replace(found, queued=queued, backlog=backlog)
    return plain(found)


@decode.decodes("a socket")
def parse_sctp(body: bytes, family: Family) -> list[Listener]:
    """The same of an SCTP socket, for each address that it is bound to."""
    found = parse_diag(body, Protocol.SCTP, family)
    raw = attributes(body, _message.size).get(sctp.INET_DIAG_LOCALS)
    return [plain(each) for each in sctp.each_address(found, raw)]


def plain(listener: Listener) -> Listener:
    """The listener as packets meet it: a mapped address is IPv4, an unspecified one the wildcard (None)."""
    address = listener.address
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:
        listener = replace(listener, family=Family.INET, address=mapped, v6only=False)
    if listener.address is not None and listener.address.is_unspecified:
        return replace(listener, address=None)
    return listener


def _by_proc(protocol: Protocol, netns: str, gaps: list[Gap]) -> list[Listener]:
    """The same from /proc/thread-self/net; adds what that leaves open to `gaps`."""
    found: list[Listener] = []
    for family, path in _tables(protocol):
        try:
            with open(path, encoding="ascii", errors="replace") as lines:
                if protocol is Protocol.SCTP:
                    found += map(plain, sctp.parse_endpoints(lines))
                else:
                    found += parse_proc(lines, protocol, family)
        except FileNotFoundError:
            continue  # a kernel without IPv6 has no such sockets
        except OSError as error:
            gaps.append(gap(path, netns, error))
    if found:
        module = MODULES[protocol]
        reason = (
            f"v6only, bound devices and queues of {protocol} listeners are not known; `modprobe {module}` shows them"
        )
        gaps.append(Gap("sock_diag", netns, reason))
    return found


def _tables(protocol: Protocol) -> list[tuple[Family, str]]:
    """The files of /proc that list a protocol's sockets; that of SCTP has both families."""
    if protocol is Protocol.SCTP:
        return [(Family.INET, sctp.ENDPOINTS)]
    folder = f"/proc/thread-self/net/{protocol}"
    return [(Family.INET, folder), (Family.INET6, f"{folder}6")]


def parse_proc(lines: Iterable[str], protocol: Protocol, family: Family) -> list[Listener]:
    """Listeners in a table of proc_pid_net(5). Lines that are not sockets (the heading) are passed over."""
    return [found for line in lines if (found := _proc_line(line.split(), protocol, family))]


def _proc_line(words: list[str], protocol: Protocol, family: Family) -> Listener | None:
    try:
        if int(words[3], 16) != LISTENING[protocol]:
            return None
        host, port = words[1].split(":")
        address = decode.address(_proc_address(host))
        return plain(Listener(protocol, family, address, int(port, 16), inode=int(words[9]), uid=int(words[7])))
    except (ValueError, IndexError, struct.error):
        return None


def _proc_address(text: str) -> bytes:
    """/proc prints addresses as 32-bit words in the machine's byte order."""
    return b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
