"""Traffic: counters become packets a second, and stand in the topology of the source that they were read of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.observe.proc import link_counters
from engine.observe.proc.link_counters import packets
from tests.views.hosts import docker_host
from tests.workbench.screen import ASK, Stand, answered, bench, drive, text
from workbench.app import Workbench
from workbench.controllers.traffic import Metered, rate_words, rates
from workbench.session.sources import Given


def test_a_rate_is_what_passed_in_the_time_between() -> None:
    before, now = {"a": 10, "b": 5, "c": 7, "gone": 1}, {"a": 30, "b": 5, "c": 8, "new": 90}
    assert rates(before, now, 2.0) == {"a": 10, "c": 0.5}
    assert rates({"a": 9}, {"a": 3}, 2.0) == {}


def test_the_last_rates_are_columns_before_it() -> None:
    assert rate_words(12.2, (0.0, 6.1, 12.2)) == "▁▄█ 12/s"
    assert rate_words(0.4, (0.4,)) == "<1/s"
    assert rate_words(0.4, (0.4, 0.4)) == "▃▃ <1/s"


def test_the_topology_shows_what_passes_now() -> None:
    source = Given("dh", docker_host, live=True, traffic=dict)
    other = replace(source, title="another")

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        for at, count in ((1.0, 100), (3.0, 124)):
            app.parts.traffic.metered(Metered(source, {"up0": count}, at))
        assert "12/s" in text(app, "topology")
        await pilot.press("f")
        assert "/s" not in text(app, "topology")  # an earlier moment
        await pilot.press("f")
        app.parts.traffic.metered(Metered(source, {"up0": 124}, 4.0))
        app.parts.traffic.metered(Metered(source, {"up0": 148}, 6.0))
        assert "12/s" in text(app, "topology")
        app.parts.traffic.metered(Metered(other, {"up0": 500}, 7.0))
        assert "12/s" in text(app, "topology")
        app.parts.traffic.metered(Metered(source, {"up0": 500}, 8.0))
        app.parts.traffic.metered(Metered(source, {"up0": 500}, 9.0))
        assert "/s" not in text(app, "topology")

    drive(Workbench(source, ASK, Stand().engine), play)


def test_the_kernel_counts_what_passes_whatever_the_names_of_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packets()["lo"] >= 0
    counters = b" 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
    odd = tmp_path / "dev"
    odd.write_bytes(b"\n\n" + b"".join(name + b":" + counters for name in ("上り".encode(), b"\xff0", b"  eth0")))
    monkeypatch.setattr(link_counters, "FILE", odd)
    assert packets() == {"上り": 6, "\\xff0": 6, "eth0": 6}
