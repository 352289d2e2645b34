"""The JSON Schemas as files: `python -m scripts.schemas` writes docs/schemas, and docs/json.md, the list of them."""

from __future__ import annotations

import json
from pathlib import Path

from views.schemas.published import ALL

DOCS = Path(__file__).parents[1] / "docs"
FOLDER, PAGE = DOCS / "schemas", DOCS / "json.md"
HEAD = """# JSON documents

With `--json` a command prints one document and nothing else. Each has its name and version in `schema`, and a JSON
Schema (draft 2020-12), which `portscope schema NAME` prints, too. Keys may be added; a key keeps its name and meaning.

| document | what it is | schema |
| --- | --- | --- |
"""


def files() -> dict[str, str]:
    """The text of each by its file's name: portscope.why-1.json."""
    return {_file(each.name): json.dumps(each.schema, indent=2) + "\n" for each in ALL}


def page() -> str:
    """The list."""
    return HEAD + "".join(
        f"| `{each.name}` | {each.title} | [{_file(each.name)}](schemas/{_file(each.name)}) |\n" for each in ALL
    )


def _file(name: str) -> str:
    return f"{name.replace('/', '-')}.json"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
