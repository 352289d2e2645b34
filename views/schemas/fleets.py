"""Many hosts."""

from __future__ import annotations

from views.schemas.form import Maybe, Published
from views.schemas.parts import PARTS

TEXTS = ("host", "taken", "netns", "container", "image", "address")
ROW = {
    **dict.fromkeys(TEXTS, str),
    "port": int,
    **dict.fromkeys(("protocol", "zone", "verdict", "symptom", "cause", "rule", "owner", "process"), str),
    **dict.fromkeys(("published", "intended", "past", "fix", "gap"), str),
}
#: Of a port that ends otherwise: which one it is, and what it ended with.
CELL = {**dict.fromkeys(("host", "container", "address", "protocol", "zone"), str), "port": int}
END = dict.fromkeys(("verdict", "symptom", "cause", "intended"), str)
CHANGES = {"opened", "closed", "another reason"}
EXPOSED = ("host", "container", "address", "protocol", "process", "intended", "past", "cause", "fix")
DOCUMENTS = (
    Published("portscope.reach/1", "a row of a fleet: fleet sql DIR 'select * from reach' --json", ROW, PARTS),
    Published(
        "portscope.exposed/1",
        "the ports that are reached from a zone: fleet exposed --json",
        {
            "schema": {"portscope.exposed/1"},
            "zone": str,
            "unintended": bool,
            "ports": [{**dict.fromkeys(EXPOSED, str), "port": int}],
        },
        PARTS,
    ),
    Published(
        "portscope.fleet-diff/1",
        "which ports of two fleets are open or closed now: fleet diff --json",
        {
            "schema": {"portscope.fleet-diff/1"},
            "hosts": {"only_before": [str], "only_after": [str], "both": int},
            "zones": [str],
            "changes": [{"change": CHANGES, **CELL, "before": Maybe(END), "after": Maybe(END)}],
        },
        PARTS,
    ),
)
