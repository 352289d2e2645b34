"""`portscope snapshot`: everything that was read of this host, or that a file holds, as versioned JSON."""

from __future__ import annotations

from argparse import Namespace

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps
from workbench import output, world
from workbench.exits import Exit, complain
from workbench.files import keep


def _taken(arguments: Namespace) -> Snapshot:
    """One host, or those of `--with` and `--edge`, with the file's first where one is named. Raises `Refusal`."""
    if arguments.hosts or arguments.edge:
        from workbench.session import hosts  # noqa: PLC0415 - most snapshots are of one host

        return hosts.bundle(arguments.hosts, arguments.file, arguments.edge)
    return world.load(arguments.file) if arguments.file else world.look()


def run(arguments: Namespace) -> Exit:
    """Looks once, or converts a file, and writes. What could not be read is in it, and is counted on stderr."""
    keep(arguments.output, force=arguments.force)
    snapshot = _taken(arguments)
    if arguments.redact:
        from engine.observe.recording.redact import Redacted  # noqa: PLC0415 - most snapshots stay in the house

        redacted = Redacted(snapshot)
        snapshot = redacted.snapshot
        if redacted.renamed:
            complain(f"ask it by the new names: {redacted.renamed}")
    if arguments.output:
        world.save(snapshot, arguments.output, force=arguments.force)
    else:
        output.emit_whole(dumps(snapshot))
    if snapshot.gaps:
        complain(f"the snapshot is incomplete: it lists {len(snapshot.gaps)} gap(s) with their reasons")
    return Exit.DONE
