"""How a stranger's network is rebuilt: in batches, of which all is made that the kernel takes, in the lab's namespaces.

What is refused is noted by its line and the kernel's word. Nothing here has an inverse: it goes with its namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.apply.errors import BuildError
from engine.apply.step import ApplyStep, Site
from engine.change.batch import Batch
from engine.change.restore import Restore
from engine.change.sysctl import SetSysctls

#: How often a text is loaded again without the lines that were refused.
MOST_ATTEMPTS = 30


def _own(change: Batch | Restore | SetSysctls, site: Site) -> str | None:
    """The namespace's file. Raises BuildError for one that the lab does not make."""
    if change.netns not in site.own:
        raise BuildError(f"a network is rebuilt only in namespaces of the lab, and {change.netns} is not one")
    return site.where.path(change.netns)


def _batch(change: Batch, site: Site) -> ApplyStep:
    path = _own(change, site)

    def act() -> None:
        for line, why in site.hands.run_batch(path, change.loader, change.lines):
            site.notes.append(f"{change.netns}: {' '.join(change.program)} {line}: {why}")

    return ApplyStep(act)


def _sysctls(change: SetSysctls, site: Site) -> ApplyStep:
    path = _own(change, site)

    def act() -> None:
        for name, why in site.hands.write_sysctls(path, change.values):
            site.notes.append(f"{change.netns}: net.{name.replace('/', '.')}: {why}")

    return ApplyStep(act)


def _restore(change: Restore, site: Site) -> ApplyStep:
    path = _own(change, site)

    def act() -> None:
        wanted = change
        for _ in range(MOST_ATTEMPTS):
            try:
                site.hands.run(path, wanted.loader, wanted.text)
            except BuildError as error:
                refused = wanted.refused(str(error))
                site.notes.extend(f"{change.netns}: {wanted.lines[number]}: {error}" for number in sorted(refused))
                if not refused:
                    site.notes.append(f"{change.netns}: nothing of {wanted.loader[0]} is loaded: {error}")
                    return
                wanted = wanted.without(refused)
            else:
                return
        site.notes.append(f"{change.netns}: nothing of {wanted.loader[0]} is loaded: too many lines were refused")

    return ApplyStep(act)


REBUILDING: Mapping[type[Any], Callable[[Any, Site], ApplyStep]] = {
    Batch: _batch,
    SetSysctls: _sysctls,
    Restore: _restore,
}
