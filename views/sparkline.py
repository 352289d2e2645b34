"""Numbers as a row of columns, each as high as its share of the highest one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = "▁▂▃▄▅▆▇█"


def sparkline(numbers: Sequence[float]) -> str:
    """A column for each number.

    >>> sparkline((0, 6, 12))
    '▁▄█'
    """
    highest = max(*numbers, 1.0) if numbers else 1.0
    return "".join(COLUMNS[int((len(COLUMNS) - 1) * each / highest)] for each in numbers)
