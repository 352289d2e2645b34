"""Hands: a shell and a capture in the selected namespace, the answer for an issue, and the bell."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.explain import ask
from engine.explain.question import resolve
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.workbench.screen import answered, bench, drive, looked, notices, until
from tests.workbench.test_moments import Scene, flipped
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.screen.menu import Menu
from workbench.session import lending
from workbench.session.capture import capture, in_wireshark
from workbench.session.sources import Given


def shop(ask: Ask | None = None, *, live: bool = True) -> Workbench:
    return Workbench(Given("shop", lambda: open_file(SHOP), live=live), ask)


def test_the_filter_has_each_port_that_the_packets_have_there() -> None:
    host = open_file(SHOP)
    verdict = ask(host, resolve(host, ":8080", "ns:shop-lan"))
    argv = capture(host, "shop-host", "any", verdict)
    assert argv[:2] == ("nsenter", "--net=/run/netns/shop-host")
    assert argv[-1] == "(tcp and (port 80 or port 8080)) or icmp or icmp6"
    assert capture(host, "shop-lan", "eth0", verdict)[-3:] == ("-i", "eth0", "(tcp and (port 8080)) or icmp or icmp6")
    assert capture(host, "shop-db", "any", verdict)[-1] == "(tcp and (port 8080)) or icmp or icmp6"
    assert capture(host, "shop-db", "any", None)[-2:] == ("-i", "any")
    assert in_wireshark(host, "shop-db", "any", None).endswith("tcpdump -U -w - -i any | wireshark -k -i -")
    with pytest.raises(ValueError, match="no namespace"):
        capture(host, "nowhere", "any", None)


def test_a_capture_is_offered_and_its_line_copied() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Menu) and app.screen.listing.on_screen)
        await pilot.press("w")
        assert app.clipboard.startswith("nsenter --net=/run/netns/shop-host tcpdump -U -w - ")
        assert app.stage.done.entries == []

    drive(shop(Ask(":8080", "ns:shop-lan")), script)


def test_a_shell_runs_where_the_selected_node_is_and_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ran: list[list[str]] = []

    class Done:
        returncode = 0

    def run(argv: list[str], **_: object) -> Done:
        ran.append(argv)
        return Done()

    async def script(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert app.panes.topology.full is not None
        node = next(each for each in app.panes.topology.full.nodes.values() if each.label == "db")
        app.panes.topology.select(node.id)
        await pilot.press("1", "s")
        assert "No terminal here" in notices(pilot)[-1]  # a pilot has no terminal
        assert app.clipboard == "nsenter --net=/run/netns/shop-db /bin/sh"
        monkeypatch.setattr(lending.subprocess, "run", run)
        monkeypatch.setattr(type(app), "suspend", lambda _: _nothing())
        await pilot.press("s")
        assert ran[0][0].endswith("/nsenter")
        assert ran[0][1:] == ["--net=/run/netns/shop-db", "/bin/sh"]
        assert shlex.split(app.stage.done.entries[-1].command)[0] == "nsenter"
        assert "A shell in shop-db ended (0)" in notices(pilot)[-1]

    drive(shop(), script)


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_a_program_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "no-such-shell")

    async def script(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("s")
        assert "no-such-shell is not installed" in notices(pilot)[-1]

    drive(shop(), script)


def test_the_answer_goes_to_the_clipboard_as_markdown() -> None:
    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("Y")
        lines = app.clipboard.splitlines()
        assert lines[0].startswith("## ✗ not reachable: shop-lan → 192.168.30.1:8080/tcp")
        assert "```text" in lines
        assert any("-I DOCKER-USER 1" in line for line in lines)
        assert lines[-1].startswith("portscope · kernel 6.18.44")

    drive(shop(Ask(":8080", "ns:shop-lan"), live=False), script)


@pytest.mark.parametrize("bell", [False, True])
def test_the_bell_rings_when_the_answer_flips(bell: bool) -> None:
    scene, rung = Scene(), []
    app = scene.app()
    app.settle(replace(app.stage.settings, bell=bell))
    app.bell = lambda: rung.append(1)  # type: ignore[method-assign]

    async def script(pilot: Pilot[int]) -> None:
        await answered(pilot)
        scene.change(dropped=False)
        await flipped(pilot)
        assert len(rung) == bell

    drive(app, script)
