"""A session that is told of changes by a watch: a stand-in that gives an update whenever the test puts one in."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

from textual.message import Message
from textual.pilot import Pilot

from engine.model.host import Snapshot
from engine.observe.watch.watch import Update
from tests.views.hosts import connected_verdict, docker_host
from tests.workbench.screen import ASK, Stand, bench, drive, line, looked, text, until
from workbench.app import Workbench
from workbench.exits import refused
from workbench.session.first_look import FirstLook
from workbench.session.messages import Answered, Flipped, Looked, Reading
from workbench.session.session import Session
from workbench.session.sources import Given


def at(second: int, *, dropped: bool = True) -> Snapshot:
    return replace(docker_host(dropped=dropped), taken_at=f"2026-01-01T10:00:{second:02}Z")


@dataclass
class Watched:
    """What is put in is seen; None ends the watch as a fault does."""

    put: queue.Queue[Snapshot | None] = field(default_factory=queue.Queue)
    looks: int = 0
    kernel: str = at(0).kernel

    def watch(self, stop: Event) -> Iterator[Update]:
        while not stop.is_set():
            try:
                seen = self.put.get(timeout=0.05)
            except queue.Empty:
                continue
            if seen is None:
                raise refused("netlink is gone")
            yield Update(seen)

    def look(self) -> Snapshot:
        self.looks += 1
        return replace(at(30 + self.looks, dropped=False), kernel=self.kernel)


@dataclass
class Play:
    watched: Watched
    stand: Stand
    session: Session
    posts: "queue.Queue[Message]"

    def next(self) -> Message:
        return self.posts.get(timeout=10)


@contextmanager
def playing() -> Iterator[Play]:
    watched, stand = Watched(), Stand()
    posts: queue.Queue[Message] = queue.Queue()
    session = Session(Given("test", watched.look, live=True, watch=watched.watch), posts.put, stand.engine)
    session.start()
    yield Play(watched, stand, session, posts)
    session.stop()


def test_what_the_watch_sees_is_told_with_what_changed_and_nothing_is_read_besides() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        first = play.next()
        play.watched.put.put(at(2, dropped=False))
        second = play.next()
        assert isinstance(first, Looked)
        assert isinstance(second, Looked)
        assert first.changed == ()
        assert [(each.what, each.how, each.netns) for each in second.changed] == [("rule", "deleted", "dh")]
        assert play.watched.looks == 0


def test_two_moments_share_the_parts_that_are_equal() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.watched.put.put(at(2, dropped=False))
        first, second = play.next(), play.next()
        assert isinstance(first, Looked)
        assert isinstance(second, Looked)
        assert second.snapshot == at(2, dropped=False)
        assert second.snapshot.by_id["lan"] is first.snapshot.by_id["lan"]
        assert second.snapshot.host_netns.routes is first.snapshot.host_netns.routes


def test_the_moment_in_which_the_answer_flips_is_told_with_the_change() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.session.ask(ASK)
        assert isinstance(play.next(), Answered)
        play.stand.verdict = connected_verdict()
        play.watched.put.put(at(2, dropped=False))
        looked, answer, flip = play.next(), play.next(), play.next()
        assert isinstance(looked, Looked)
        assert isinstance(answer, Answered)
        assert isinstance(flip, Flipped)
        assert (flip.flip.before, flip.flip.after) == ("✗ not reachable, timeout FW_RULE_DROP", "✓ reachable")
        assert flip.flip.cause.changed == tuple(map(str, looked.changed))
        assert flip.flip.at == "2026-01-01T10:00:02Z"


def test_another_question_is_no_flip() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.session.ask(ASK)
        play.next()
        play.stand.verdict = connected_verdict()
        play.session.ask(replace(ASK, target=":8443"))
        assert isinstance(play.next(), Answered)
        play.watched.put.put(at(2, dropped=False))
        assert [type(play.next()) for _ in range(2)] == [Looked, Answered]


def test_the_answer_of_an_earlier_moment_is_given_beside_the_one_of_now() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        first = play.next()
        assert isinstance(first, Looked)
        play.session.ask(ASK)
        play.next()
        play.session.show(first.snapshot)
        pinned = play.next()
        assert isinstance(pinned, Answered)
        assert pinned.snapshot is first.snapshot
        play.stand.verdict = connected_verdict()
        play.watched.put.put(at(2, dropped=False))
        assert [type(play.next()) for _ in range(3)] == [Looked, Answered, Flipped]


def test_what_was_seen_before_a_look_but_comes_after_it_is_not_shown() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.session.refresh()
        assert isinstance(play.next(), Looked)
        play.watched.put.put(at(2))
        play.watched.put.put(at(40))
        told = play.next()
        assert isinstance(told, Looked)
        assert told.snapshot.taken_at == "2026-01-01T10:00:40Z"


def test_what_was_seen_before_a_look_and_is_not_in_it_is_looked_for() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.session.refresh()
        play.next()
        play.watched.kernel = "6.1"
        play.watched.put.put(replace(at(2), kernel="6.1"))
        told = play.next()
        assert isinstance(told, Looked)
        assert (told.snapshot.taken_at, told.snapshot.kernel) == ("2026-01-01T10:00:32Z", "6.1")


def test_a_watch_that_ends_is_followed_by_looks() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.watched.put.put(None)
        told = play.next()
        assert isinstance(told, Looked)
        assert told.snapshot.taken_at == "2026-01-01T10:00:31Z"


def test_an_answer_that_stays_the_same_is_no_flip() -> None:
    with playing() as play:
        play.watched.put.put(at(1))
        play.next()
        play.session.ask(ASK)
        play.next()
        play.watched.put.put(at(2, dropped=False))
        play.session.stop()
        assert Flipped not in [type(each) for each in list(play.posts.queue)]


def test_how_far_the_first_look_is_is_shown_with_the_host_alone() -> None:
    going = Event()

    def watch(stop: Event) -> Iterator[Update | FirstLook]:
        host = docker_host()
        yield FirstLook(0, 37, replace(host, namespaces=(host.host_netns,), containers=()))
        yield FirstLook(21, 37)
        while not (going.is_set() or stop.is_set()):
            going.wait(0.05)
        yield Update(at(1))

    async def play(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await until(pilot, lambda: "reading 21 of 37 namespaces" in line(app, "header"))
        assert "docker0" in text(app, "topology")
        assert "DOCKER-USER" in "\n".join(row.words for row in app.panes.rules.entries)
        assert app.panes.snapshot is None
        await pilot.press("w", "e", "i", "space", "m", "escape")  # nothing can be asked yet
        assert app.fault is None
        going.set()
        await looked(pilot)
        assert "reading" not in line(app, "header")
        assert "web" in text(app, "topology")

        app.post_message(Reading(FirstLook(0, 37)))  # a look of another thread was quicker
        await pilot.pause()
        assert "reading" not in line(app, "header")

    drive(Workbench(Given("dh", docker_host, live=True, watch=watch), None, Stand().engine), play)
