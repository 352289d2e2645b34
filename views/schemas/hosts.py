"""What is known of a host."""

from __future__ import annotations

from engine.model.trace import Symptom
from engine.model.verdict import Reach
from views.schemas.form import Map, Maybe, Part, Published, Said
from views.schemas.parts import PARTS

RULE_PLACE = {**PARTS["place"], "backend": str, "family": str, "table": str, "chain": str, "index": int}
MATRIX = {
    "vantages": [str],
    "left_out": int,
    "warnings": [{"code": str, "sentence": str, "target": str, "owner": str, "from": [str]}],
    "rows": [
        {
            "service": {"container", "host", "published"},
            "owner": str,
            "target": str,
            "cells": [{"from": str, "target": str, "reach": set(Reach), "symptom": set(Symptom), "ends": str}],
        }
    ],
}
NODE = {"id": str, "kind": str, "label": str, "lines": [str], "up": bool, "traced": bool, "stop": Maybe(str)}
DOCUMENTS = (
    Published(
        "portscope.snapshot/1",
        "all that portscope read of a host: snapshot. Values inside are those of engine.model, by their names",
        {
            "schema": {"portscope.snapshot/1"},
            "taken_at?": Said(str, "RFC 3339"),
            "host": Said(str, "the id of the namespace that portscope ran in"),
            "kernel?": str,
            "namespaces": [{"id": str}],
            "containers?": [{"id": str, "name": str}],
            "networks?": [{"name": str}],
            "gaps?": [Part("gap")],
        },
        PARTS,
    ),
    Published(
        "portscope.explain/1",
        "what codes and terms of answers mean: explain --json",
        {
            "schema": {"portscope.explain/1"},
            "entries": [
                {
                    "kind": {"cause", "term"},
                    "name": str,
                    "meaning": str,
                    "client": Said(Maybe(str), "what the client of a cause sees"),
                    "fix": Said(Maybe(str), "what fixes a cause"),
                    "page": Said(Maybe(str), "the address of a cause's page"),
                }
            ],
        },
        {},
    ),
    Published(
        "portscope.rules/1",
        "rules that can never match, duplicates, rules without packets: rules --json",
        {
            "schema": {"portscope.rules/1"},
            "host": str,
            "findings": [
                {
                    "flaw": str,
                    "sentence": str,
                    "at": RULE_PLACE,
                    "owner": str,
                    "by": Said(Maybe(Part("place")), "the rule that makes it so"),
                }
            ],
            "gaps": [Part("gap")],
        },
        PARTS,
    ),
    Published(
        "portscope.report/1",
        "the network, its tables and the answers to questions: report --format json",
        {
            "schema": {"portscope.report/1"},
            "title": str,
            "about": Map(str),
            "answers": [Part("why")],
            "topology": {
                "nodes": [NODE],
                "edges": [{"from": str, "to": str, "label": str, "up": bool, "traced": bool}],
            },
            "matrix": Maybe(MATRIX),
            "tables": Map([Map(str)]),
        },
        PARTS,
    ),
    Published(
        "portscope.doctor/1",
        "what can be read here, what is missing, and how to get it: doctor --json",
        {
            "schema": {"portscope.doctor/1"},
            "checks": [{"of": str, "name": str, "there": bool, "purpose": str, "how": str}],
        },
        PARTS,
    ),
)
