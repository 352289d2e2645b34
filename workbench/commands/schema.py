"""`portscope schema [NAME]`: the JSON documents that portscope prints, as JSON Schemas."""

from __future__ import annotations

import difflib
from argparse import Namespace

from views.schemas.published import ALL, BY_NAME
from workbench import output
from workbench.exits import Exit, usage


def run(arguments: Namespace) -> Exit:
    """Prints one, or the list. Raises `Refusal` for a name that there is not."""
    if not arguments.name:
        widest = max(len(each.name) for each in ALL)
        output.emit("".join(f"{each.name:<{widest}}  {each.title}\n" for each in ALL))
        return Exit.DONE
    found = BY_NAME.get(arguments.name) or BY_NAME.get(f"portscope.{arguments.name}/1")
    if found is None:
        near = difflib.get_close_matches(f"portscope.{arguments.name}/1", BY_NAME, 1)
        hint = f"did you mean {near[0]}?" if near else "'portscope schema' lists them"
        raise usage(f"there is no document {arguments.name!r:.80}; {hint}")
    output.emit_json(found.schema)
    return Exit.DONE
