"""A saved case has what the question met, and gives the answer that the whole host gives."""

from __future__ import annotations

import json

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import loads, open_file
from engine.records import replace
from tests.explain.hosts import SHOP
from workbench.commands.case import dumps, met
from workbench.session.flips import same


@pytest.fixture
def shop() -> Snapshot:
    return open_file(SHOP)


@pytest.mark.parametrize(
    ("target", "source", "places"),
    [
        ("web:80", "ns:shop-lan", {"shop-host", "shop-lan", "shop-web"}),
        (":8080", "ns:shop-lan", {"shop-host", "shop-lan", "shop-web"}),
        ("db:5432", "web", {"shop-host", "shop-web", "shop-db"}),
        ("127.0.0.1:9", "web", {"shop-host", "shop-web"}),
    ],
)
def test_only_what_the_question_met_is_kept(shop: Snapshot, target: str, source: str, places: set[str]) -> None:
    verdict = ask(shop, resolve(shop, target, source))
    document = json.loads(dumps(shop, verdict))
    kept = loads(json.dumps(document))
    assert {netns.id for netns in kept.namespaces} >= places
    assert len(kept.namespaces) < len(shop.namespaces)
    assert {one.netns for one in kept.containers} <= {netns.id for netns in kept.namespaces}
    assert same(ask(kept, resolve(kept, target, source)), verdict)


def test_where_the_rest_decides_all_of_it_is_kept(shop: Snapshot) -> None:
    verdict = ask(shop, resolve(shop, "web:80", "ns:shop-lan"))
    other = replace(verdict, causes=verdict.causes * 2)  # an answer that no part of the host gives
    assert met(shop, other) is shop
