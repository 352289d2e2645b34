"""What if: a thing is switched off in the model only, and path, answer and board turn with it."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from engine.explain.whatif.suppose import hypothesis
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.workbench.screen import answered, bench, drive, line, notices, text, until
from views.nat.ghosts import GhostRow
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.screen.dialogs import Proposal
from workbench.session.sources import Given

BLOCKED = Ask(":8080", "ns:shop-lan")
OFF = "delete rule filter/DOCKER-USER 1 in shop-host"


def shop(ask: Ask | None = BLOCKED, *, writable: bool = False) -> Workbench:
    return Workbench(Given("shop", lambda: open_file(SHOP), writable=writable), ask)


async def headline(pilot: Pilot[int], words: str) -> None:
    await until(pilot, lambda: words in line(bench(pilot), "strip"))


def test_a_rule_is_switched_off_and_on_again() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("space")  # the path's cursor is on the rule that drops
        await headline(pilot, "WHAT IF ✓ REACHABLE")
        assert OFF in line(app, "header")
        assert OFF in " ".join(text(app, "answer").split()).replace("│", "")
        await pilot.press("2")
        ghost = next(row for row in app.panes.rules.entries if isinstance(row, GhostRow))
        app.panes.rules.go(ghost.key)
        await pilot.press("space")
        await headline(pilot, " ✗ NOT REACHABLE")
        assert "what if" not in line(app, "header")
        assert not any(isinstance(row, GhostRow) for row in app.panes.rules.entries)

    drive(shop(), script)


@pytest.mark.parametrize("key", ["z", "escape"])
def test_what_was_supposed_ends(key: str) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        before = bench(pilot).panes.snapshot
        await pilot.press("space")
        await headline(pilot, "WHAT IF ✓")
        await pilot.press(key)
        await headline(pilot, " ✗ NOT REACHABLE")
        assert bench(pilot).panes.snapshot is before

    drive(shop(), script)


def test_what_is_switched_twice_is_as_it_was() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.panes.path.go(next(row.key for row in app.panes.path.entries if "net.ipv4.ip_forward" in row.words))
        await pilot.press("space")
        await until(pilot, lambda: app.stage.known is not None)
        assert app.stage.sentences == ("set net.ipv4.ip_forward to 0 in shop-host",)
        await until(pilot, lambda: app.panes.verdict is not None and app.panes.verdict.supposed is not None)
        app.panes.path.go(next(row.key for row in app.panes.path.entries if "net.ipv4.ip_forward" in row.words))
        await pilot.press("space")
        await headline(pilot, " ✗ NOT REACHABLE")
        assert app.stage.sentences == ()

    drive(shop(), script)


def test_the_board_turns_as_well() -> None:
    async def script(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await until(pilot, lambda: "1 of 5 ports cannot be reached" in text(app, "answer"))
        app.parts.suppositions.suppose("delete rule filter/DOCKER-USER 1")
        await until(pilot, lambda: "5 ports, each reachable" in text(app, "answer"))
        await pilot.press("escape")
        await until(pilot, lambda: "1 of 5 ports cannot be reached" in text(app, "answer"))

    drive(shop(None), script)


def test_what_does_not_fit_the_host_is_said_and_nothing_is_supposed() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.parts.suppositions.suppose("stop nobody-of-that-name")
        await until(pilot, lambda: any("nobody-of-that-name" in each for each in notices(pilot)))
        assert app.stage.sentences == ()
        await pilot.press("space")
        await headline(pilot, "WHAT IF ✓")
        app.parts.suppositions.suppose("no such sentence")
        await until(pilot, lambda: any("no such sentence" in each for each in notices(pilot)))
        await headline(pilot, "WHAT IF ✓")
        assert app.stage.sentences == (OFF,)

    drive(shop(), script)


def test_the_plan_of_it_can_be_applied() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("space")
        await headline(pilot, "WHAT IF ✓")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Proposal))
        assert isinstance(app.screen, Proposal)
        assert app.screen.fix.title == OFF
        assert "-D DOCKER-USER" in " ".join(app.screen.fix.commands[0])

    drive(shop(writable=True), script)


def test_it_is_looked_at_with_each_change_of_the_host() -> None:
    host = open_file(SHOP)
    seen = [replace(host, taken_at="2026-01-01T10:00:00Z")]

    def look() -> Snapshot:
        return seen[-1]

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("space")
        await headline(pilot, "WHAT IF ✓")
        lan = replace(host.by_id["shop-lan"], routes=())
        seen.append(replace(host.with_netns(lan), taken_at="2026-01-01T10:00:01Z"))
        await pilot.press("r")
        await headline(pilot, "WHAT IF ✗")
        assert app.stage.sentences == (OFF,)

    drive(Workbench(Given("shop", look, live=True), BLOCKED), script)


def test_it_ends_when_the_host_has_changed_so_that_it_does_not_fit() -> None:
    host = open_file(SHOP)
    mended = hypothesis(host, (OFF,)).after
    bare = replace(mended, taken_at="2026-01-01T10:00:01Z").with_netns(
        replace(mended.host_netns, firewall=replace(mended.host_netns.firewall, tables=()))
    )
    seen = [replace(host, taken_at="2026-01-01T10:00:00Z")]

    def look() -> Snapshot:
        return seen[-1]

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("space")
        await headline(pilot, "WHAT IF ✓")
        seen.append(bare)  # its rule is gone
        await pilot.press("r")
        await until(pilot, lambda: any("has no chain filter/DOCKER-USER" in each for each in notices(pilot)))
        assert app.stage.sentences == ()
        assert app.stage.known is None
        await until(pilot, lambda: "WHAT IF" not in line(app, "strip"))
        assert app.panes.snapshot is not None
        assert app.panes.snapshot.host_netns.firewall.tables == ()

    drive(Workbench(Given("shop", look, live=True), BLOCKED), script)


def test_what_has_no_switch_says_what_has() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.panes.path.go(next(row.key for row in app.panes.path.entries if "neighbour" in row.words))
        await pilot.press("space")
        assert "What if: select a rule" in notices(pilot)[-1]

    drive(shop(), script)
