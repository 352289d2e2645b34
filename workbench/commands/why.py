"""`portscope why`: one question, one answer, on stdout as words or as JSON.

The way from here to the answer is short, and only what it needs is imported: no terminal program, no netlink
library. A file is answered without looking at this host.
"""

from __future__ import annotations

from argparse import Namespace

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from workbench import output, world
from workbench.commands.answering import EVERYWHERE, answer, answer_each, answer_everywhere, ranges_of, supposing, tell
from workbench.exits import EXIT_OF_REACH, Exit, usage, worst
from workbench.files import keep

#: Seconds of the longest attempt, and of the longest wait for a client.
LONGEST = 600


def run(arguments: Namespace) -> Exit:
    """Answers, and ends with the code of the answer."""
    check(arguments)
    if arguments.watch:
        from workbench.commands import watching  # noqa: PLC0415 - most questions are asked once

        return watching.run(arguments)
    snapshot = _gathered(arguments)
    protocol = Protocol(arguments.protocol)
    if arguments.source == EVERYWHERE:
        from views.reports import everywhere  # noqa: PLC0415 - most questions have one source

        answers = answer_everywhere(snapshot, arguments.target, protocol)
        ranges = ranges_of(snapshot, arguments.target, protocol)
        if arguments.json:
            output.emit_whole(everywhere.dumps(answers, ranges))
        else:
            output.emit(everywhere.render(answers, ranges))
        return worst(verdict.reach for _, verdict in answers)
    if arguments.suppositions:
        verdict = supposing(snapshot, arguments, protocol)
    elif snapshot.machines:
        answers = answer_each(snapshot, arguments.target, arguments.source, protocol)
        if len(answers) > 1:
            return _each(answers, as_json=arguments.json)
        ((_, verdict),) = answers
    else:
        verdict = answer(snapshot, arguments.target, arguments.source, protocol)
    if arguments.prove:
        from workbench.commands import proving  # noqa: PLC0415 - an answer alone sends nothing

        verdict = proving.prove(snapshot, verdict, arguments)
    if arguments.json:
        from views.reports import answer_json  # noqa: PLC0415 - people read text

        output.emit_whole(answer_json.dumps(verdict))
    else:
        tell(verdict, arguments.verbose, show_gaps=arguments.gaps)
    return EXIT_OF_REACH[verdict.reach]


def _each(answers: list[tuple[str, Verdict]], *, as_json: bool) -> Exit:
    """Answers that differ by the address that is asked: all of them, as from everywhere."""
    from views.reports import everywhere  # noqa: PLC0415 - most answers are one

    if as_json:
        output.emit_whole(everywhere.dumps(answers, ()))
    else:
        output.emit(everywhere.render(answers, ()))
    return worst(verdict.reach for _, verdict in answers)


def _gathered(arguments: Namespace) -> Snapshot:
    """The snapshot that the question is about; of several hosts where it names them. Raises `Refusal`."""
    if arguments.at:
        from workbench.recording.past import snapshot_at  # noqa: PLC0415 - most questions are about now

        return snapshot_at(arguments.at, arguments.store)
    if not _of_several(arguments):
        return world.load(arguments.snapshot) if arguments.snapshot else world.look()
    from workbench.session import hosts  # noqa: PLC0415 - most questions are about one host

    asked = hosts.gather(arguments.target, arguments.source, arguments.hosts, arguments.snapshot, arguments.edge)
    arguments.target, arguments.source = asked.target, asked.source
    return asked.snapshot


def _of_several(arguments: Namespace) -> bool:
    """Whether the question names another host."""
    return bool(arguments.hosts or arguments.edge) or "ssh://" in f"{arguments.target} {arguments.source}"


def _check_time(arguments: Namespace) -> None:
    """Raises `Refusal` for options that do not go with a time, or without one."""
    if arguments.store and not arguments.at:
        raise usage("--store goes with --at TIME")
    if arguments.at and (arguments.snapshot or arguments.prove or arguments.watch or _of_several(arguments)):
        raise usage("--at asks the recorder's store: leave out --snapshot, --with, --edge, --prove and --watch")


def check(arguments: Namespace) -> None:
    """Raises `Refusal` for options that do not go together."""
    beside = {"--timeout": arguments.timeout, "--trace": arguments.trace, "--pcap": arguments.pcap}
    beside["--save-case"] = arguments.save_case
    wanted = [name for name, value in beside.items() if value]
    if wanted and not arguments.prove:
        raise usage(f"{wanted[0]} goes with --prove")
    if arguments.force and not (arguments.pcap or arguments.save_case):
        raise usage("--force goes with --pcap or --save-case")
    for path in (arguments.pcap, arguments.save_case):
        keep(path, force=arguments.force)
    if arguments.redact and not arguments.save_case:
        raise usage("--redact goes with --save-case")
    if arguments.suppositions and (arguments.prove or arguments.watch or arguments.source == EVERYWHERE):
        raise usage("--if asks one question on a changed model: leave out --prove, --watch and --from everywhere")
    _check_time(arguments)
    if "help" in arguments.suppositions:
        from engine.explain.whatif.sentences import FORMS  # noqa: PLC0415 - see `supposing`

        raise usage(f"--if CHANGE is one of: {'; '.join(form.example for form in FORMS)}")
    if arguments.prove and arguments.snapshot:
        raise usage("--prove needs the host itself: a file cannot be attempted")
    if _of_several(arguments) and (arguments.prove or arguments.watch):
        raise usage(
            "--prove and --watch are about this host alone: leave out --with and --edge, and ask one host at a time"
        )
    if arguments.prove and arguments.source == EVERYWHERE:
        raise usage("--prove makes one attempt: name one place with --from")
    if arguments.prove and arguments.watch:
        raise usage("--prove makes one attempt: leave out --watch")
    if arguments.timeout is not None and not 0.05 <= arguments.timeout <= LONGEST:
        raise usage(f"--timeout {arguments.timeout:g}: from 0.05 to {LONGEST} seconds")
