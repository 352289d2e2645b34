"""Makes the recorded lab of this folder anew: `python -m tests.hosts.record_lab` as root.

`shop.json.gz` is what a workbench on the lab of `shop.yaml` sees while a rule in DOCKER-USER keeps its shop closed: two
networks, a container with a foot in each, ports for everybody, for this host, and for nobody.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

from engine.lab import breaking, faults, lifecycle
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps
from workbench.labs import work

FOLDER = Path(__file__).parent


def main() -> None:
    """Builds the lab, breaks it, looks, and takes it down."""
    file = FOLDER / "shop.yaml"
    draft = lifecycle.draft(file.read_text(encoding="utf-8"), str(file))
    lifecycle.up(draft, work.place())
    try:
        breaking.break_lab(draft, faults.find("docker-user-drop"), work.place())
        text = dumps(steady(work.look(draft)))
    finally:
        lifecycle.down(draft.lab.name, work.place())
    (FOLDER / "shop.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def steady(snapshot: Snapshot) -> Snapshot:
    """Without what the machine and the moment have to do with it."""
    namespaces = tuple(replace(netns, pids=netns.pids[:1]) for netns in snapshot.namespaces)
    return replace(snapshot, namespaces=namespaces, hostname="", taken_at="", kernel=snapshot.kernel.partition("-")[0])


if __name__ == "__main__":
    main()
