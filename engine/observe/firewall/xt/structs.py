"""The structs that extensions of xtables work with, as the words that iptables-save prints for them. Pure.

A struct with a setting that has no words here gives None: then iptables-save itself has to be asked. Numbers in structs
are in the machine's byte order, ports and addresses in the network's.
Sources: include/uapi/linux/netfilter/xt_*.h, nf_nat.h, netfilter_ipv4/ipt_REJECT.h; the save functions of iptables.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

Words = str | None
Show = Callable[[bytes], Words]

_PLAIN = frozenset("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def quoted(text: str) -> str:
    """A text as iptables-save prints it (xtables_save_string)."""
    if text and _PLAIN.issuperset(text):
        return text
    for letter in ("\\", '"', "'"):
        text = text.replace(letter, "\\" + letter)
    return f'"{text}"'


def _not(inverted: int, words: str) -> str:
    return f"! {words}" if inverted else words


def span(low: int, high: int, separator: str = ":") -> str:
    """`80`, or `80:90`."""
    return str(low) if low == high else f"{low}{separator}{high}"


# --- matches --------------------------------------------------------------------------------------------


def comment(info: bytes) -> Words:
    """The text."""
    text = info.partition(b"\0")[0].decode("utf-8", "replace")
    return f"--comment {quoted(text)}"


_STATES = {"INVALID": 1, "NEW": 8, "RELATED": 4, "ESTABLISHED": 2, "UNTRACKED": 256, "SNAT": 64, "DNAT": 128}


def conntrack(info: bytes) -> Words:
    """Of struct xt_conntrack_mtinfo3 the state alone, which is nearly always all that is asked for."""
    flags, inverted, states = struct.unpack_from("=HHH", info, 146)
    names = [name for name, bit in _STATES.items() if states & bit]
    if flags != 1 or not names or states & ~sum(_STATES.values()):
        return None
    return _not(inverted & 1, f"--ctstate {','.join(names)}")


_TYPES = (
    *("UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT"),
    *("THROW", "NAT", "XRESOLVE"),
)


def addrtype(info: bytes) -> Words:
    """Struct xt_addrtype_info_v1."""
    source, destination, flags = struct.unpack_from("=HHI", info)
    words = []
    for option, types, inverted in (("--src-type", source, flags & 1), ("--dst-type", destination, flags & 2)):
        if types >> len(_TYPES):
            return None
        if types:
            names = ",".join(name for bit, name in enumerate(_TYPES) if types >> bit & 1)
            words.append(_not(inverted, f"{option} {names}"))
    words += [word for bit, word in ((4, "--limit-iface-in"), (8, "--limit-iface-out")) if flags & bit]
    return " ".join(words)


def statistic(info: bytes) -> Words:
    """Struct xt_statistic_info."""
    mode, inverted, first, second = struct.unpack_from("=HHII", info)
    if mode == 0:
        return "--mode random " + _not(inverted & 1, f"--probability {first / 0x80000000:.11f}")
    if mode == 1:
        return "--mode nth " + _not(inverted & 1, f"--every {first + 1}") + f" --packet {second}"
    return None


def multiport(info: bytes) -> Words:
    """Struct xt_multiport_v1: up to fifteen ports, of which some begin a range."""
    kind, count = info[0], info[1]
    ports, begins = struct.unpack_from("=15H", info, 2), info[32:47]
    if kind > 2 or not 0 < count <= 15:
        return None
    shown = "".join(f"{port}{':' if begins[place] else ','}" for place, port in enumerate(ports[:count]))
    return _not(info[47], f"{('--sports', '--dports', '--ports')[kind]} {shown[:-1]}")


def _ports(info: bytes) -> Words:
    """Struct xt_udp, and the same part of xt_tcp."""
    low, high, low_to, high_to = struct.unpack_from("=4H", info)
    inverted = info[8] if len(info) < 12 else info[11]
    return ports_words((low, high), (low_to, high_to), inverted)


def ports_words(source: tuple[int, int], destination: tuple[int, int], inverted: int) -> str:
    """`--sport` and `--dport`, each only where it asks for anything."""
    words = []
    for option, ends, bit in (("--sport", source, 1), ("--dport", destination, 2)):
        if ends != (0, 0xFFFF) or inverted & bit:
            words.append(_not(inverted & bit, f"{option} {span(*ends)}"))
    return " ".join(words)


def tcp(info: bytes) -> Words:
    """Struct xt_tcp without TCP options and flags."""
    option, mask, compared, inverted = info[8:12]
    return None if option or mask or compared or inverted & ~3 else _ports(info[:12])


def udp(info: bytes) -> Words:
    """Struct xt_udp."""
    return None if info[8] & ~3 else _ports(info[:9])


def icmp(info: bytes) -> Words:
    """Struct ipt_icmp, and the same for IPv6: a type, a range of codes, and whether they are inverted."""
    kind, low, high, inverted = info[:4]
    if kind == 0xFF or inverted & ~1 or (low != high and (low, high) != (0, 0xFF)):
        return None
    return _not(inverted, f"--icmp-type {kind}" + (f"/{low}" if (low, high) != (0, 0xFF) else ""))


def mark_match(info: bytes) -> Words:
    """Struct xt_mark_mtinfo1."""
    value, mask, inverted = struct.unpack_from("=IIB", info)
    return _not(inverted, f"--mark {value:#x}" + (f"/{mask:#x}" if mask != 0xFFFFFFFF else ""))


# --- targets --------------------------------------------------------------------------------------------

_two, _old_range = struct.Struct("=II").unpack_from, struct.Struct("!4s4sHH").unpack_from
_MAP_IPS, _PORTS, _RANDOM, _PERSISTENT, _FULLY = 1, 2, 4, 8, 16


_FLAGS = ((_RANDOM, "--random"), (_FULLY, "--random-fully"), (_PERSISTENT, "--persistent"))


def _flags(flags: int) -> list[str]:
    return [word for bit, word in _FLAGS if flags & bit] if flags > _MAP_IPS | _PORTS else []


def _address(option: str, flags: int, ends: tuple[bytes, bytes], ports: tuple[int, int]) -> Words:
    """`--to-… ADDRESS[-ADDRESS][:PORT[-PORT]]` and flags."""
    if flags & ~31 or not flags & (_MAP_IPS | _PORTS):
        return None
    low, high = ends
    where = _host(low) if flags & _MAP_IPS else ""
    if where and low != high:
        where += f"-{_host(high)}"
    if ":" in where and flags & _PORTS:
        where = f"[{where}]"
    port = f":{span(*ports, '-')}" if flags & _PORTS else ""
    return " ".join((f"{option} {where}{port}", *_flags(flags)))


def _host(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def range2(option: str, size: int) -> Show:
    """Struct nf_nat_range2; `size` is that of the family's addresses."""

    def show(info: bytes) -> Words:
        flags, low, high, first, last = struct.unpack_from("!4s16s16sHH", info)
        number = struct.unpack("=I", flags)[0]
        return _address(option, number, (low[:size], high[:size]), (first, last))

    return show


