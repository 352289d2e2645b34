"""The catalogue of codes: complete, a page for each in docs/causes, with an example. `GOLDEN=write` writes them."""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from engine.catalogue import CODES
from engine.catalogue.words import words_in
from engine.explain.blocker import Blocker
from engine.model.ref import Ref, RefKind
from engine.model.verdict import Cause
from tests.explain.table import FAULTS
from tests.explain.table_more import examples
from views.reports.answer_text import shell

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "causes"
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

Every code that an answer can have. Each has a page with what it means, what the client sees, what fixes it, and an
example: a sentence and the first fix that portscope finds for it. Codes and their pages' addresses are stable; others
may be added. `portscope explain CODE` prints a page.

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


def index() -> str:
    """The list of all codes."""
    lines = [HEAD]
    for prefix, title in GROUPS.items():
        mine = [(code, about) for code, about in CODES.items() if code.startswith(f"{prefix}_")]
        lines += [f"## {prefix}: {title}\n", "| code | what it means |", "| --- | --- |"]
        lines += [*(f"| [{code}]({code}.md) | {about.meaning} |" for code, about in mine), ""]
    return "\n".join(lines).rstrip() + "\n"


def page(code: str) -> str:
    """One code: its table row, an example, and the terms that both use."""
    about = CODES[code]
    shown = example(found()[code]) if code in found() else []
    text = "\n".join((about.meaning, about.client, about.fix, *shown))
    terms = [f"- **{word.name}**: {word.meaning}" for word in words_in(text)]
    lines = [f"# {code}\n", about.meaning, "", f"- The client sees: {about.client}.", f"- Fix: {about.fix}."]
    lines += ["", "## Example\n", *shown] if shown else []
    lines += ["", "## Terms\n", *terms] if terms else []
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """All files of docs/causes by their names."""
    return {"index.md": index()} | {f"{code}.md": page(code) for code in CODES}


def example(cause: Cause) -> list[str]:
    """A cause and its first fix as a block of code."""
    told = [cause.sentence]
    if cause.fixes:
        told += [f"fix: {cause.fixes[0].title}", *(f"  {shell(argv)}" for argv in cause.fixes[0].commands)]
    return ["```", *told, "```"]


def test_the_pages_are_what_the_table_and_the_examples_say() -> None:
    if os.environ.get("GOLDEN") == "write":
        for name, text in pages().items():
            (PAGES / name).write_text(text, encoding="utf-8")
    assert {path.name: path.read_text(encoding="utf-8") for path in PAGES.iterdir()} == pages()


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
