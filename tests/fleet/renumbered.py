"""Another host that is set up as a recorded one is: other addresses, MAC addresses, ids and names of devices."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from random import Random

_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_V6 = re.compile(r"(?<![\w:.])fe80:[0-9a-f:]{2,34}(?![\w.:])")
_MAC = re.compile(r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:])")
_ID = re.compile(r"(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![\w-])")
_DEVICE = re.compile(r"(?<![\w-])(veth|br-)([0-9a-f]{7}|[0-9a-f]{12})(?![\w-])")
_NUMBER = re.compile(r"(?<=: )\d{8,10}(?=[,}])")
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

    ends = {end for found in _NETWORK.finditer(text) for end in _ends(found)}
    text = _NUMBER.sub(lambda found: str(moved(int(found[0])) if int(found[0]) in ends else found[0]), text)
    text = _V4.sub(lambda found: str(IPv4Address(moved(int(IPv4Address(found[0]))))), text)
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
