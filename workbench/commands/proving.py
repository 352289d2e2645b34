"""`why … --prove`: the real attempt, and what is written of it.

Trace rules are added to this host's firewall only where `--trace` allows it, and in labs that portscope built. A client
that is not on this machine is waited for; a line on stderr says so, since it may take a while.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from engine.build.journal import state_directory
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.errors import ObserveError
from engine.prove.errors import ProveError
from engine.prove.judge import weigh
from engine.prove.prove import Proven, Wishes, client_of
from engine.prove.prove import prove as attempt
from engine.prove.watch import SECONDS as WATCHED
from engine.prove.watch import watch
from workbench.commands import case
from workbench.exits import complain, refused


def prove(snapshot: Snapshot, verdict: Verdict, arguments: Namespace) -> Verdict:
    """The answer after a real attempt. Raises `Refusal` when it cannot be made, or a file cannot be written."""
    trace = None if arguments.trace else lab_namespaces(snapshot)
    try:
        proven = _made(snapshot, verdict, arguments.timeout, trace)
    except (ProveError, ObserveError) as error:
        raise refused(str(error)) from error
    weighed = weigh(verdict, proven.proof)
    if arguments.pcap:
        write(arguments.pcap, proven.pcapng())
    if arguments.save_case:
        write(arguments.save_case, case.dumps(snapshot, weighed, redacted=arguments.redact).encode())
    return weighed


def _made(snapshot: Snapshot, verdict: Verdict, seconds: float | None, trace: frozenset[str] | None) -> Proven:
    if client_of(snapshot, verdict.question) is not None:
        return attempt(snapshot, verdict, Wishes(trace=trace) if seconds is None else Wishes(seconds, trace))
    source = verdict.question.source
    patience = WATCHED if seconds is None else seconds
    where = f"to port {verdict.question.port} on {source.device}"
    complain(f"{source.address} is not on this machine: waiting up to {patience:g} s for its packets {where}")
    return watch(snapshot, verdict, Wishes(patience, trace))


def lab_namespaces(snapshot: Snapshot) -> frozenset[str]:
    """The namespaces of the labs that portscope built here: the name of a lab, a dash, the name of a node."""
    try:
        labs = [f"{folder.name}-" for folder in state_directory().iterdir() if folder.is_dir()]
    except OSError:
        return frozenset()
    return frozenset(netns.id for netns in snapshot.namespaces if netns.id.startswith(tuple(labs)))


def write(path: Path, data: bytes) -> None:
    """Writes a file. Raises `Refusal`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise refused(f"{path} cannot be written: {error.strerror or error}") from error
