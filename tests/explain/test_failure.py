"""Which part of a conversation failed, where, and what its pointers point at."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.explain.failure import FailedLeg, Failure, failure_of, is_tcp, place_of, rule_at, translation_of
from engine.model.firewall import Backend
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome
from engine.model.verdict import Question, Source
from engine.model.where import RulePlace
from engine.path.choices import Choices
from engine.path.exchange.conversation import converse
from engine.path.world import World as Walked
from tests.explain.faults import docker, relay, serving, state
from tests.hosts.build import World
from tests.hosts.stock import WEB, three_in_line
from tests.path.endings import filtered


def failing(
    world: World | object, address: str, port: int, source: str, protocol: Protocol = Protocol.TCP
) -> Failure | None:
    snapshot = world.snapshot(source) if isinstance(world, World) else world
    walked = Walked(snapshot)  # type: ignore[arg-type]
    question = Question(Source(source), ip_address(address), port, protocol)
    return failure_of(walked, question, converse(walked, question, Choices()))


def in_line(chain: str = "", rule: str = "", where: str = "router") -> Failure | None:
    world = three_in_line()
    if chain:
        filtered(world[where], chain, rule)
    return failing(world, "10.2.0.2", 80, "client")


@pytest.mark.parametrize(
    ("chain", "rule", "leg", "where"),
    [
        ("FORWARD", "-d 10.2.0.2/32 -j DROP", FailedLeg.FORWARD, "router"),
        ("FORWARD", "-s 10.2.0.2/32 -j DROP", FailedLeg.REPLY, "router"),
        ("INPUT", "-p tcp -m tcp --tcp-flags SYN,ACK ACK -j DROP", FailedLeg.CONFIRM, "server"),
    ],
)
def test_the_first_leg_that_does_not_arrive_is_the_failure(chain: str, rule: str, leg: FailedLeg, where: str) -> None:
    failure = in_line(chain, rule, where)
    assert failure is not None
    assert (failure.leg, failure.outcome, failure.netns.id, failure.depth) == (leg, Outcome.RULE_DROP, where, 0)
    assert failure.backwards is (leg is FailedLeg.REPLY)
    assert is_tcp(failure)


def test_a_conversation_that_connects_has_no_failure() -> None:
    assert in_line() is None


def test_a_frozen_program_fails_in_its_service() -> None:
    failure = failing(docker(state("web", "paused")), WEB, 80, "host")
    assert failure is not None
    assert (failure.leg, failure.outcome) == (FailedLeg.SERVICE, Outcome.DELIVERED)


def test_a_relays_own_connection_is_where_it_fails() -> None:
    failure = failing(docker(relay("docker-proxy", WEB, 81), nat="", proxy=False), "10.77.0.1", 8080, "lan")
    assert failure is not None
    assert (failure.depth, failure.leg, failure.outcome) == (1, FailedLeg.FORWARD, Outcome.NO_LISTENER)
    assert (failure.question.source.netns, str(failure.question.address), failure.question.port) == ("host", WEB, 81)


def test_a_rule_is_found_by_its_pointer() -> None:
    failure = in_line("FORWARD", "-d 10.2.0.2/32 -j DROP")
    assert failure is not None
    assert failure.step.ref is not None
    found = rule_at(failure.world, failure.step.ref)
    assert found is not None
    assert (found[0].name, found[1].text) == ("filter", "-A FORWARD -d 10.2.0.2/32 -j DROP")
    assert place_of(failure.step.ref) == RulePlace("router", Backend.XT_NFT, "ip", "filter", "FORWARD", 0)
    gone = Ref(RefKind.RULE, "router", ("xt-nft", "ip", "filter", "FORWARD", 7))
    assert rule_at(failure.world, gone) is None
    assert rule_at(failure.world, Ref(RefKind.LINK, "router", (1,))) is None


def test_the_rule_that_translated_the_packet_is_found() -> None:
    failure = failing(docker(serving(where="web")), "10.77.0.1", 8080, "lan")
    assert failure is not None
    step = translation_of(failure)
    assert step is not None
    assert step.ref is not None
    assert step.ref.name == "nat/DOCKER 2"
    plain = in_line("FORWARD", "-j DROP")
    assert plain is not None
    assert translation_of(plain) is None


def test_two_failures_are_told_apart_by_what_ended_them() -> None:
    one, same, other = (
        in_line("FORWARD", "-j DROP"),
        in_line("FORWARD", "-j DROP"),
        in_line("FORWARD", "-p tcp -j DROP"),
    )
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.signature == same.signature != other.signature
