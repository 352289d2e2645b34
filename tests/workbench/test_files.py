"""From a cause to the line of a file that it is about, on this host and on a saved one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.host import Snapshot
from engine.model.ref import Ref, RefKind
from engine.observe.naming.file_lines import lines_of
from tests.hosts.named import named, proxied, server, to
from tests.workbench.screen import answered, bench, drive, notices, until
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.screen.dialogs import Dialog
from workbench.session.sources import Given

WRONG_PORT = Ask("http://proxy/", "client")


def host() -> Snapshot:
    return proxied(server(to("web:81")))


def at(path: Path, line: int, netns: str = "proxy") -> Ref:
    return Ref(RefKind.FILE, netns, (str(path), line), f"{path}:{line}")


def of_cause(then: Callable[[Pilot[int], Workbench], Awaitable[None]], *, live: bool) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.panes.go("answer")
        await pilot.press("enter")
        await then(pilot, app)

    drive(Workbench(Given("named", host, live=live), WRONG_PORT), play)


def test_of_a_saved_host_the_file_is_named() -> None:
    async def then(pilot: Pilot[int], app: Workbench) -> None:
        await until(pilot, lambda: any("is a file of that host, seen in proxy" in each for each in notices(pilot)))
        assert not isinstance(app.screen, Dialog)

    of_cause(then, live=False)


def test_the_file_is_shown_from_a_little_above_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "workbench.controllers.selected.lines_of",
        lambda _snapshot, _ref: tuple((number, f"line {number}") for number in range(1, 60)),
    )

    async def then(pilot: Pilot[int], app: Workbench) -> None:
        await until(pilot, lambda: isinstance(app.screen, Dialog) and app.screen.listing.on_screen)
        assert isinstance(app.screen, Dialog)
        assert str(app.screen.listing.entries[0]).count("line 1") == 1

    of_cause(then, live=True)


def test_a_file_that_is_gone_is_said() -> None:
    async def then(pilot: Pilot[int], _app: Workbench) -> None:
        await until(pilot, lambda: any("cannot be read" in each for each in notices(pilot)))

    of_cause(then, live=True)


def test_lines_are_read_below_the_root_of_the_proxy_of_the_container_or_of_the_host(tmp_path: Path) -> None:
    file = tmp_path / "some.conf"
    file.write_text("first\nsecond\n" + "x" * 1000)
    snapshot = named()
    plain = replace(snapshot, proxies=(), containers=())
    found = lines_of(plain, at(file, 2))
    assert [number for number, _ in found] == [1, 2, 3]
    assert (found[1][1], len(found[2][1])) == ("second", 400)
    with pytest.raises(OSError, match=r"No such (process|file)"):
        lines_of(host(), at(file, 2))
