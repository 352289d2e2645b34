"""Every recorded host is drawn, and every step of its answer is found in the pictures."""

import gzip
import json
from pathlib import Path

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.packet import Protocol
from engine.model.ref import RefKind
from engine.observe.recording.snapshot_file import loads
from views.nat.rows import rows as rule_rows
from views.path.rows import ARRIVED, legs
from views.path.rows import rows as path_rows
from views.topology.canvas import draw
from views.topology.fold import fold
from views.topology.scene import scene
from views.topology.way import focus, way
from views.verdict.banner import banner_lines
from views.verdict.card import card
from views.verdict.outline import question_text

FOLDER = Path(__file__).parents[1] / "hosts" / "docker26"
RECORDED = sorted(FOLDER.glob("*.json.gz"))
QUESTIONS = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))


def test_there_are_recorded_hosts() -> None:
    assert RECORDED


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_each_step_of_the_answer_is_found_in_the_pictures(path: Path) -> None:
    host = loads(gzip.decompress(path.read_bytes()).decode())
    picture = scene(host)
    keys = {netns.id: {row.key for row in rule_rows(netns.firewall)} for netns in host.namespaces}
    for source, address, port, protocol, _ in QUESTIONS[path.name.removesuffix(".json.gz")][:3]:
        asker = f"ns:{source}" if source in host.by_id and source != host.host else source
        verdict = ask(host, resolve(host, f"{address}:{port}", asker, Protocol(protocol)))
        assert len(card(verdict, 46)) > 1
        assert question_text(verdict) in banner_lines(verdict, 120, "")[0].words
        assert path_rows(verdict.conversation)
        for leg in legs(verdict.conversation):
            found = way(host, picture, leg.trace)
            assert (found.stop is None) == (leg.trace.outcome in ARRIVED)
            assert draw(fold(picture, 5), 68, 15, found).rows
            for hop in leg.trace.hops:
                for step in hop.steps:
                    assert focus(host, picture, hop, step) in picture.nodes
                    if step.ref is not None and step.ref.kind is RefKind.RULE:
                        assert step.ref.key in keys[step.ref.netns]
