"""The packet walks: played and stepped, on the path and on the topology."""

import pytest
from textual.pilot import Pilot

from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.workbench.screen import answered, bench, drive, looked, notices, until, workbench
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.controllers import packet_walk
from workbench.session.sources import Given


def shop(source: str = "ns:shop-lan") -> Workbench:
    return Workbench(Given("shop", lambda: open_file(SHOP)), Ask(":8080", source))


def test_it_is_stepped_on_and_back() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("full_stop")
        assert app.panes.path.cursor == (0, 0, 0)
        assert app.panes.topology.look.flight is not None
        await pilot.press("full_stop", "full_stop", "comma")
        assert app.panes.path.cursor == (0, 0, 1)
        assert app.panes.topology.way.stop is None
        await pilot.press("comma", "comma")
        assert "no further step" in notices(pilot)[-1]
        await pilot.press("3", "j")  # a cursor that is moved by hand ends the walk
        assert app.panes.topology.look.flight is None
        assert app.panes.topology.way.stop is not None

    drive(shop(), script)


def test_it_is_played_to_where_it_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_walk, "PACE", 0.001)
    monkeypatch.setattr(packet_walk, "FLASH", 0.001)

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        stop = app.panes.path.cursor
        await pilot.press("1", "space")
        await until(pilot, lambda: app.parts.walk._timer is None)
        assert app.panes.path.cursor == stop
        flight = app.panes.topology.look.flight
        assert flight is not None
        assert flight.fell == packet_walk.DEEPEST

    drive(shop(), script)


def test_a_reply_walks_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_walk, "PACE", 0.001)
    monkeypatch.setattr(packet_walk, "FLASH", 0.001)

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("1", "space")
        await until(pilot, lambda: app.parts.walk._timer is None)
        found = app.panes.step()
        assert found is not None
        assert found[0].kind != "forward path"
        assert app.panes.topology.look.flight is not None
        assert app.panes.topology.look.flight.packet.endswith(f"→ {found[2].packet.dst}:{found[2].packet.dport}")

    drive(shop("host"), script)


def test_it_halts_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_walk, "PACE", 60.0)

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("1", "space")
        assert app.panes.path.cursor == (0, 0, 0)
        assert app.parts.walk._timer is not None
        await pilot.press("space")
        assert app.parts.walk._timer is None
        await pilot.press("space")
        assert app.panes.path.cursor == (0, 0, 1)

    drive(shop(), script)


def test_over_a_slow_link_it_goes_hop_by_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_walk, "PACE", 60.0)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("1", "space")
        assert app.panes.path.cursor == (0, 0, 2)  # the last step in the client's namespace

    drive(shop(), script)


def test_without_motion_it_is_stepped_alone() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.animation_level = "none"
        await pilot.press("1", "space")
        assert "Animations are off" in notices(pilot)[-1]
        assert app.panes.topology.look.flight is None

    drive(shop(), script)


def test_before_a_question_nothing_walks() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("1", "space", "full_stop")
        assert "Ask a question first" in notices(pilot)[-1]

    drive(workbench(), script)
