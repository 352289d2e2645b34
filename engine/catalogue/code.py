"""What stands for the code of a cause: the noun of the catalogue, and experiences that many codes share."""

from __future__ import annotations

from engine.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, what the client notices, what mends it: one sentence, and two halves of one."""

    meaning: str
    client: str
    mend: str


SILENCE = "silence until it gives up (timeout)"
REFUSED = "connection refused, at once"
HELD = "it connects, and hears nothing after that"
