"""Which address of a range a flow is translated to: the kernel's hash of its addresses, the same on every machine.

The hash is over the source as the packet has it, and over the destination and the zone too, unless the rule says
`persistent`. Its words are the addresses' bytes as a little-endian machine reads them.

Sources: net/netfilter/nf_nat_core.c (find_best_ips_proto), include/linux/jhash.h (jhash2).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.address import IPAddress
from engine.model.traffic import Tuple4

WORD = 0xFFFFFFFF
#: What jhash begins with (JHASH_INITVAL), and how many words an address fills there, of whichever version.
BEGIN, WORDS = 0xDEADBEEF, 4
#: The rounds of a mix: which of a, b and c is changed by which, how far that is turned, and what it is added to.
MIX = ((0, 2, 4, 1), (1, 0, 6, 2), (2, 1, 8, 0), (0, 2, 16, 1), (1, 0, 19, 2), (2, 1, 4, 0))
#: Those of the end, without the addition.
FINAL = ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24))


def spread(span: tuple[IPAddress, IPAddress], flow: Tuple4, manip: str, zone: int | None) -> IPAddress:
    """The address of `span` for a flow whose source ("src") or destination ("dst") is translated. `zone` is the flow's,
    None where the rule says `persistent`."""
    least, most = (_big(end) for end in span)
    ends = [_swapped(word) for word in _big(flow.dst)]
    value = _hash(_little(flow.src), 0 if zone is None else (ends[-1] ^ zone) & WORD)
    chosen: list[int] = []
    whole = False
    for place, (low, high) in enumerate(zip(least, most, strict=True)):
        first, many = (0, WORD) if whole else (low, high - low + 1 & WORD)
        chosen.append(first + (value * many >> 32) & WORD)
        whole = whole or chosen[-1] != high
        if zone is not None:
            value ^= _swapped(chosen[-1]) if manip == "dst" else ends[place]
    return type(span[0])(b"".join(word.to_bytes(4, "big") for word in chosen))


def _big(address: IPAddress) -> list[int]:
    return [int.from_bytes(address.packed[at : at + 4], "big") for at in range(0, len(address.packed), 4)]


def _swapped(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big"), "little")


def _little(address: IPAddress) -> list[int]:
    words = [_swapped(each) for each in _big(address)]
    return words + [0] * (WORDS - len(words))


def _hash(words: Sequence[int], start: int) -> int:
    """jhash2 of four words."""
    parts = [(BEGIN + 4 * len(words) + start) & WORD] * 3
    for place in range(3):
        parts[place] = (parts[place] + words[place]) & WORD
    for changed, other, turn, more in MIX:
        parts[changed] = ((parts[changed] - parts[other]) & WORD) ^ _turned(parts[other], turn)
        parts[other] = (parts[other] + parts[more]) & WORD
    parts[0] = (parts[0] + words[3]) & WORD
    for changed, other, turn in FINAL:
        parts[changed] = ((parts[changed] ^ parts[other]) - _turned(parts[other], turn)) & WORD
    return parts[2]


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & WORD
