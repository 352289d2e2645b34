"""Golden files: what a picture of a known value looked like when somebody last read it and found it right.

`GOLDEN=write pytest …` writes what is drawn now; the difference is then read like any other change.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same_as_golden(name: str, text: str) -> None:
    """Asserts that the text is what the file of that name holds."""
    path = FOLDER / name
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: GOLDEN=write makes it"
    assert text == path.read_text(encoding="utf-8")
