"""The catalogue of codes: complete, told in docs/causes.md, each with an example. `GOLDEN=write` writes the page."""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from engine.catalogue import CODES
from engine.explain.blocker import Blocker
from engine.model.ref import Ref, RefKind
from engine.model.verdict import Cause
from tests.explain.table import FAULTS
from tests.explain.table_more import examples
from views.reports.answer_text import shell

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "causes.md"
SHAPE = re.compile(r"(SRC|LINK|NAT|FW|HOST|CT|DST|RET|ROUTE|NAME|HTTP|TLS|INFO|MODEL)_[A-Z0-9_]*[A-Z0-9]")
#: Words of that shape that are none: endings of packets, a part of a name of several.
OTHERS = {"ROUTE_BLACKHOLE", "ROUTE_PROHIBIT", "ROUTE_UNREACHABLE"}

#: Needs a real attempt, which tests/kernel/test_prove.py makes.
WITH_AN_ATTEMPT = {"MODEL_DISAGREES"}

GROUPS = {
    "SRC": "On the client's side",
    "LINK": "Devices, bridges and neighbours",
    "NAT": "Address translation",
    "FW": "Packet filters",
    "HOST": "Settings of the host",
    "CT": "Connection tracking",
    "DST": "The service",
    "RET": "The return path",
    "ROUTE": "Routing as such",
    "NAME": "How a name is looked up",
    "HTTP": "What a proxy answers",
    "TLS": "What a proxy shows of itself",
    "INFO": "Not decided, or not inspected, here",
    "MODEL": "The simulation itself",
}
HEAD = """# Causes and findings

Every code that an answer can have, with what it means, what the client sees, what fixes it, and an example: a
sentence and the first fix that portscope finds for it. The page is written from the table of
`engine/catalogue.py` and from the hosts of the tests (`GOLDEN=write pytest tests/explain/test_codes.py`). Codes
are stable; others may be added.

A *cause* blocks a packet. All of them are listed, in the order in which the packet meets them. A *finding* is about a
connection that works.
"""


@cache
def found() -> dict[str, Cause]:
    """One cause for each code that an example has."""
    causes: dict[str, Cause] = {}
    for fault in FAULTS:
        causes.setdefault(fault.code, fault.verdict().causes[0])
    return {**causes, **examples()}


def page() -> str:
    """docs/causes.md."""
    lines = [HEAD]
    for prefix, title in GROUPS.items():
        lines.append(f"## {prefix}: {title}\n")
        for code, about in CODES.items():
            if code.startswith(f"{prefix}_"):
                lines += [f"### {code}\n", about.meaning, "", f"- The client sees: {about.client}."]
                shown = example(found()[code]) if code in found() else []
                lines += [f"- Fix: {about.fix}.", "", *shown, ""]
    return "\n".join(lines).rstrip() + "\n"


def example(cause: Cause) -> list[str]:
    """A cause and its first fix as a block of code."""
    told = [cause.sentence]
    if cause.fixes:
        told += [f"fix: {cause.fixes[0].title}", *(f"  {shell(argv)}" for argv in cause.fixes[0].commands)]
    return ["```", *told, "```"]


def test_the_page_is_what_the_table_and_the_examples_say() -> None:
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_code_has_an_example() -> None:
    assert set(found()) == set(CODES) - WITH_AN_ATTEMPT


def test_every_code_that_an_explanation_names_is_in_the_catalogue() -> None:
    named = set()
    for source in (ROOT / "engine" / "explain").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SHAPE.fullmatch(node.value):
                named.add(node.value)
    assert named - OTHERS <= set(CODES)
    assert len(named) > 50


def test_a_blocker_with_a_code_that_nobody_explains_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the catalogue"):
        Blocker("FW_NO_SUCH_THING", "", Ref(RefKind.NETNS, "host"))


def test_codes_have_a_group_and_whole_sentences() -> None:
    for code, about in CODES.items():
        assert code.partition("_")[0] in GROUPS
        assert about.meaning.endswith("."), code
        assert not about.client.endswith("."), code
        assert not about.fix.endswith("."), code
