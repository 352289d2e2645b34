"""Whether the kernel can answer a question without loading a module first: looking must change nothing.

A module that is loaded shows under /sys/module; one that is built in may not, but it is not listed as a file either.
Source: modules.dep(5), Linux Documentation/ABI/stable/sysfs-module.
"""

from __future__ import annotations

import os
from functools import cache


def answers(module: str) -> bool:
    """Whether `module` is loaded or built in, as far as can be told: False only where asking would load it."""
    return os.path.exists(f"/sys/module/{module}") or module not in _loadable()


@cache
def _loadable() -> frozenset[str]:
    """The modules that this kernel has as files."""
    try:
        with open(f"/lib/modules/{os.uname().release}/modules.dep", encoding="utf-8", errors="replace") as lines:
            paths = [line.partition(":")[0] for line in lines]
    except OSError:
        return frozenset()
    return frozenset(os.path.basename(path).partition(".ko")[0].replace("-", "_") for path in paths)
