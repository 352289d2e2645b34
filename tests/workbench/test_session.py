import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.message import Message

from engine.explain.board import board
from engine.model.board import BoardRow
from engine.model.firewall import Firewall
from engine.model.host import Netns, Snapshot
from engine.model.verdict import Question, Verdict
from engine.observe.watch.watch import Update
from tests.views.hosts import docker_host
from tests.workbench.screen import ASK, Stand
from views.verdict.ask import Ask
from workbench import world
from workbench.exits import refused
from workbench.session.messages import Answered, Boarded, Looked, Trouble, Unanswerable
from workbench.session.session import Session
from workbench.session.sources import Given
from workbench.session.survey import Survey

Posts = queue.Queue[Message]


@contextmanager
def running(
    look: Callable[[], Snapshot], stand: Stand | None = None, live: bool = False
) -> Iterator[tuple[Session, Posts]]:
    posts: Posts = queue.Queue()
    session = Session(Given("test", look, live), posts.put, (stand or Stand()).engine)
    session.start()
    yield session, posts
    session.stop()


def next_of(posts: Posts) -> Message:
    return posts.get(timeout=10)


def test_the_first_thing_told_is_the_snapshot() -> None:
    with running(docker_host) as (_, posts):
        first = next_of(posts)
        assert isinstance(first, Looked)
        assert first.snapshot == docker_host()


def test_a_question_is_answered_for_the_last_look() -> None:
    with running(docker_host) as (session, posts):
        next_of(posts)
        session.ask(ASK)
        answer = next_of(posts)
        assert isinstance(answer, Answered)
        assert (answer.ask, answer.first) == (ASK, True)


def test_a_question_asked_before_the_first_look_waits_for_it() -> None:
    posts: Posts = queue.Queue()
    session = Session(Given("test", docker_host), posts.put, Stand().engine)
    session.ask(ASK)
    session.start()
    assert [type(next_of(posts)) for _ in range(2)] == [Looked, Answered]
    session.stop()


def test_a_host_that_did_not_change_is_not_told_again() -> None:
    stamps = iter(range(100))
    with running(lambda: replace(docker_host(), taken_at=str(next(stamps)))) as (session, posts):
        next_of(posts)
        session.refresh()
        session.ask(ASK)
        assert isinstance(next_of(posts), Answered)


def test_what_rules_count_is_told_and_answers_nothing_anew() -> None:
    counted, changed = docker_host(), docker_host(dropped=False)
    host = counted.by_id[counted.host]
    (table, *more) = host.firewall.tables
    chains = tuple(
        replace(chain, rules=tuple(replace(rule, packets=77) for rule in chain.rules)) for chain in table.chains
    )
    firewall = Firewall((replace(table, chains=chains), *more))
    namespaces = tuple(replace(each, firewall=firewall) if each is host else each for each in counted.namespaces)
    turns: queue.Queue[Snapshot | None] = queue.Queue()
    posts: Posts = queue.Queue()
    source = Given("test", docker_host, live=True, watch=lambda _: map(Update, iter(turns.get, None)))
    session = Session(source, posts.put, Stand().engine)
    session.ask(ASK)
    session.start()
    told: list[tuple[type, bool]] = []
    for seen in (
        docker_host(),
        replace(counted, namespaces=namespaces, taken_at="2027"),
        replace(changed, taken_at="2028"),
    ):
        turns.put(seen)
        while not isinstance(message := next_of(posts), Looked):
            told.append((type(message), False))
        told.append((Looked, bool(message.changed)))
    assert told == [(Looked, False), (Answered, False), (Looked, False), (Looked, True)]
    turns.put(None)
    session.stop()


def test_a_host_that_changed_is_told_and_the_question_answered_anew() -> None:
    hosts = iter([docker_host(), docker_host(dropped=False)])
    with running(lambda: next(hosts)) as (session, posts):
        next_of(posts)
        session.ask(ASK)
        next_of(posts)
        session.refresh()
        look, answer = next_of(posts), next_of(posts)
        assert isinstance(look, Looked)
        assert isinstance(answer, Answered)
        assert not answer.first


def test_a_live_host_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.session.session.INTERVAL", 0.01)
    numbers = iter(range(1000))
    with running(lambda: replace(docker_host(), kernel=str(next(numbers))), live=True) as (_, posts):
        kernels = [look.snapshot.kernel for look in (next_of(posts) for _ in range(3)) if isinstance(look, Looked)]
        assert kernels == ["0", "1", "2"]


def test_a_question_that_cannot_be_asked_is_told_with_its_reason() -> None:
    with running(docker_host, Stand(refusal="no container named wbe; there are web, db, cache")) as (session, posts):
        next_of(posts)
        session.ask(Ask("wbe:80"))
        told = next_of(posts)
        assert isinstance(told, Unanswerable)
        assert told.reason == "no container named wbe; there are web, db, cache"


def test_a_refused_look_is_told_and_so_is_that_it_is_over() -> None:
    def look() -> Snapshot:
        if next(attempts) == 0:
            raise refused("netlink is not permitted here; run as root")
        return docker_host()

    attempts = iter(range(10))
    with running(look) as (session, posts):
        told = next_of(posts)
        assert isinstance(told, Trouble)
        assert told.reason == "netlink is not permitted here; run as root"
        session.refresh()
        assert isinstance(next_of(posts), Looked)
        over = next_of(posts)
        assert isinstance(over, Trouble)
        assert over.reason == ""


def test_a_fault_of_the_engine_is_told_and_the_thread_lives_on() -> None:
    class Broken(Stand):
        def answer(self, _snapshot: Snapshot, _question: Question) -> Verdict:
            raise ZeroDivisionError("no packets")

    with running(docker_host, Broken()) as (session, posts):
        next_of(posts)
        session.ask(ASK)
        told = next_of(posts)
        assert isinstance(told, Trouble)
        assert told.reason == "an error in portscope, not yours: ZeroDivisionError: no packets"
        session.ask(ASK)
        session.stop()
        assert not session._thread.is_alive()


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    posts: Posts = queue.Queue()
    session = Session(Given("none.json", lambda: world.load(tmp_path / "none.json")), posts.put)
    session.start()
    told = next_of(posts)
    session.stop()
    assert isinstance(told, Trouble)
    assert "none.json" in told.reason
    assert "\n" not in told.reason


def test_the_board_is_filled_while_nothing_is_asked_and_again_when_its_ports_are_others() -> None:
    filled: list[Snapshot] = []

    def fill(snapshot: Snapshot, tried: Callable[[int, int], object]) -> tuple[BoardRow, ...]:
        tried(0, 1)
        filled.append(snapshot)
        return board(snapshot)

    survey, first = Survey(fill), docker_host()
    assert survey.of(first, lambda: True) is None  # somebody waits
    assert survey.due
    rows = survey.of(first, lambda: False)
    assert rows
    assert not survey.due
    crowded = replace(first, namespaces=(*first.namespaces, Netns("other", inode=1)))
    assert survey.of(crowded, lambda: False) is None
    assert not survey.due  # what came is elsewhere
    assert survey.of(docker_host(dropped=False), lambda: False) is None  # it was filled just now
    assert survey.due
    assert filled == [first]


def test_the_ports_are_told_once_and_again_when_the_host_is_another_one() -> None:
    with running(docker_host, Stand(boards=True)) as (session, posts):
        assert isinstance(next_of(posts), Looked)
        told = next_of(posts)
        assert isinstance(told, Boarded)
        assert told.rows
        session.ask(ASK)
        assert isinstance(next_of(posts), Answered)
