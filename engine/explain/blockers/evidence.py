"""What speaks for a rule or policy that stops a packet, and what its owner is asked for instead of an exception."""

from __future__ import annotations

from collections.abc import Iterable

from engine.change.set_element import DeleteElement
from engine.explain.blocker import Remedy
from engine.explain.blockers.publishing.publish import rewriting
from engine.explain.failure import Failure
from engine.model.container import Container, PublishedPort
from engine.model.firewall import Rule
from engine.model.ref import Ref
from engine.model.trace import StepKind
from engine.records import replace

#: How chains begin that are written from the NetworkPolicies of a cluster (kube-router, calico).
POLICIES = ("KUBE-NWPLCY-", "KUBE-POD-FW-", "cali-")
#: What it means that an engine's own drop meets a packet for a port that the engine has published.
_LOST = "{} is published at {}, but the rule of {} that accepts it is missing; {}"
PROMISED = {
    "FW_RAW_DIRECT_ACCESS_DROP": "{} is published: use port {} of the host instead",
    "FW_POLICY_DROP": _LOST,
    "FW_UNPUBLISHED_PORT_DROP": _LOST,
}


def met(failure: Failure, rule: Rule) -> tuple[str, ...]:
    """What the rule met."""
    found = [f"packet at this rule: {failure.packet}"]
    if rule.packets is not None:
        found.append(f"the rule's counter: {rule.packets} packets")
    nat = [step for step in failure.trace.steps if step.kind is StepKind.NAT and step.after]
    if nat:
        found.append(f"translated before: {nat[-1].packet} to {nat[-1].after}")
    return tuple(found)


def published(failure: Failure, code: str, owner: str) -> tuple[str, ...]:
    """What the engine was asked for, where it is its own rules that drop the packet."""
    wish = _wished(failure, owner) if code in PROMISED else None
    if wish is None:
        return ()
    container, port = wish
    return (PROMISED[code].format(container.name, port.host_port, owner, rewriting(container)),)


def written_again(failure: Failure, code: str, owner: str, remedies: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Where an engine's rule for a published port is missing, the engine writes it again; one by hand is for now."""
    wish = _wished(failure, owner) if PROMISED.get(code) == _LOST else None
    again = rewriting(wish[0]) if wish is not None else ""
    if not again:
        return remedies
    return tuple(replace(each, title=f"{again}; until then: {each.title}") for each in remedies)


def set_otherwise(failure: Failure, code: str, remedies: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Where Docker's own setting has its containers apart (dockerd(8), icc), the setting, or a network whose containers
    are meant to meet; an exception is for now."""
    if code != "FW_ICC_DROP":
        return remedies
    bridge = failure.step.context.iif
    setting = "set `icc` to true in daemon.json" if bridge == "docker0" else f"allow icc on the network of {bridge}"
    wish = f"connect both to a network of their own, or {setting}"
    return tuple(replace(each, title=f"{wish}; until then: {each.title}") for each in remedies)


def _wished(failure: Failure, owner: str) -> tuple[Container, PublishedPort] | None:
    """The published port that a packet is for, which the engine's own rules stop."""
    packet = failure.packet
    for container, port in failure.home.published if not failure.backwards else ():
        own = {address for place in container.attachments for address in (place.address, place.address6)}
        asked = packet.dst in own and (packet.dport, packet.protocol) == (port.container_port, port.protocol)
        if asked and container.engine == owner:
            return container, port
    return None


def held(remedies: Iterable[Remedy]) -> tuple[str, ...]:
    """What the sets hold that the remedies take it out of."""
    changes = (each for remedy in remedies for each in remedy.changes if isinstance(each, DeleteElement))
    return tuple(f"set {each.name} contains {each.words}" for each in changes)


def policy(ref: Ref, owner: str) -> tuple[str, ...]:
    """Where a cluster's policies are what the rule was written from."""
    if owner != "cni" or not str(ref.key[3]).startswith(POLICIES):
        return ()
    return ("permanent (not checked): a NetworkPolicy that allows it; the plugin writes its rules from that",)
