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
    Published(
        "portscope.labs/1",
        "the labs that are up: lab list --json",
        {
            "schema": {"portscope.labs/1"},
            "labs": [{"name": str, "file": str, "layout": str, "services": int, "broken": [str]}],
        },
        {},
    ),
    Published(
        "portscope.lab-faults/1",
        "the faults that a lab can be given: lab faults --json",
        {"schema": {"portscope.lab-faults/1"}, "faults": [{"name": str, "story": str}]},
        {},
    ),
    Published(
        "portscope.lab-check/1",
        "the questions of a lab's file with their answers: lab check --json",
        {
            "schema": {"portscope.lab-check/1"},
            "lab": str,
            "checks": [
                {
                    "from": str,
                    "target": str,
                    "protocol": str,
                    "expect": Said(str, "the answer that the file wants"),
                    "cause": Said(Maybe(str), "the code that the file wants"),
                    "answer": str,
                    "holds": bool,
                    "differs": Maybe(str),
                }
            ],
        },
        {},
    ),
    Published(
        "portscope.gallery/1",
        "the labs that come with portscope: lab gallery --json",
        {"schema": {"portscope.gallery/1"}, "labs": [{"name": str, "title": str, "story": str}]},
        {},
    ),
    Published("portscope.twin/1", "a snapshot rebuilt as a lab: lab twin --json", TWIN, PARTS),
)
