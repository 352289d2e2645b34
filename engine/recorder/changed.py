"""What changed on the way to a moment, as a text and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.change.differences import Difference
from engine.observe.recording.codec import codec_of
from engine.observe.recording.codec_values import Unreadable
from engine.recorder.errors import StoreDamaged

_codec = codec_of(Sequence[Difference])


def written(changed: Sequence[Difference]) -> str:
    """The changes as JSON."""
    return json.dumps(_codec.write(changed), separators=(",", ":"))


def read(text: str) -> tuple[Difference, ...]:
    """The changes in a text. Raises StoreDamaged."""
    try:
        found: tuple[Difference, ...] = _codec.read(json.loads(text))
    except (ValueError, RecursionError, Unreadable) as error:
        raise StoreDamaged(f"the changes of a moment are damaged: {error}") from None
    return found
