"""Hosts that are alike share answers, and every cell is the one that walking it gives."""

import gzip
import json
import random
import secrets
from pathlib import Path

import pytest

from engine.fleet.buckets import alone
from engine.fleet.likeness import Likeness, form, translated
from engine.fleet.sharing import Sharing
from engine.fleet.zones import zones_of
from tests.fleet.renumbered import renumbered

HOSTS = Path(__file__).parents[1] / "hosts"
ZONES = zones_of("internet,lan,office=10.8.0.0/16,dc=192.168.77.0/24")
RECORDED = sorted((HOSTS / "docker26").glob("*.json.gz"))


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def test_every_cell_is_the_one_that_walking_it_gives():
    seed = secrets.randbelow(1 << 30)
    sharing, cells = Sharing(), 0
    for path in random.Random(seed).sample(RECORDED, 6):
        for number in range(3):
            text = renumbered(text_of(path), f"{seed} {number}") if number else text_of(path)
            want = list(alone(text, "one", ZONES))
            assert list(sharing.rows(text, "one", ZONES)) == want, (path.name, seed, number)
            cells += sum(1 for row in want if row.verdict)
    assert sharing.walked < cells / 2, "hosts that are alike are walked once"


def test_a_rule_less_is_another_host():
    fields = frozenset({("shop-host", "firewall")})
    text = text_of(HOSTS / "shop.json.gz")
    key = Likeness(json.loads(text)).pattern(fields).key
    assert Likeness(json.loads(renumbered(text, "2"))).pattern(fields).key == key
    document = json.loads(text)
    chains = [chain for table in document["namespaces"][0]["firewall"]["tables"] for chain in table["chains"]]
    next(chain["rules"] for chain in chains if chain.get("rules")).pop()
    assert Likeness(document).pattern(fields).key != key


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (["10.0.0.1", "10.0.0.1"], ["10.0.0.9", "10.0.0.9"], True),
        (["10.0.0.1", "10.0.0.1"], ["10.0.0.9", "10.0.0.8"], False),
        (["10.0.0.0/24", "10.0.0.1"], ["10.5.0.0/24", "10.5.0.77"], True),
        (["10.0.0.0/24", "10.0.0.1"], ["10.5.0.0/24", "10.6.0.77"], False),
        (["10.0.0.0/24", "10.0.0.1"], ["10.0.0.0/16", "10.0.0.1"], False),
        (["10.0.0.0/24", "10.0.0.255"], ["10.5.0.0/24", "10.5.0.77"], False),
        (["10.0.0.1"], ["172.16.0.1"], False),
        (["127.0.0.1"], ["127.0.0.2"], False),
        (["2001:db8::1"], ["2001:db8::2"], False),
        (["fe80::1"], ["fe80::2"], True),
        (["02:00:00:00:00:01"], ["02:00:00:00:00:07"], True),
        (["02:00:00:00:00:01"], ["ff:ff:ff:ff:ff:ff"], False),
        ([{"name": "ip saddr", "mask": 255}, "10.0.0.1"], [{"name": "ip saddr", "mask": 255}, "10.0.0.2"], False),
        ([{"low": "10.0.0.1", "high": "10.0.0.4"}], [{"low": "10.0.0.2", "high": "10.0.0.4"}], False),
        (["vethaaaaaa1", "veth+"], ["vethbbbbbb2", "veth+"], True),
        (["vethaaaaaa1", "vetha+"], ["vethbbbbbb2", "vetha+"], False),
        ([{"fields": [{"name": "meta hour"}]}], [{"fields": [{"name": "meta hour"}]}], True),
    ],
)
def test_what_is_alike(one, other, alike):
    patterns = [
        Likeness({"namespaces": [], "part": part}).pattern(frozenset({("", "part")})).key for part in (one, other)
    ]
    assert (patterns[0] == patterns[1]) is alike


def test_when_a_snapshot_was_taken_counts_where_a_rule_asks_for_the_time():
    part = [{"fields": [{"name": "meta hour"}]}]
    assert form(part, "2026-01-01").digest != form(part, "2026-01-02").digest
    assert form([1], "2026-01-01").digest == form([1], "2026-01-02").digest


def test_a_text_with_a_value_that_is_not_known_is_not_translated():
    assert translated("accept 10.0.0.1", {("v4", 0x0A000001): ("v4", 0x0A000002)}) == "accept 10.0.0.2"
    assert translated("accept 10.0.0.3", {("v4", 0x0A000001): ("v4", 0x0A000002)}) is None
