"""IPsec policies in the words of ip-xfrm(8). Their keys are in no snapshot, so that nothing is really wrapped up.

A policy that wants packets wrapped drops those that were not, in either kernel, and holds back what leaves; where the
snapshot has states with keys, its own packets would leave.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.lab.twin.left_out import Omissions
from engine.model.host import Netns
from engine.model.ipsec import IpsecPolicy
from engine.model.link import Link

#: The priority by which a snapshot marks what a namespace does by default.
BY_DEFAULT = (1 << 32) - 1
WHOLE_PORT = 0xFFFF
DIRECTIONS = ("in", "fwd", "out")
#: What a packet has to be wrapped in: a policy does not say more that decides.
WRAPPED = ["tmpl", "proto", "esp", "mode", "transport"]


def policies(netns: Netns, made: dict[int, Link], out: Omissions) -> Iterator[list[str]]:
    """The policies of a namespace, in their order."""
    ipsec = netns.firewall.ipsec
    if ipsec is None:
        return
    if ipsec.states:
        effect = "what leaves by these policies is held back"
        out.leave(netns.id, f"{ipsec.states} IPsec states", "their keys are in no snapshot", effect)
    default = {each.direction for each in ipsec.policies if each.blocks and each.priority == BY_DEFAULT}
    if default:
        words = [word for name in DIRECTIONS for word in (name, "block" if name in default else "accept")]
        yield ["xfrm", "policy", "setdefault", *words]
    for each in ipsec.policies:
        if each.blocks and each.priority == BY_DEFAULT:
            continue
        told = _words(each, made)
        if told is None:
            why = "it asks for a part of a port, or for a device that is not built"
            out.leave(netns.id, f"policy {each.text}", why, "packets that it is for pass")
        else:
            yield told


def _words(policy: IpsecPolicy, made: dict[int, Link]) -> list[str] | None:
    words = ["xfrm", "policy", "add", "src", str(policy.source), "dst", str(policy.destination)]
    words += ["proto", str(policy.protocol)] if policy.protocol else []
    for name, (value, mask) in (("sport", policy.sport), ("dport", policy.dport)):
        if mask not in (0, WHOLE_PORT):
            return None
        words += [name, str(value)] if mask else []
    if policy.link:
        if policy.link not in made:
            return None
        words += ["dev", made[policy.link].name]
    words += ["dir", policy.direction]
    value, mask = policy.mark
    words += ["mark", hex(value), "mask", hex(mask)] if mask else []
    words += ["action", "block" if policy.blocks else "allow", "priority", str(policy.priority)]
    return [*words, *(WRAPPED if policy.transforms and not policy.blocks else [])]
