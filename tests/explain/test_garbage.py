"""A question leaves no cycles behind: what watches for weeks frees a snapshot when the next one is there."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.observe.base import garbage
from engine.observe.base.garbage import LOOKS, uncollected
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP


@pytest.fixture
def untouched() -> Iterator[None]:
    """No automatic collection while a test counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def question(target: str) -> Callable[[], object]:
    def asked() -> object:
        snapshot = open_file(SHOP)
        return ask(snapshot, resolve(snapshot, target, "ns:shop-lan")).causes

    return asked


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("target", [":8080", "web:80", "db:5432", "192.168.30.1:22"])
def test_an_answer_is_freed_without_the_collector(target: str) -> None:
    work = question(target)
    work()  # what is loaded at first stays
    gc.collect()
    work()
    assert gc.collect() == 0


def test_a_full_collection_comes_after_so_many_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_times", 0)
    before = gc.get_stats()[2]["collections"]
    for _ in range(2 * LOOKS):
        with uncollected():
            pass
    assert gc.get_stats()[2]["collections"] == before + 2
    assert gc.get_freeze_count() == 0
