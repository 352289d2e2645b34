"""The screen and the time: freezing, stepping back and forth, what changed, and when the answer flipped."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

from textual.pilot import Pilot

from engine.change.differences import Difference, How
from engine.model.host import Snapshot
from engine.observe.watch.watch import Update
from engine.recorder.keeping import Keeper
from tests.recorder.days import KEEP
from tests.views.hosts import connected_verdict, docker_host, dropped_verdict
from tests.workbench.screen import ASK, Stand, answered, bench, drive, line, until
from workbench.app import Workbench
from workbench.recording.earlier import Store
from workbench.screen.dialogs import Choice, Dialog
from workbench.screen.time_strip import TimeStrip
from workbench.session.sources import Given


class Scene:
    """A watched host. `change` lets the drop rule go, or come back, and the answer with it."""

    def __init__(self) -> None:
        self.stand = Stand()
        self._go = Event()
        self._seen = [self._at(0, dropped=True)]

    def app(self) -> Workbench:
        source = Given("dh", self.look, live=True, watch=self.watch)
        return Workbench(source, ASK, self.stand.engine)

    def look(self) -> Snapshot:
        return self._seen[-1]

    def watch(self, stop: Event) -> Iterator[Update]:
        told = 0
        while not stop.is_set():
            while told < len(self._seen):
                yield Update(self._seen[told])
                told += 1
            self._go.wait(0.05)
            self._go.clear()

    def change(self, *, dropped: bool) -> None:
        self.stand.verdict = dropped_verdict() if dropped else connected_verdict()
        self._seen.append(self._at(len(self._seen), dropped=dropped))
        self._go.set()

    def _at(self, second: int, *, dropped: bool) -> Snapshot:
        return replace(docker_host(dropped=dropped), taken_at=f"2026-01-01T10:00:{second:02}Z")


async def flipped(pilot: Pilot[int], times: int = 1) -> None:
    await until(pilot, lambda: len(bench(pilot).stage.timeline.flips) == times)


def notices(pilot: Pilot[int]) -> str:
    return "\n".join(f"{notice.title} {notice.message}" for notice in bench(pilot).parts.notices.told)


def test_a_flip_is_told_with_the_change_that_came_with_it() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        app = bench(pilot)
        assert "✓ reachable" in notices(pilot)
        assert "DOCKER-USER deleted in dh" in notices(pilot)
        assert "flipped 10:00:01 ✓ reachable" in str(app.panes.answer.border_subtitle)
        assert "✓ REACHABLE" in line(app, "strip")

    drive(scene.app(), play)


def test_a_frozen_screen_stays_while_the_host_is_watched_on() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("f")
        assert "frozen at 10:00:00 · 1 of 1" in line(app, "header")
        scene.change(dropped=False)
        await flipped(pilot)
        assert "frozen at 10:00:00 · 1 of 2" in line(app, "header")
        assert "✗ NOT REACHABLE" in line(app, "strip")
        await pilot.press("f")
        await until(pilot, lambda: "✓ REACHABLE" in line(app, "strip"))
        assert "live" in line(app, "header")

    drive(scene.app(), play)


def test_one_steps_back_and_on_through_the_moments() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        scene.stand.verdict = dropped_verdict()
        await pilot.press("left_square_bracket")
        assert "1 of 2" in line(app, "header")
        assert app.panes.snapshot is app.stage.timeline.moments[0].snapshot
        await until(pilot, lambda: "✗ NOT REACHABLE" in line(app, "strip"))
        await pilot.press("left_square_bracket")
        assert "This is the first moment" in notices(pilot)
        await pilot.press("right_square_bracket")
        assert "live" in line(app, "header")
        assert app.panes.snapshot is app.stage.timeline.moments[1].snapshot
        await pilot.press("right_square_bracket")
        assert "This is now" in notices(pilot)

    drive(scene.app(), play)


def test_escape_goes_back_to_now() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("f", "escape")
        assert "live" in line(bench(pilot), "header")

    drive(scene.app(), play)


def test_what_changed_is_shown_from_the_moment_before_and_to_now() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        scene.change(dropped=True)
        await flipped(pilot, 2)
        await pilot.press("left_square_bracket", "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        screen = pilot.app.screen
        assert isinstance(screen, Dialog)
        await until(pilot, lambda: len(screen.listing.entries) > 3)
        words = [entry.words for entry in screen.listing.entries]
        assert "10:00:01 since the previous moment" in words
        assert "since then" in words
        assert [word[2] for word in words if "DOCKER-USER" in word] == ["−", "+"]
        await pilot.press("escape")
        assert "2 of 3" in line(bench(pilot), "header")

    drive(scene.app(), play)


def test_the_timeline_names_flips_and_leads_to_the_moment() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        await pilot.press("t")
        screen = pilot.app.screen
        assert isinstance(screen, Choice)
        flip, newest, oldest = (entry.words for entry in screen.listing.entries)
        assert flip.startswith("flipped ✓ reachable")
        assert newest.startswith("10:00:01  rule")
        assert oldest == "10:00:00  the first snapshot"
        await pilot.press("j", "enter")
        await until(pilot, lambda: "1 of 2" in line(bench(pilot), "header"))

    drive(scene.app(), play)


def test_the_moment_that_was_chosen_is_shown_though_older_ones_go_meanwhile() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        scene.change(dropped=True)
        await flipped(pilot, 2)
        timeline = bench(pilot).stage.timeline
        chosen = timeline.moments[1]
        await pilot.press("t", "j")
        timeline.moments.pop(0)
        await pilot.press("enter")
        await until(pilot, lambda: bench(pilot).stage.pinned is chosen)

    drive(scene.app(), play)


def test_a_flip_leads_the_path_to_the_new_stop_and_leaves_the_pane_alone() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        stop = panes.path.cursor
        scene.change(dropped=False)
        await flipped(pilot)
        await pilot.press("1")
        await pilot.pause()
        scene.change(dropped=True)
        await flipped(pilot, 2)
        await until(pilot, lambda: panes.path.cursor == stop)
        assert panes.current == "topology"

    drive(scene.app(), play)


def test_the_time_is_one_line_and_a_click_goes_to_a_moment() -> None:
    scene = Scene()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        strip = app.query_one(TimeStrip)
        assert not strip.display
        scene.change(dropped=False)
        await flipped(pilot)
        await until(pilot, lambda: "2 moments, 1 flip" in line(app, "time"))
        assert strip.display
        assert "·✓ now" in line(app, "time")
        first = min(strip._at)
        await pilot.click(strip, offset=(first, 0))
        assert "1 of 2" in line(app, "header")
        assert " 10:00:00" in line(app, "time")
        await pilot.press("escape")
        assert line(app, "time").endswith("now  2 moments, 1 flip")

    drive(scene.app(), play)


def test_the_timeline_reaches_back_over_a_recorders_store(tmp_path: Path) -> None:
    scene = Scene()
    with Keeper(tmp_path, KEEP) as keeper:
        for minute, dropped in enumerate((False, True)):
            changed = (Difference(How.ADDED, "rule", "-j DROP of filter/DOCKER-USER", "dh"),) if dropped else ()
            at = f"2025-12-31T10:0{minute}:00+00:00"
            number = keeper.add(replace(docker_host(dropped=dropped), taken_at=at), changed)
        keeper.flipped(number, ":8080 from lan", "✓ reachable", "✗ not reachable, timeout")

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("t")
        screen = pilot.app.screen
        assert isinstance(screen, Choice)
        _, heading, flip, rule, first = (entry.words for entry in screen.listing.entries)
        assert heading == "from the recorder's store"
        assert flip == "flipped :8080 from lan: ✗ not reachable, timeout"
        assert rule.endswith("rule -j DROP of filter/DOCKER-USER added in dh")
        assert first.endswith("the recorder began")
        await pilot.press("end", "enter")
        await until(pilot, lambda: bench(pilot).stage.pinned is not None)
        shown = bench(pilot).panes.snapshot
        assert shown is not None
        assert shown.taken_at == "2025-12-31T10:00:00.000+00:00"
        assert "frozen at 2025-12-31 10:00:00" in line(bench(pilot), "header")

    source = Given("dh", scene.look, live=True, watch=scene.watch, recorded=Store(tmp_path))
    drive(Workbench(source, ASK, scene.stand.engine), play)
