"""Another host that is set up as a recorded one is: other addresses, MAC addresses, ids and names of devices."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from random import Random

_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/(\d{1,2})(?!\d))?(?![\w.])")
_V6 = re.compile(r"(?<![\w:.])fe80:[0-9a-f:]{2,34}(?![\w.:])")
_MAC = re.compile(r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:])")
_ID = re.compile(r"(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![\w-])")
_DEVICE = re.compile(r"(?<![\w-])(veth|br-)([0-9a-f]{7}|[0-9a-f]{12})(?![\w-])")
_NUMBER = re.compile(r'"low": (\d{8,10}), "high": (\d{8,10})(?!\d)|(?<=: )\d{8,10}(?=[,}])')
#: Networks that are larger are not moved.
LEAST_LENGTH = 16
_NETWORK = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3})/(\d{1,2})(?!\d)")


def renumbered(text: str, seed: str) -> str:
    """The JSON of a snapshot with other values: networks stay networks of the same ranges of private addresses."""
    random = Random(seed)
    ten, twelve, sixteen = random.randrange(256), random.randrange(16), 16 * random.randrange(16)
    hardware = random.randrange(1, 1 << 24)

    def moved(number: int) -> int:
        if number >> 24 == 10:
            return number ^ ten << 16
        if number >> 20 == 0xAC1:
            return number ^ twelve << 16
        return number ^ sixteen << 8 if number >> 16 == 0xC0A8 else number

    def mac(found: re.Match[str]) -> str:
        number = int(found[0].replace(":", ""), 16)
        return found[0] if not number or number >> 40 & 1 else (number ^ hardware).to_bytes(6, "big").hex(":")

    def v6(found: re.Match[str]) -> str:
        number = int(IPv6Address(found[0]))
        return str(IPv6Address(number ^ hardware)) if number & (1 << 64) - 1 else found[0]

    ends = {end for found in _NETWORK.finditer(text) if int(found[2]) >= LEAST_LENGTH for end in _ends(found)}
    ends |= {int(found[1]) for found in _NUMBER.finditer(text) if found[1] and found[1] == found[2]}

    def number(found: re.Match[str]) -> str:
        first, last = (int(found[1]), int(found[2])) if found[1] else (int(found[0]),) * 2
        low, high = moved(first), moved(last)
        if not ends.issuperset((first, last)) or low > high:
            return found[0]
        return f'"low": {low}, "high": {high}' if found[1] else str(low)

    text = _NUMBER.sub(number, text)

    def v4(found: re.Match[str]) -> str:
        word, slash, length = found[0].partition("/")
        wide = slash and int(length) < LEAST_LENGTH
        return found[0] if wide else f"{IPv4Address(moved(int(IPv4Address(word))))}{slash}{length}"

    text = _V4.sub(v4, text)
    digits = _digits(seed)
    for pattern, other in ((_MAC, mac), (_V6, v6), (_ID, lambda found: digits(found[0]))):
        text = pattern.sub(other, text)
    return _DEVICE.sub(lambda found: found[1] + digits(found[2]), text)


def _digits(seed: str) -> Callable[[str], str]:
    """Other digits for an id; a short one stays the beginning of the long one."""
    return lambda old: ("a1" + sha256(f"{seed} {old[:12]}".encode()).hexdigest() * 2)[: len(old)]


def _ends(found: re.Match[str]) -> tuple[int, int]:
    number, behind = int(IPv4Address(found[1])), (1 << 32 - int(found[2])) - 1
    return number & ~behind, number | behind
