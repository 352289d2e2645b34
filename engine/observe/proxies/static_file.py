"""A file of YAML or TOML as plain values, within limits."""

from __future__ import annotations

import tomllib
from typing import Any

from engine.observe.proxies.trouble import SyntaxTrouble

#: Characters of a file.
LONGEST = 200_000


def parse(text: str, path: str) -> dict[str, Any]:
    """The values of a file by their keys. Raises SyntaxTrouble."""
    if len(text) > LONGEST:
        raise SyntaxTrouble(f"{path} has more than {LONGEST} characters")
    try:
        found = tomllib.loads(text) if path.endswith(".toml") else _yaml(text, path)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SyntaxTrouble(f"{path} is not understood: {' '.join(str(error).split())}") from None
    return found if isinstance(found, dict) else {}


def _yaml(text: str, path: str) -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415 - few hosts have a proxy with such a file
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    if any(line.lstrip(" -").startswith("&") or ": &" in line for line in text.splitlines()):
        raise SyntaxTrouble(f"{path} has anchors, which are not followed")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        raise SyntaxTrouble(f"{path} is not understood: {' '.join(str(error).split())[:200]}") from None
