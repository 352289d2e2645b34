"""Python's cyclic garbage collector, out of the way while many values are made.

A look makes a hundred thousand values that stay, without cycles among them. The collector would visit them all again
and again while they become more, which costs as much as making them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No automatic collection inside; afterwards it is as it was. Meant for one thread at a time.

    What was made counts as old from then on: else the next value that anybody makes would have all of it visited.
    """
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
