"""The shape of `why --json` (portscope.why/1), as scripts rely on it. `wrong_in` lists what does not fit.

A shape is a type, a set of allowed words, a `Maybe`, a list with the shape of its elements, or a dict: each of its
keys must be there with a value of its shape. Keys that the shape does not name may be added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: Any


SYMPTOMS = {
    "connected", "refused", "timeout", "host-unreachable", "net-unreachable", "prohibited", "reset", "not-permitted",
    "invalid-argument", "protocol-unreachable", "accepted-then-closed", "accepted-then-silent",
}  # fmt: skip
OWNERS = {"docker", "podman", "ufw", "firewalld", "libvirt", "kube-proxy", "admin", "kernel"}

PACKET = {"src": str, "dst": str, "protocol": str, "sport": Maybe(int), "dport": Maybe(int)}
STEP = {"kind": str, "text": str, "verdict": Maybe(str), "ref": Maybe({"kind": str, "netns": str})}
RULE_STEP = {
    "hook": str, "backend": {"nft", "xt-nft", "xt-legacy"}, "family": str, "table": str, "chain": str, "index": int,
    "handle": Maybe(int), "text": str, "verdict": str,
}  # fmt: skip
TRACE = {"outcome": str, "hops": [{"netns": str, "packet": PACKET, "steps": [STEP]}]}
FIX = {
    "title": str, "commands": [[str]], "verified": {"model", "kernel"}, "then": SYMPTOMS, "side_effects": [str],
    "survives": str, "lasting": [[str]], "persistence": str,
    "kind": {"ask", "publish", "owner", "application", "rule", "system"},
}  # fmt: skip
CAUSE = {
    "code": str,
    "sentence": str,
    "at": {"kind": str, "netns": str, "name": str, "text": str},
    "owner": OWNERS,
    "evidence": [str],
    "near_misses": [{"text": str, "because": str}],
    "fixes": [FIX],
}
ANSWER = {
    "schema": {"portscope.why/1"},
    "question": {
        "from": {"netns": str, "address": Maybe(str)},
        "to": {"address": str, "port": int, "protocol": {"tcp", "udp", "sctp", "icmp", "ipv6-icmp"}},
    },
    "reach": {"yes", "no", "depends"},
    "symptom": Maybe(SYMPTOMS),
    "forward": TRACE,
    "reply": Maybe(TRACE),
    "causes": [CAUSE],
    "findings": [CAUSE],
    "assumptions": [{"code": str, "sentence": str}],
    "gaps": [{"source": str, "netns": str, "reason": str}],
    "kernel": Maybe(dict),
}


def wrong_in(document: Any) -> list[str]:
    """What in an answer is not as promised, each with its path in the document; empty when all is."""
    wrong = list(misfits(document, ANSWER, "$"))
    if wrong:
        return wrong
    for name in ("forward", "reply"):
        for number, hop in enumerate((document[name] or {"hops": []})["hops"]):
            for index, step in enumerate(hop["steps"]):
                if step["kind"] == "rule":
                    wrong += misfits(step, RULE_STEP, f"$.{name}.hops[{number}].steps[{index}]")
    if document["reach"] != "yes" and not document["causes"]:
        wrong.append("$.causes: empty, though the target is not reached")
    return wrong


def misfits(value: Any, shape: Any, path: str) -> Iterator[str]:
    """The paths at which a value is not of a shape, and why."""
    if isinstance(shape, Maybe):
        if value is not None:
            yield from misfits(value, shape.shape, path)
    elif isinstance(shape, set):
        if value not in shape:
            yield f"{path}: {value!r} is not one of {', '.join(sorted(shape))}"
    elif isinstance(shape, type):
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is int):
            yield f"{path}: {value!r} is not {shape.__name__}"
    elif isinstance(shape, list):
        yield from misfits_of_list(value, shape[0], path)
    else:
        yield from misfits_of_object(value, shape, path)


def misfits_of_list(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not a list"
        return
    for index, element in enumerate(value):
        yield from misfits(element, shape, f"{path}[{index}]")


def misfits_of_object(value: Any, shape: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    for key, inner in shape.items():
        if key in value:
            yield from misfits(value[key], inner, f"{path}.{key}")
        else:
            yield f"{path}.{key}: missing"
