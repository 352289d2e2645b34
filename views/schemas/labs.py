"""Labs and twins."""

from __future__ import annotations

from engine.model.trace import Symptom
from views.schemas.form import Maybe, Published, Said
from views.schemas.parts import PARTS

LAB = {
    "name": str,
    "file": str,
    "layout": str,
    "firewall": str,
    "nodes": [{"name": str, "netns": str, "addresses": [str], "listens": [str], "origin?": str}],
    "networks": [{"name": str, "bridge": str, "subnets": [str], "gateways": [str], "internal": bool}],
    "published": [
        {
            "service": str,
            "protocol": str,
            "host_address": Maybe(str),
            "host_port": int,
            "container_port": int,
        }
    ],
    "broken": [str],
}
TWIN = {
    "schema": {"portscope.twin/1"},
    "name": str,
    "nodes": [{"name": str, "netns": str, "origin": str}],
    "beyond": Said(
        [{"name": str, "netns": str, "device": str, "of": str, "addresses": [str]}],
        "what stands for the rest of the net",
    ),
    "left_out": [{"netns": str, "what": str, "why": str, "effect": str}],
    "refused": [str],
    "differs": [str],
    "try?": {
        "target": str,
        "from": str,
        "predicted": set(Symptom),
        "seen": set(Symptom),
        "fixes": [{"title": str, "commands": [str], "then": Maybe(set(Symptom))}],
        "then": set(Symptom),
    },
    "cells?": [{"target": str, "from": str, "predicted": set(Symptom), "seen": Maybe(set(Symptom))}],
    "depends?": int,
}
DOCUMENTS = (
    Published("portscope.lab/1", "a lab's nodes, networks and published ports: lab show --json", LAB, PARTS),
    Published("portscope.twin/1", "a snapshot rebuilt as a lab: lab twin --json", TWIN, PARTS),
)
