"""Seeing a fix, carrying it out and taking it back, with a stand-in for what changes the host."""

from pathlib import Path

import pytest
from textual.containers import Vertical
from textual.pilot import Pilot

from engine.model.host import Snapshot
from engine.model.verdict import Fix
from tests.views.hosts import connected_verdict, docker_host, dropped_verdict
from tests.workbench.screen import ASK, Stand, answered, bench, drive, notices, until, workbench
from workbench.app import Workbench
from workbench.controllers.fixes import chosen_fix
from workbench.exits import refused
from workbench.screen.dialogs import Log, Proposal
from workbench.session.applied_fixes import Changes, TakenBack
from workbench.session.command_log import CommandLog, log_file
from workbench.session.sources import Given


class Host(Changes):
    """A host on which the fix works: the drop rule is gone once it is carried out."""

    def __init__(self, stand: Stand, refusal: str = "") -> None:
        super().__init__()
        self.stand, self.refusal, self.mended = stand, refusal, False
        self.last: Fix | None = None

    def look(self) -> Snapshot:
        return docker_host(dropped=not self.mended)

    def carry_out(self, fix: Fix, snapshot: Snapshot) -> None:
        if self.refusal:
            raise refused(self.refusal)
        self.last, self.mended, self.stand.verdict = fix, True, connected_verdict()

    def take_back(self) -> TakenBack | None:
        fix, self.last = self.last, None
        if fix is None:
            return None
        self.mended, self.stand.verdict = False, dropped_verdict()
        return TakenBack(fix, (("iptables", "-I", "DOCKER-USER", "1"),))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "portscope" / "commands.log"


def test_a_fix_is_seen_carried_out_and_taken_back(state: Path) -> None:
    stand = Stand()
    host = Host(stand)
    commands = dropped_verdict().causes[0].fixes[0].commands

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a")
        assert isinstance(pilot.app.screen, Proposal)
        assert not host.mended
        await pilot.press("a")
        await until(pilot, lambda: bench(pilot).panes.verdict == connected_verdict())
        await pilot.press("z")
        await until(pilot, lambda: bench(pilot).panes.verdict == dropped_verdict())
        await pilot.press("z")
        await until(pilot, lambda: any("Nothing to undo" in notice for notice in notices(pilot)))
        assert len(bench(pilot).stage.done.entries) == 2 * len(commands)

    drive(workbench(stand, look=host.look, ask=ASK, changes=host), play)
    lines = state.read_text().splitlines()
    assert lines[-1].startswith("iptables -I DOCKER-USER 1  # ")
    assert "undo: " in lines[-1]


def test_on_a_host_a_fix_is_accepted_twice() -> None:
    stand = Stand()
    host = Host(stand)
    source = Given("this host", host.look, live=True, writable=True, careful=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a", "a")
        assert isinstance(pilot.app.screen, Proposal)
        assert "This changes the host" in str(pilot.app.screen.query_one(Vertical).border_title)
        assert not host.mended
        await pilot.press("a")
        await until(pilot, lambda: bench(pilot).panes.verdict == connected_verdict())

    drive(Workbench(source, ASK, stand.engine, host), play)


def test_escape_carries_nothing_out() -> None:
    stand = Stand()
    host = Host(stand)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a", "escape")
        assert not isinstance(pilot.app.screen, Proposal)
        assert not host.mended

    drive(workbench(stand, look=host.look, ask=ASK, changes=host), play)


def test_on_a_read_only_host_a_fix_is_shown_and_never_carried_out() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a")
        screen = pilot.app.screen
        assert isinstance(screen, Proposal)
        assert "Read-only" in screen.refusal
        await pilot.press("a")
        assert pilot.app.screen is screen
        await pilot.press("escape")
        assert bench(pilot).stage.done.entries == []

    drive(workbench(ask=ASK), play)


def test_what_could_not_be_carried_out_is_told_and_not_logged() -> None:
    stand = Stand()
    host = Host(stand, "the kernel said no")

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a", "a")
        await until(pilot, lambda: any("the kernel said no" in notice for notice in notices(pilot)))
        assert bench(pilot).stage.done.entries == []

    drive(workbench(stand, look=host.look, ask=ASK, changes=host), play)


def test_without_a_question_there_is_nothing_to_mend() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: bench(pilot).panes.snapshot is not None)
        await pilot.press("a")
        assert any("Ask a question first" in notice for notice in notices(pilot))

    drive(workbench(), play)


def test_the_log_shows_and_copies_what_was_carried_out() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        bench(pilot).stage.done.add(["ip route add 10.0.0.0/8 dev eth0"], "a way back")
        await pilot.press("at")
        screen = pilot.app.screen
        assert isinstance(screen, Log)
        assert "ip route add" in screen.listing.entries[0].words
        await pilot.press("y")
        assert pilot.app.clipboard == "ip route add 10.0.0.0/8 dev eth0"

    drive(workbench(ask=ASK), play)


def test_the_fix_under_the_cursor_is_the_one() -> None:
    verdict = dropped_verdict()
    fixes = verdict.causes[0].fixes
    assert chosen_fix(verdict, None) is fixes[0]
    assert chosen_fix(verdict, ("cause", 0)) is fixes[0]
    assert chosen_fix(verdict, ("fix", 0, len(fixes) - 1)) is fixes[-1]
    assert chosen_fix(connected_verdict(), None) is None


def test_a_log_that_cannot_be_written_is_on_the_screen_alone(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    log = CommandLog(blocker / "commands.log")
    log.add(["true"], "a reason")
    assert [entry.command for entry in log.entries] == ["true"]


def test_the_log_is_private_and_steers_no_terminal(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "commands.log")
    log.add(["ip link del 'a\x1b[31mb'"], "delete \x07 a\nlink")
    (line,) = log.path.read_text().splitlines()
    assert line.startswith("ip link del 'a\\x1b[31mb'  # ")
    assert line.endswith(" delete \\x07 a link")
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_the_log_is_where_the_state_of_programs_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert log_file() == tmp_path / ".local/state/portscope/commands.log"


@pytest.mark.parametrize(
    ("writable", "words"),
    [(True, "next: a apply · y copy · e everywhere"), (False, "next: a show fix · y copy · e everywhere")],
)
def test_the_answer_s_border_says_what_can_be_done_next(writable: bool, words: str) -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        assert str(bench(pilot).panes.answer.border_subtitle) == words

    drive(workbench(stand, ask=ASK, changes=Host(stand) if writable else None), play)


def test_a_round_of_the_dojo_gives_nothing_away_in_the_border() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        stage = bench(pilot).stage
        stage.in_round = True
        stage.panes.retitle()
        assert str(stage.panes.answer.border_subtitle) == ""

    drive(workbench(ask=ASK), play)
