"""Python's cyclic garbage collector, out of the way while many values are made.

A look makes a hundred thousand values that stay, without cycles among them. The collector would visit them all again
and again while they become more, which costs as much as making them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Looks between two full collections, which take tens of milliseconds on a large host.
LOOKS = 64
_times = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """No automatic collection inside; afterwards it is as it was. Meant for one thread at a time.

    What was made counts as old from then on: else the next value that anybody makes would have all of it visited. What
    is old the collector looks at when enough has become old by its own count, which this never adds to; so all of it is
    looked at every `LOOKS` times, for what others have made in cycles in a program that runs for weeks.
    """
    global _times  # noqa: PLW0603 - the collector is the process's, too
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation
        gc.enable()
        _times += 1
        if _times % LOOKS == 0:
            gc.collect()
