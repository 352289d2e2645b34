"""Where the topology's columns and rows are, for a scene and a pane's size.

Pure. Columns are as wide as their labels, up to a limit. Of three layouts the roomiest that fits is taken: with the
names of bridge ports, without them, and tight (small gaps, no addresses outside). The pitch is the number of rows
that a bridge port takes: the largest of three that lets everything fit in the height.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from views.topology.fitting import SEPARATOR
from views.topology.graph import Node, Scene, Switch

HEADS = ("OUTSIDE", "UPLINK", "HOST", "BRIDGE", "PORT")
#: The widest that a column of labels may get.
WIDEST = 20
HOST_WIDEST = 14
#: The room that facts ask for; what does not fit is told in full when its node is selected.
FACTS_ROOM = 26


@dataclass(frozen=True, slots=True)
class Columns:
    """The cell at which each column starts. `port` is None where port names are left out; so are, when `tight`,
    the addresses outside."""

    uplink: int
    host: int
    host_end: int
    bridge: int
    trunk: int
    port: int | None
    end: int
    tight: bool = False
    width: int = 0


def pitch_for(scene: Scene, height: int) -> int:
    """How many rows a port gets in a pane with that many rows."""
    return next((pitch for pitch in (3, 2) if rows_of(scene, pitch) <= height), 1)


def switch_rows(switch: Switch, pitch: int) -> int:
    """The rows of a bridge with its ports."""
    return max(len(switch.ports) * pitch + (1 if switch.hidden else 0), 2)


def rows_of(scene: Scene, pitch: int) -> int:
    """The rows of the whole drawing between its heads and its foot."""
    right = sum(switch_rows(switch, pitch) + 1 for switch in scene.switches)
    return max(right + 1, 3 * len(scene.uplinks), 3 + len(scene.host.facts))


def middle_row(switch: Switch, pitch: int) -> int:
    """The row of the bridge, counted from its first port."""
    return (max(len(switch.ports) - 1, 0) * pitch) // 2


def axis_row(scene: Scene, pitch: int, top: int, bottom: int) -> int:
    """The row of the host's name: halfway between its first and last bridge, so that a single one is in line."""
    rows = []
    y = top + 1
    for switch in scene.switches:
        rows.append(y + middle_row(switch, pitch))
        y += switch_rows(switch, pitch) + 1
    middle = (rows[0] + rows[-1]) // 2 if rows else (top + bottom) // 2
    return min(max(middle, top + 1), max(bottom - 1 - len(scene.host.facts), top + 1))


def widest(nodes: list[Node], most: int = WIDEST) -> int:
    """The cells that the widest label or address among nodes takes, at most `most`."""
    return min(max((max(len(node.label), len(node.detail)) for node in nodes), default=0), most)


def columns_for(scene: Scene, width: int, pitch: int) -> Columns:
    """The roomiest of three ways to lay the columns that fits the width; else the last one, to be scrolled."""
    ends = _end_width(scene, pitch)
    for ports, tight in ((True, False), (False, False), (False, True)):
        columns = replace(_laid(scene, ports, tight), width=width)
        if columns.end + ends <= width:
            break
    return columns


def _laid(scene: Scene, ports: bool, tight: bool) -> Columns:
    gap = 2 if tight else 4
    far = [branch.far for branch in scene.uplinks]
    outside = min(max((len(node.label) for node in far), default=0), WIDEST) if tight else widest(far)
    uplink = max(outside + 2 + gap, len(HEADS[0]) + 2) if far else 0
    near = [branch.near for branch in scene.uplinks]
    labels = max((len(node.label) for node in near), default=0)
    host = uplink + ((labels if tight else widest(near)) + 1 + gap if far else 0)
    if tight and far:
        host = max(host + 1, uplink + len(HEADS[1]) + 2, widest(near) + 2)
    facts = [fact for fact in scene.host.facts if fact.amiss or not tight]
    inner = max([len(scene.host.label) + 2, *(len(str(fact)) for fact in facts)])
    host_end = host + min(inner, HOST_WIDEST) + 3
    bridge = host_end + gap
    trunk = bridge + widest([switch.bridge for switch in scene.switches if switch.bridge]) + 1 + gap
    names = max((len(port.near.label) for switch in scene.switches for port in switch.ports), default=0)
    port = trunk + 3 if ports else None
    end = trunk + 3 + names + 5 if ports else trunk + 3
    return Columns(uplink, host, host_end, bridge, trunk, port, end, tight)


def _end_width(scene: Scene, pitch: int) -> int:
    def one(node: Node) -> int:
        facts = min(len(SEPARATOR.join(map(str, node.facts))), FACTS_ROOM)
        head = len(node.label) + 4 + len(node.detail)
        return head + 2 + facts if pitch == 1 else max(head, facts + 2)

    return max((one(port.far) for switch in scene.switches for port in switch.ports), default=0)
