"""The JSON Schemas as files: `python -m scripts.schemas` writes docs/schemas."""

from __future__ import annotations

import json
from pathlib import Path

from views.schemas.published import ALL

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def files() -> dict[str, str]:
    """The text of each by its file's name: portscope.why-1.json."""
    return {f"{each.name.replace('/', '-')}.json": json.dumps(each.schema, indent=2) + "\n" for each in ALL}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
