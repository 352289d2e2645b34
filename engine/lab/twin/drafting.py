"""A twin between runs: what a standing one remembers is its snapshot's text and how it was rebuilt, as JSON.

Reading a snapshot's file reads no kernel; it is the one thing of `engine.observe` that labs use.
"""

from __future__ import annotations

import json
from ipaddress import ip_address

from engine.lab.blueprint import Blueprint
from engine.lab.twin.origin import blueprint
from engine.lab.twin.rebuild import Rebuilt, TwinOptions, rebuild
from engine.model.plan import Plan
from engine.observe.recording.snapshot_file import loads


def recorded(options: TwinOptions) -> str:
    """How a snapshot is rebuilt, for a record."""
    clients = [(netns, device, str(address)) for netns, device, address in options.clients]
    return json.dumps({"lacks": dict(options.lacks), "clients": clients})


def options_of(words: str) -> TwinOptions:
    """What `recorded` wrote."""
    document = json.loads(words)
    clients = tuple((netns, device, ip_address(address)) for netns, device, address in document["clients"])
    return TwinOptions(document["lacks"], clients)


def again(text: str, name: str, words: str) -> Rebuilt:
    """The twin that a record tells of."""
    return rebuild(loads(text), name, options_of(words))


def redrafted(text: str, file: str, name: str, words: str) -> tuple[Blueprint, Plan]:
    """The lab that a twin is, and its plan, from a record."""
    found = again(text, name, words)
    return blueprint(found, name, file), found.plan