def ranges(option: str) -> Show:
    """Struct nf_nat_ipv4_multi_range_compat with its one range."""

    def show(info: bytes) -> Words:
        count, flags = _two(info)
        low, high, first, last = _old_range(info, 8)
        return _address(option, flags, (low, high), (first, last)) if count == 1 else None

    return show


def own_address(info: bytes) -> Words:
    """MASQUERADE and REDIRECT: ports and flags."""
    count, flags = struct.unpack_from("=II", info)
    first, last = struct.unpack_from("!HH", info, 16)
    if count != 1 or flags & ~(_PORTS | _RANDOM | _FULLY):
        return None
    return " ".join(([f"--to-ports {span(first, last, '-')}"] if flags & _PORTS else []) + _flags(flags))


_REJECTS = {
    "ip": ("icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-port-unreachable", "",
           "icmp-net-prohibited", "icmp-host-prohibited", "tcp-reset", "icmp-admin-prohibited"),
    "ip6": ("icmp6-no-route", "icmp6-adm-prohibited", "", "icmp6-addr-unreachable", "icmp6-port-unreachable", "",
            "tcp-reset", "icmp6-policy-fail", "icmp6-reject-route"),
}  # fmt: skip


def reject(family: str) -> Show:
    """Struct ipt_reject_info, and the same for IPv6."""

    def show(info: bytes) -> Words:
        number = struct.unpack_from("=I", info)[0]
        kinds = _REJECTS[family]
        return f"--reject-with {kinds[number]}" if number < len(kinds) and kinds[number] else None

    return show


def mark(info: bytes) -> Words:
    """Struct xt_mark_tginfo2."""
    value, mask = struct.unpack_from("=II", info)
    return f"--set-xmark {value:#x}/{mask:#x}"
