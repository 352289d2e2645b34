"""A report as the JSON document `portscope.report/1`: the graph, the tables and the answers, for scripts."""

from __future__ import annotations

import json
from typing import Any

from engine.model.matrix import Matrix
from views.reports import answer_json
from views.reports.document import SCHEMA, Report

Json = dict[str, Any]


def dumps(report: Report) -> str:
    """The document as text, ending in a newline. ASCII only, so that any locale can print it."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> Json:
    """The document as JSON types. A table's rows are objects whose keys are the names of its columns."""
    return {
        "schema": SCHEMA,
        "title": report.title,
        "about": {label.lower().replace(" ", "_"): text for label, text in report.about},
        "answers": [answer_json.document(verdict) for verdict in report.answers],
        "topology": {
            "nodes": [
                {
                    "id": spot.id,
                    "kind": str(spot.place),
                    "label": spot.label,
                    "lines": list(spot.lines),
                    "up": spot.up,
                    "traced": spot.traced,
                    "stop": spot.stop or None,
                }
                for spot in report.graph.spots
            ],
            "edges": [
                {"from": wire.one, "to": wire.other, "label": wire.label, "up": wire.up, "traced": wire.traced}
                for wire in report.graph.wires
            ],
        },
        "matrix": matrix(report.matrix) if report.matrix else None,
        "tables": {
            sheet.name: [dict(zip(_keys(sheet.columns), row, strict=True)) for row in sheet.rows]
            for sheet in report.sheets
        },
    }


def matrix(filled: Matrix) -> Json:
    """Every cell with where it ends, and the warnings."""
    return {
        "vantages": list(filled.vantages),
        "left_out": filled.left_out,
        "warnings": [
            {
                "code": one.code,
                "sentence": one.sentence,
                "target": one.port.question.end,
                "owner": one.port.owner,
                "from": list(one.vantages),
            }
            for one in filled.exposures
        ],
        "rows": [
            {
                "service": str(row.port.service),
                "owner": row.port.owner,
                "target": row.port.question.end,
                "cells": [
                    {
                        "from": name,
                        "target": cell.question.end,
                        "reach": str(cell.reach),
                        "symptom": str(cell.symptom),
                        "ends": cell.ends,
                    }
                    for name, cell in row.cells
                ],
            }
            for row in filled.rows
        ],
    }


def _keys(columns: tuple[str, ...]) -> list[str]:
    return [column.lower().replace(" ", "_") for column in columns]
