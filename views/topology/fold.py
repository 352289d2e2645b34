"""Folds a scene: bridges with many ports and long lists of links elsewhere show some, and count the others.

Pure. What is selected or traced is never folded away; the order never changes.
"""

from __future__ import annotations

from engine.records import replace
from views.topology.graph import Scene, Switch

#: How many links past the host are shown.
ELSEWHERE_MOST = 8


def fold(full: Scene, limit: int, keep: frozenset[str] = frozenset(), opened: frozenset[str] = frozenset()) -> Scene:
    """The scene with at most `limit` ports a bridge, never without nodes in `keep`; bridges in `opened` are whole."""

    def folded(switch: Switch) -> Switch:
        over = len(switch.ports) - limit
        if over <= 1 or (switch.bridge and switch.bridge.id in opened):
            return switch
        pinned = {port.near.id for port in switch.ports if port.near.id in keep or port.far.id in keep}
        others = [port.near.id for port in switch.ports if port.near.id not in pinned]
        shown = pinned.union(others[: max(limit - len(pinned), 0)])
        drawn = tuple(port for port in switch.ports if port.near.id in shown)
        return Switch(switch.bridge, drawn, tuple(port for port in switch.ports if port.near.id not in shown))

    elsewhere = full.elsewhere
    if len(elsewhere) > ELSEWHERE_MOST + 1:
        elsewhere = tuple(
            one
            for number, one in enumerate(elsewhere)
            if number < ELSEWHERE_MOST or one.near.id in keep or one.far.id in keep
        )
    return replace(
        full,
        switches=tuple(folded(switch) for switch in full.switches),
        elsewhere=elsewhere,
        hidden_elsewhere=len(full.elsewhere) - len(elsewhere),
    )
