"""The workbench on a real lab: the packet is sent, a fix is carried out and tried again, and read-only adds no rule."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.lab.running import DemoLab, demo_lab
from engine.model.proof import Agreement, Proof
from tests.harness.needs import require
from tests.workbench.screen import answered, bench, drive, until
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.commands.demo import look_into
from workbench.screen.dialogs import Dialog
from workbench.session.sources import Given

require("ip", "iptables-nft", root=True)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoLab]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with demo_lab(names=(f"pst{secrets.token_hex(2)}",)) as made:
        yield made


def app(lab: DemoLab, *, writable: bool) -> Workbench:
    source = Given(lab.name, partial(look_into, lab), live=True, writable=writable)
    return Workbench(source, Ask(lab.target, lab.source))


async def proof_shown(pilot: Pilot[int]) -> Proof:
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
    await pilot.press("escape")
    evidence = bench(pilot).parts.proofs.evidence
    assert evidence is not None
    return evidence.proof


def told(proof: Proof) -> set[str]:
    return {row.source for row in proof.rows if row.seen}


def test_a_fix_is_verified_by_the_kernel(lab: DemoLab) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        before = await proof_shown(pilot)
        assert before.agrees is Agreement.YES
        assert "rule trace" in told(before)
        await pilot.press("a", "a")
        await until(pilot, lambda: bench(pilot).panes.mended is not None)
        mended = bench(pilot).panes.mended
        assert mended is not None
        assert mended.verified == "kernel"

    drive(app(lab, writable=True), play)


def test_read_only_adds_no_rule(lab: DemoLab) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        shown = await proof_shown(pilot)
        assert shown.agrees is Agreement.YES
        assert "rule trace" not in told(shown)
        assert any("--trace" in gap.reason for gap in shown.gaps)

    drive(app(lab, writable=False), play)
