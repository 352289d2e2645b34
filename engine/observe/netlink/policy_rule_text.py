"""A policy rule as one line, in the words and the order of `ip rule`; selectors without a field come last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.model.address import IPNetwork
from engine.model.route import PolicyRule, table_name
from engine.observe.netlink.decode import u8
from engine.observe.netlink.route_text import protocol_name, realm_text

_FRA_PROTOCOL = 21
_UNRESOLVED, _IIF_DETACHED, _OIF_DETACHED = 0x4, 0x8, 0x10
_RTPROT_KERNEL = 2
_ANY_MARK = 0xFFFFFFFF
IP_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}


def rule_text(rule: PolicyRule, flags: int, found: Mapping[int, bytes]) -> str:
    """`rule` as `ip rule` prints it; `flags` and `found` are the message that it was parsed from."""
    words = (*_selectors(rule, flags), *_action(rule, flags), *_remarks(rule, found))
    return f"{rule.priority}: " + " ".join(words)


def _selectors(rule: PolicyRule, flags: int) -> Iterator[str]:
    if rule.invert:
        yield "not"
    yield f"from {_prefix(rule.source) if rule.source else 'all'}"
    if rule.destination:
        yield f"to {_prefix(rule.destination)}"
    if rule.tos:
        yield f"tos {rule.tos:#04x}"
    if rule.fwmark is not None:
        mask = f"/{rule.fwmask:#x}" if rule.fwmask != _ANY_MARK else ""
        yield f"fwmark {rule.fwmark and hex(rule.fwmark)}{mask}"
    if rule.iif is not None:
        yield f"iif {rule.iif}" + (" [detached]" if flags & _IIF_DETACHED else "")
    if rule.oif is not None:
        yield f"oif {rule.oif}" + (" [detached]" if flags & _OIF_DETACHED else "")
    if rule.l3mdev:
        yield "lookup [l3mdev-table]"
    if rule.uid_range is not None:
        yield f"uidrange {rule.uid_range[0]}-{rule.uid_range[1]}"
    if rule.ip_protocol is not None:
        yield f"ipproto {IP_PROTOCOLS.get(rule.ip_protocol, f'ipproto-{rule.ip_protocol}')}"
    if rule.sport is not None:
        yield f"sport {_range(rule.sport)}"
    if rule.dport is not None:
        yield f"dport {_range(rule.dport)}"


def _action(rule: PolicyRule, flags: int) -> Iterator[str]:
    if rule.action == "table":
        if rule.table and not rule.l3mdev:
            yield f"lookup {table_name(rule.table)}"
        if rule.suppress_prefixlength is not None:
            yield f"suppress_prefixlength {rule.suppress_prefixlength}"
        if rule.realm:
            yield realm_text(rule.realm)
    elif rule.action == "goto":
        yield f"goto {rule.goto}" if rule.goto is not None else "goto none"
        if flags & _UNRESOLVED:
            yield "[unresolved]"
    else:
        yield rule.action


def _remarks(rule: PolicyRule, found: Mapping[int, bytes]) -> Iterator[str]:
    protocol = u8(found.get(_FRA_PROTOCOL, b"\0"))
    if protocol not in (0, _RTPROT_KERNEL):
        yield f"proto {protocol_name(protocol)}"
    yield from rule.unmodelled


def _prefix(network: IPNetwork) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _range(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}-{pair[1]}"
