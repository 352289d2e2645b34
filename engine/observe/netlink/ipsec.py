"""The IPsec policies of the calling thread's namespace, and how many states there are, by netlink (NETLINK_XFRM).

Two questions tell how many there are; policies are asked for where there are some. Policies of sockets are left out.
What the namespace does with packets that no policy is about is a policy of its own, the last one, where it blocks. A
kernel without the module has neither, and is not asked, as asking would load it; nor has one that is made without.

Sources: include/uapi/linux/xfrm.h, net/xfrm/xfrm_user.c; the words are those of ip-xfrm(8).
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from itertools import product

from engine.model.host import Gap
from engine.model.ipsec import Ipsec, IpsecPolicy
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.base.kernel_modules import answers
from engine.observe.netlink.client import Message, Netlink, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, decodes, network, u32
from engine.observe.netlink.policy_rule_text import IP_PROTOCOLS
from engine.observe.netlink.reader import Reader
from engine.records import replace

SOURCE = "IPsec"
NETLINK_XFRM = 6
_GET_POLICIES, _GET_STATE_COUNT, _GET_POLICY_COUNT, _GET_DEFAULT = 0x15, 0x23, 0x25, 0x28
_TEMPLATES, _MARK = 5, 21
#: Behind the four bytes of flags that begin the answers to questions about numbers.
_COUNTS = 1
_DIRECTIONS = ("in", "out", "fwd")
_BLOCKS = 1

#: struct xfrm_selector: addresses, ports with masks, family, lengths, protocol, device; then lifetimes; the rest of
#: struct xfrm_userpolicy_info: priority, index, direction, action. Attributes begin after padding.
_selector = struct.Struct("=16s16s8sHBBB3xi")
_ports = struct.Struct("!HHHH")
_rest = struct.Struct("=IIBB")
_REST, _ATTRIBUTES = 152, 168
#: struct xfrm_user_tmpl: where the protocol, the family and whether it may be left out are, and its size.
_TEMPLATE, _OPTIONAL = 64, 50


def read_ipsec(netns: str) -> tuple[Ipsec | None, tuple[Gap, ...]]:
    """What there is of it; None, with a gap, where that could not be read. `netns` is for the gap. Raises nothing."""
    if not answers("xfrm_user"):
        return Ipsec(), ()
    try:
        netlink = Netlink(NETLINK_XFRM)
    except OSError as error:
        # A kernel that is made without it has no such protocol.
        return (Ipsec(), ()) if error.errno == errno.EPROTONOSUPPORT else (None, (gap(SOURCE, netns, error),))
    with netlink:
        try:
            states = _first(netlink, _GET_STATE_COUNT)
            counted = _first(netlink, _GET_POLICY_COUNT)
        except (NetlinkError, OSError) as error:
            return None, (gap(SOURCE, netns, error),)
        reader = Reader(netlink, netns)
        policies = reader.read(SOURCE, _GET_POLICIES, b"", parse_policies) if any(counted) else ()
        if reader.gaps:
            return None, tuple(reader.gaps)
        return Ipsec((*policies, *_last(netlink)), sum(states[:1])), ()


def _first(netlink: Netlink, kind: int) -> tuple[int, ...]:
    """The numbers in the answer to a question about how many there are."""
    _, body = netlink.ask(kind, bytes(4))
    raw = attributes(body, 4).get(_COUNTS, b"")
    return struct.unpack(f"={len(raw) // 4}I", raw[: len(raw) // 4 * 4])


def _last(netlink: Netlink) -> tuple[IpsecPolicy, ...]:
    """What blocks packets that no policy is about; a kernel before 5.15 lets them pass."""
    try:
        _, body = netlink.ask(_GET_DEFAULT, bytes(3))
    except (NetlinkError, OSError):
        return ()
    # struct xfrm_userpolicy_default: in, fwd, out
    blocked = [name for name, action in zip(("in", "fwd", "out"), body[:3], strict=False) if action == _BLOCKS]
    return tuple(
        IpsecPolicy(name, whole, whole, priority=(1 << 32) - 1, blocks=True, text=f"default policy of {name}: block")
        for name, whole in product(blocked, (network(None, 0, AF_INET), network(None, 0, AF_INET6)))
    )


@decodes("an IPsec policy")
def parse_policies(messages: Sequence[Message]) -> tuple[IpsecPolicy, ...]:
    """The policies in the messages, in the order in which the kernel asks them: by priority, the older of two first.

    Raises NetlinkError for damaged bytes.
    """
    oldest_first = [policy for _, body in reversed(messages) if (policy := _policy(body)) is not None]
    return tuple(sorted(oldest_first, key=lambda policy: policy.priority))


def _policy(body: bytes) -> IpsecPolicy | None:
    destination, source, ports, family, to_length, from_length, protocol, link = _selector.unpack_from(body)
    priority, _index, direction, action = _rest.unpack_from(body, _REST)
    if direction >= len(_DIRECTIONS):
        return None
    family = family if family in (AF_INET, AF_INET6) else AF_INET
    size = 4 if family == AF_INET else 16
    dport, dmask, sport, smask = _ports.unpack(ports)
    found = attributes(body, _ATTRIBUTES)
    templates = found.get(_TEMPLATES, b"")
    mark = found.get(_MARK, bytes(8))
    policy = IpsecPolicy(
        _DIRECTIONS[direction],
        network(source[:size], from_length, family),
        network(destination[:size], to_length, family),
        protocol or None,
        (sport, smask),
        (dport, dmask),
        (u32(mark[:4]), u32(mark[4:8])),
        link,
        priority,
        action == _BLOCKS,
        any(not templates[at + _OPTIONAL] for at in range(0, len(templates) - _OPTIONAL, _TEMPLATE)),
    )
    return replace(policy, text=_words(policy))


def _words(policy: IpsecPolicy) -> str:
    protocol = f" proto {IP_PROTOCOLS.get(policy.protocol, policy.protocol)}" if policy.protocol else ""
    ports = "".join(
        f" {name} {value}" for name, (value, mask) in (("sport", policy.sport), ("dport", policy.dport)) if mask
    )
    action = " action block" if policy.blocks else " tmpl …" if policy.transforms else ""
    return f"src {policy.source} dst {policy.destination}{protocol}{ports} dir {policy.direction}{action}"
