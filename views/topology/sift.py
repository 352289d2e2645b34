"""A scene with only what has a pattern: the ports whose link or container fits, and the bridges that have some.

Pure. The host and its uplinks stay, so that the picture is the same one with less in it. A bridge that fits itself
keeps all its ports. A leading `!` keeps what does not fit.
"""

from __future__ import annotations

from engine.records import replace
from views.topology.graph import Branch, Node, Scene, Switch


def sift(full: Scene, pattern: str) -> tuple[Scene, int]:
    """The scene, and how many ports it has left."""
    inverse, needle = pattern.startswith("!"), pattern.removeprefix("!").casefold()

    def fits(*nodes: Node) -> bool:
        words = " ".join(word for node in nodes for word in (node.name, node.detail, *map(str, node.facts)))
        return (needle in words.casefold()) != inverse

    def sifted(switch: Switch) -> Switch:
        if switch.bridge is not None and not inverse and fits(switch.bridge):
            return switch
        return replace(switch, ports=tuple(port for port in switch.ports if fits(port.near, port.far)))

    def fitting(branch: Branch) -> bool:
        return fits(branch.near, branch.far)

    switches = tuple(one for one in map(sifted, full.switches) if one.ports)
    elsewhere = tuple(filter(fitting, full.elsewhere))
    left = replace(full, switches=switches, elsewhere=elsewhere)
    return left, sum(len(switch.ports) for switch in switches) + len(elsewhere)
