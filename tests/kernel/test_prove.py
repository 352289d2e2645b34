"""Proofs in a network whose truth is known: each kind of evidence, agreement and disagreement, nothing left."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.firewall import Firewall
from engine.model.packet import Protocol
from engine.model.proof import Agreement, Leg, Proof, ProofRow
from engine.model.trace import StepKind, Symptom
from engine.model.verdict import Reach
from engine.prove.errors import ProveError
from engine.prove.judge import proven, weigh
from engine.prove.prove import Wishes, prove
from engine.prove.sources.nftrace_rules import PREFIX
from tests.harness.needs import require
from tests.kernel.proving import SILENCE, Net, routed_network

TARGET = "10.8.2.2"
DROP = "tcp dport 80 counter drop"


@pytest.fixture
def net() -> Iterator[Net]:
    require("ip", "nsenter", "nft", root=True)
    with routed_network() as network:
        yield network


def rows(proof: Proof, source: str, leg: Leg = Leg.FORWARD) -> list[ProofRow]:
    return [row for row in proof.rows if row.source == source and row.leg is leg]


def add(net: Net, rule: str) -> None:
    net.router.run("nft", "add", "rule", "ip", "t", "pass", *rule.split())


def test_a_connection_is_proven_by_every_kind_of_evidence(net: Net) -> None:
    shown = net.proven("10.8.1.1:8080").proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees, shown.code) == (Symptom.CONNECTED, Agreement.YES, "")
    assert shown.attempt.answer.startswith("app saw")
    for source in ("capture", "rule trace", "route get", "neighbour table"):
        assert rows(shown, source), source
    assert {row.agree for row in shown.rows} <= {Agreement.YES, Agreement.UNSEEN}
    assert shown.contradicted == ()


def test_the_packet_is_seen_before_and_after_its_translation(net: Net) -> None:
    shown = net.proven("10.8.1.1:8080").proof
    seen = [
        (each.device, str(each.packet.dst), each.packet.dport) for each in shown.sightings if each.leg is Leg.FORWARD
    ]
    assert seen == [("eth0", "10.8.1.1", 8080), ("lan", "10.8.1.1", 8080), ("srv", TARGET, 80), ("eth0", TARGET, 80)]
    assert shown.last is not None
    assert (shown.last.netns, shown.last.device) == (net.server.name, "eth0")
    flow = next(each for each in shown.flows if each.netns == net.router.name)
    assert (str(flow.entry.reply.src), flow.entry.reply.sport) == (TARGET, 80)


def test_the_rule_that_drops_is_told_by_trace_and_by_counter(net: Net) -> None:
    add(net, DROP)
    shown = net.proven(f"{TARGET}:80").proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees) == (Symptom.TIMEOUT, Agreement.YES)
    assert rows(shown, "rule trace")[-1].seen == "drop"
    assert (("t", "pass", 1), 1) in [(each.ref.key[2:], each.by) for each in shown.growths if each.ref]
    counted = net.proven(f"{TARGET}:80", trace=False).proof
    assert rows(counted, "rule counter")[-1].seen == "counted 1 more"
    assert any(gap.source == "rule trace" and "--trace" in gap.reason for gap in counted.gaps)


def test_legacy_rules_are_proven_by_their_counters(net: Net) -> None:
    require("iptables-legacy")
    net.router.run("iptables-legacy", "-A", "FORWARD", "-p", "tcp", "--dport", "80", "-j", "DROP")
    shown = net.proven(f"{TARGET}:80").proof
    assert [row.seen for row in rows(shown, "rule counter") if "FORWARD" in row.predicted] == ["counted 1 more"]
    assert shown.agrees is Agreement.YES


@pytest.mark.parametrize(
    ("port", "symptom"),
    [(81, Symptom.ACCEPTED_THEN_CLOSED), (83, Symptom.ACCEPTED_THEN_SILENT), (90, Symptom.REFUSED)],
)
def test_an_ending_of_the_attempt_has_its_word(net: Net, port: int, symptom: Symptom) -> None:
    made = net.proven(f"{TARGET}:{port}").proof.attempt
    assert made is not None
    assert made.symptom is symptom


def test_a_program_that_does_not_know_our_words_is_no_disagreement(net: Net) -> None:
    shown = net.proven(f"{TARGET}:82").proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees) == (Symptom.ACCEPTED_THEN_SILENT, Agreement.UNSEEN)
    assert shown.attempt.doubt


def test_datagrams_and_their_errors_are_proven(net: Net) -> None:
    assert net.proven(f"{TARGET}:80", Protocol.UDP).proof.agrees is Agreement.YES
    refused = net.proven(f"{TARGET}:90", Protocol.UDP).proof
    assert refused.attempt is not None
    assert (refused.attempt.symptom, refused.agrees) == (Symptom.REFUSED, Agreement.YES)
    assert [each for each in refused.sightings if each.leg is Leg.ERROR and each.quoted]
    assert ("Udp.NoPorts", 1) in [(each.name, each.by) for each in refused.growths]


@pytest.mark.parametrize("target", [TARGET, "fd08:2::2"])
def test_an_echo_is_proven_by_its_identifier(net: Net, target: str) -> None:
    shown = net.proven(target, Protocol.ICMP).proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees) == (Symptom.CONNECTED, Agreement.YES)
    assert [each.device for each in shown.sightings if each.leg is Leg.FORWARD] == ["eth0", "lan", "srv", "eth0"]
    assert [each.device for each in shown.sightings if each.leg is Leg.REPLY] == ["eth0", "srv", "lan", "eth0"]


def test_an_echo_that_a_rule_rejects_is_proven_with_its_error(net: Net) -> None:
    add(net, "ip protocol icmp reject with icmp type host-unreachable")
    shown = net.proven(TARGET, Protocol.ICMP).proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees) == (Symptom.HOST_UNREACHABLE, Agreement.YES)
    assert [row.seen for row in rows(shown, "rule trace")][-1] == "drop"


def test_sctp_is_attempted_where_the_kernel_has_it(net: Net) -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        with pytest.raises(ProveError, match="this kernel has no SCTP"):
            net.proven(f"{TARGET}:90", Protocol.SCTP)
        return
    shown = net.proven(f"{TARGET}:90", Protocol.SCTP).proof
    assert shown.attempt is not None
    assert (shown.attempt.symptom, shown.agrees) == (Symptom.REFUSED, Agreement.YES)


def test_ipv6_is_proven_as_ipv4_is(net: Net) -> None:
    net.router.run(
        "nft", "-f", "-", stdin="table ip6 t {\nchain f {\ntype filter hook forward priority 0\ncounter\n}\n}\n"
    )
    shown = net.proven("[fd08:2::2]:80").proof
    assert shown.agrees is Agreement.YES
    assert [row.seen for row in rows(shown, "rule trace")][:1] == ["continue"]
    refused = net.proven("[fd08:2::2]:90").proof
    assert refused.attempt is not None
    assert (refused.attempt.symptom, refused.agrees) == (Symptom.REFUSED, Agreement.YES)


def test_a_model_that_does_not_see_the_rule_is_found_out_and_the_kernel_wins(net: Net) -> None:
    add(net, DROP)
    snapshot = net.look()
    blind = tuple(
        replace(netns, firewall=Firewall()) if netns.id == net.router.name else netns for netns in snapshot.namespaces
    )
    believed = replace(snapshot, namespaces=blind)
    verdict = net.answer(believed, f"{TARGET}:80")
    assert verdict.reach is Reach.YES
    # The prediction is of the blind model; the evidence is looked up in the host as it is.
    weighed = weigh(verdict, prove(snapshot, verdict, Wishes(SILENCE, None)).proof)
    assert (weighed.reach, weighed.symptom) == (Reach.NO, Symptom.TIMEOUT)
    cause = weighed.causes[0]
    assert (cause.code, cause.at.key[2:]) == ("MODEL_DISAGREES", ("t", "pass", 1))
    assert "last seen on lan" in cause.sentence


def test_a_model_that_forbids_what_the_kernel_allows_is_turned_around(net: Net) -> None:
    snapshot = net.look()
    off = tuple(
        replace(netns, sysctls={**netns.sysctls, "net.ipv4.conf.lan.forwarding": 0, "net.ipv4.ip_forward": 0})
        for netns in snapshot.namespaces
    )
    verdict = net.answer(replace(snapshot, namespaces=off), f"{TARGET}:80")
    assert verdict.reach is Reach.NO
    weighed = weigh(verdict, prove(snapshot, verdict, Wishes(SILENCE, None)).proof)
    assert (weighed.reach, weighed.symptom) == (Reach.YES, Symptom.CONNECTED)
    assert [cause.code for cause in weighed.causes] == ["MODEL_DISAGREES"]


def test_a_fix_is_marked_when_the_attempt_after_it_connects(net: Net) -> None:
    add(net, DROP)
    snapshot = net.look()
    verdict = net.answer(snapshot, f"{TARGET}:80")
    fix = verdict.causes[0].fixes[0]
    before = prove(snapshot, verdict, Wishes(SILENCE)).proof
    assert proven(fix, before).verified == "model"
    for argv in fix.commands:
        subprocess.run(argv, check=True, capture_output=True)
    again = net.look()
    after = prove(again, net.answer(again, f"{TARGET}:80")).proof
    assert (proven(fix, after).verified, proven(fix, after).then) == ("kernel", Symptom.CONNECTED)


def test_nothing_is_left_and_the_caller_stays_where_it_was(net: Net) -> None:
    home = os.stat("/proc/thread-self/ns/net").st_ino
    descriptors = len(os.listdir("/proc/self/fd"))
    net.proven(f"{TARGET}:80")
    assert os.stat("/proc/thread-self/ns/net").st_ino == home
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert PREFIX not in net.router.run("nft", "list", "tables")


def test_the_kernels_drop_reason_is_told_and_its_instance_removed(net: Net, tmp_path: Path) -> None:
    tracing = tmp_path / "tracing"
    tracing.mkdir()
    done = subprocess.run(["mount", "-t", "tracefs", "none", str(tracing)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tracefs cannot be mounted: {done.stderr.strip()}")
    try:
        (tracing / "instances" / f"{PREFIX}{os.stat('/proc/self/ns/pid').st_ino}-1-0-dead").mkdir()
        add(net, DROP)
        shown = net.proven(f"{TARGET}:80").proof
        left = list((tracing / "instances").glob(f"{PREFIX}*-{os.getpid()}-*"))
        swept = list((tracing / "instances").glob(f"{PREFIX}*-1-0-dead"))
    finally:
        subprocess.run(["umount", str(tracing)], check=True)
    assert [each.reason for each in shown.drops] == ["NETFILTER_DROP"]
    assert (left, swept) == ([], [])


def test_every_step_kind_that_something_can_tell_of_is_told(net: Net) -> None:
    snapshot = net.look()
    verdict = net.answer(snapshot, "10.8.1.1:8080")
    shown = prove(snapshot, verdict, Wishes(SILENCE, None)).proof
    kinds = [step.kind for step in verdict.conversation.forward.steps]
    told = [row for row in shown.rows if row.leg is Leg.FORWARD]
    silent = {kind for kind, row in zip(kinds, told, strict=True) if not row.seen}
    assert silent <= {StepKind.SYSCTL, StepKind.NOTE, StepKind.CONNTRACK}
