"""Expressions of strangers: what is tried on a text, and what would take for ever and is not."""

from __future__ import annotations

import pytest

from engine.model.application.expressions import fits_expression

HOST = "a.test.evil:8080"
TWO = r"(?!.*(?i:^x\.))(?!.*(?i:\.test(?::\d+)?$))"
FOR_EVER = r"(?=.*.*.*.*.*.*y)"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (f"^{TWO}{TWO}(?=.*(?i:evil))", True),
        (f"^{TWO}{TWO}(?=.*(?i:good))", False),
        (f"^{FOR_EVER}", False),
        (f"^{TWO}{FOR_EVER.replace('=', '!')}", False),
        (f"^(?=.*{TWO}{TWO})", False),
        (r"^(?=[)](?=.*.*.*)].*.*.*)", False),
        (r"^(?=[](?=)].*.*.*.*.*)(?!y)", False),
        (r"^(?=\)(?!.*.*.*).*.*.*)", False),
        (f"^{TWO}{TWO}.*", False),
    ],
)
def test_looks_ahead_from_the_begin_are_each_tried_by_themselves(pattern: str, fits: bool) -> None:
    assert fits_expression(pattern, HOST, folded=False) is fits
