"""One question put to the model and to the kernel, and whether they agree.

A `Finding` has what both said. The model may have several answers where something is undecided: it agrees when the
kernel's symptom is among them and one of the ways with that symptom took the same rules and routes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from tests.fidelity.fuzz.hosts_apart import apart
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.fidelity.oracle import (
    LegacyRule,
    counter_disagreements,
    failed_leg,
    legacy_counters,
    legs,
    route_disagreements,
    rule_disagreements,
    talks,
)
from tests.harness.nftrace import Event
from tests.harness.probe import Result
from tests.scenarios.scenario import Question

#: Seconds of silence that are silence where the model expects it, and where it does not.
QUIET, PATIENT = 0.25, 1.6
SILENT = frozenset({"timeout", "accepted-then-silent"})


@dataclass
class Finding:
    """What came of a question. `wrong` has a line for each disagreement, `kinds` what they are about."""

    question: Question
    said: tuple[str, ...] = ()
    seen: str = ""
    ending: str = ""
    wrong: list[str] = field(default_factory=list)
    kinds: tuple[str, ...] = ()
    met: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Answer:
    """A scenario's findings, one for each question; or why it could not be built."""

    findings: tuple[Finding, ...] = ()
    refused: str = ""


@dataclass
class Evidence:
    """What the kernel showed."""

    result: Result
    events: dict[str, tuple[Event, ...]]
    before: dict[LegacyRule, int]
    after: dict[LegacyRule, int]


def _leaves(way: Conversation) -> bool:
    """Whether a packet goes where no host is seen."""
    return any(trace.outcome is Outcome.LEAVES_VIEW for each in talks(way) for trace in each.traces)


class Judge:
    """A stage with its snapshot, ready for questions. `several`: each of its namespaces is a host of its own; raises
    `Refused` where it cannot be taken apart."""

    def __init__(self, stage: Stage, *, several: bool = False) -> None:
        self.stage, self.several = stage, several
        self.snapshot: Snapshot = stage.look()
        whole = apart(self.snapshot) if several else self.snapshot
        if whole is None:
            raise Refused("not one cable, or not all of them, joins it again")
        self.world = World(whole)
        self.legacy = [
            each.name for each in stage.scenario.namespaces if any("legacy" in f.backend for f in each.firewall)
        ]
        #: Whether packets after the handshake may meet rules that those of the handshake do not.
        self.assured = any("ASSURED" in f.text for each in stage.scenario.namespaces for f in each.firewall)
        #: What asks for an address at the other end of a tunnel meets rules, too.
        self.tunnels = any("vxlan" in words for each in stage.scenario.namespaces for words in each.links)
        stage.trace()

    def ask(self, question: Question) -> Finding:
        """Puts a question to both."""
        finding = Finding(question)
        asked = resolve(self.snapshot, question.target, f"ns:{question.source}", Protocol(question.protocol))
        asked = replace(asked, source=replace(asked.source, port=question.port or None))
        try:
            runs, complete = conversations(self.world, asked)
        except Exception as error:
            finding.wrong = [f"the model fails: {type(error).__name__}: {error}"]
            finding.kinds = ("error",)
            return finding
        ways = [run.result for run in runs]
        finding.said = tuple(sorted({str(way.symptom) for way in ways}))
        evidence = self._try(
            question,
            (f"{asked.address}%{asked.zone}" if asked.zone else str(asked.address), asked.port),
            finding.said,
            again=any(each.lost is not None for way in ways for each in talks(way)),
        )
        finding.seen = evidence.result.symptom
        same = [way for way in ways if way.symptom == finding.seen]
        if self.several and any(_leaves(way) for way in ways):
            finding.said += ("leaves the hosts",)  # somebody unseen may be on a segment: the answer is "depends"
            return finding
        if not complete and not same:
            finding.said += ("or else",)  # more branches than are walked: the answer is "depends"
            return finding
        if not same:
            finding.wrong = [f"the model says {' or '.join(finding.said)}, the kernel {finding.seen}"]
            finding.kinds = ("symptom",)
            same = ways
        talk, wrong = self._closest(same, evidence)
        finding.ending = failed_leg(talk)
        finding.wrong += wrong
        finding.kinds += tuple(dict.fromkeys(line.split()[0] for line in wrong))
        finding.met = vocabulary(talk)
        for gap in self.snapshot.gaps:
            finding.wrong.append(f"unread: {gap.source} in {gap.netns}: {gap.reason}")
            finding.kinds += ("unread",)
        return finding

    def _closest(self, ways: list[Conversation], evidence: Evidence) -> tuple[Conversation, list[str]]:
        """The way that the kernel took, or the one that comes closest, with what is wrong about it."""
        compared = []
        for way in ways:
            compared.append(self._compare(way, evidence))
            if not compared[-1][1]:
                break
        return min(compared, key=lambda found: len(found[1]))

    def _compare(self, talk: Conversation, evidence: Evidence) -> tuple[Conversation, list[str]]:
        wrong = rule_disagreements(talk, evidence.events)
        # Who cannot pass an answer on tells its sender, and who did not wait for one refuses it.
        refuses = any(
            part is not None and part.outcome is not Outcome.DELIVERED
            for each in talks(talk)
            for part in (each.reply, each.confirm, each.request, each.answer)
        )
        # Who sends a packet back the way that it came tells its sender of a shorter one.
        returned = any(
            step.context.iif and step.context.iif == step.context.oif for _, leg in legs(talk) for step in leg.steps
        )
        # An association tries each address that its ends have (HEARTBEAT, RFC 9260, 8.3).
        sctp = talk.forward.hops[0].packet.protocol is Protocol.SCTP
        more = refuses or returned or sctp or self.tunnels or (self.assured and talk.confirm is not None)
        wrong += counter_disagreements(talk, evidence.before, evidence.after, more=more)
        wrong += route_disagreements(talk, self.snapshot, lambda netns, asked: self.stage.kernels[netns].route(asked))
        return talk, wrong

    def _try(
        self, question: Question, target: tuple[str, int], said: tuple[str, ...], *, again: bool = False
    ) -> Evidence:
        """A real attempt, where `again` says that the first packet has to be sent again for it to be one."""
        self.stage.forget()
        for kernel in self.stage.kernels.values():
            kernel.events()
        before = self._counters()
        # An error that comes while connect() is busy counts with the first packet that is sent again.
        sockets, quiet = self.stage.sockets, bool(said) and set(said) <= SILENT and not again
        result = sockets.ask(question, target, QUIET if quiet else PATIENT)
        if quiet and result.symptom in SILENT and result.symptom not in said:
            return self._try(question, target, ())
        events = {name: kernel.events() for name, kernel in self.stage.kernels.items()}
        seen = Evidence(result, {name: found for name, found in events.items() if found}, before, self._counters())
        self.stage.forget()  # so that routes are asked for as they were before the attempt
        return seen

    def _counters(self) -> dict[LegacyRule, int]:
        found: dict[LegacyRule, int] = {}
        for name in self.legacy:
            found |= legacy_counters(name, self.stage.netns(name))
        return found


def vocabulary(talk: Conversation) -> Counter[str]:
    """What the packets of a conversation met: rules by backend, table and verdict; decisions by kind."""
    met: Counter[str] = Counter()
    for _, trace in legs(talk):
        for step in trace.steps:
            if step.ref is not None and step.kind == "rule":
                backend, family, *_ = step.ref.key
                met[f"{backend} {family} {step.hook}"] += 1
                met[f"verdict {step.verdict.split()[0] if step.verdict else ''}"] += 1
            else:
                met[str(step.kind)] += 1
    return met
