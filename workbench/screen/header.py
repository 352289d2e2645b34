"""The lines around the panes as text: the header, and the tabs of the narrow layout."""

from __future__ import annotations

from itertools import accumulate

from textual.content import Content

from engine.model.host import Snapshot
from engine.records import dataclass
from workbench.screen.panes import NAMES

DIM = "$foreground 60%"
#: The tabs of the panes, in the order of their numbers.
LABELS = (" 1 Topology ", " 2 Rules ", " 3 Path ", " 4 Answer ")


@dataclass(frozen=True, slots=True)
class State:
    """What the header says beside the snapshot. `doing` says what goes on beside the screen.

    `moment` tells which moment is shown, where it is not now; `stale` that the host cannot be looked at any more;
    `supposed` what is supposed of it, `careful` that a fix changes a host that is no lab,
    `unsure` that the answer may rest on what was not inspected.
    """

    title: str
    live: bool
    moment: str
    doing: str
    writable: bool = False
    stale: bool = False
    supposed: tuple[str, ...] = ()
    careful: bool = False
    unsure: bool = False


def header(state: State, snapshot: Snapshot | None) -> Content:
    """Where this is, whether it moves and may be changed, what is hidden, what is seen: what matters most comes first,
    since a narrow terminal cuts the end."""
    parts: list[tuple[str, str]] = [(" portscope ", "bold reverse"), (f" {state.title}", "bold")]
    if state.live and state.stale:
        parts.append(("  ✗ not live", "$text-error bold"))
    elif state.live:
        parts.append((f"  ‖ {state.moment}", "$text-warning bold") if state.moment else ("  ⟳ live", "$text-success"))
    if state.supposed:
        more = f" and {len(state.supposed) - 1} more" if len(state.supposed) > 1 else ""
        parts.append((f"  ◇ what if: {state.supposed[-1]}{more}", "$text-warning bold"))
    if state.careful:
        parts.append(("  CHANGES THIS HOST ", "$text-error bold reverse"))
    else:
        parts.append(("  fixes allowed", "$text-warning") if state.writable else ("  read-only", DIM))
    if snapshot is not None and snapshot.gaps:
        parts.append((f"  ⚠ {len(snapshot.gaps)} not inspected", "$text-warning bold" if state.unsure else DIM))
    if state.doing:
        parts.append((f"  {state.doing}", "$text-accent"))
    if snapshot is None:
        parts.append(("  reading …", DIM))
    else:
        kernel = f"kernel {snapshot.kernel}" if snapshot.kernel else ""
        told = [part for part in (snapshot.hostname, _census(snapshot), kernel) if part]
        parts.append((f"  {' · '.join(told)}", DIM))
    return Content.assemble(*parts)


def tabs(current: str) -> Content:
    """The panes by number, the current one reversed."""
    labels = zip(NAMES, LABELS, strict=True)
    return Content.assemble(*((label, "bold reverse" if name == current else DIM) for name, label in labels))


def tab_at(x: int) -> str:
    """The pane whose tab has that cell; empty beside them."""
    ends = accumulate(map(len, LABELS))
    return next((name for name, end in zip(NAMES, ends, strict=True) if x < end), "")


def _census(snapshot: Snapshot) -> str:
    """How many of what there are."""
    rules = sum(len(chain.rules) for table in snapshot.host_netns.firewall.tables for chain in table.chains)
    running = sum(container.state == "running" for container in snapshot.containers)
    counts = ((len(snapshot.namespaces), "netns"), (running, "container"), (rules, "rule"))
    plural = {"netns": "netns"}
    return " · ".join(
        f"{number} {name if number == 1 else plural.get(name, name + 's')}" for number, name in counts if number
    )
