"""A snapshot inside of a report: as a field of its JSON document, or in a block of data of its HTML page.

The page's block is no script that runs: its type is that of data. `<` is written as an escape of JSON: nothing in
the snapshot ends the block.
"""

from __future__ import annotations

import json

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps
from engine.observe.recording.snapshot_places import BEGIN, END

#: The formats of a report that can have a snapshot in them.
FORMATS = ("html", "json")


def embedded(text: str, name: str, snapshot: Snapshot) -> str:
    """A report's text in the format of that name, with the snapshot in it. Raises ValueError for another format."""
    if name == "json":
        document = json.loads(text)
        return json.dumps({**document, "snapshot": json.loads(dumps(snapshot))}, indent=1) + "\n"
    if name != "html":
        raise ValueError(f"a report in {name} cannot have a snapshot in it")
    block = dumps(snapshot).replace("<", "\\u003c")
    head, body, tail = text.rpartition("</body>")
    return f"{head}{BEGIN}{block}{END}{body}{tail}"
