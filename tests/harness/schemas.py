"""Every JSON document that a test makes portscope print is what its published schema says."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from views.schemas.published import BY_NAME


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(BY_NAME[name].schema)


def check(document: Any, name: str = "") -> None:
    """Fails for what does not fit: the place in the document, and why."""
    name = name or document["schema"]
    wrong = [f"{name} {error.json_path}: {error.message:.300}" for error in validator(name).iter_errors(document)]
    assert not wrong, "\n".join(wrong[:8])


def check_text(text: str) -> None:
    """Checks what a command prints, where it is one of these documents."""
    if text.startswith("{"):
        document = json.loads(text)
        if str(document.get("schema", "")).startswith("portscope."):
            check(document)
