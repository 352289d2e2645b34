"""The question on a changed model: each form of a sentence is read and changes the answer as it says."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.whatif.sentences import FORMS
from engine.explain.whatif.suppose import changed, supposed
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP


def symptoms(target: str, source: str, *sentences: str) -> tuple[str, str]:
    """The symptom without and with the changes."""
    shop = open_file(SHOP)
    question = resolve(shop, target, source)
    after, changes = changed(shop, sentences)
    known = supposed(shop, after, changes, question, sentences)
    assert known.sentences == sentences
    return str(known.symptom), str(ask(after, question).symptom)


@pytest.mark.parametrize(
    ("target", "source", "sentence", "before", "after"),
    [
        (":8080", "ns:shop-lan", "delete rule filter/DOCKER-USER 1", "timeout", "connected"),
        (":8080", "ns:shop-lan", "delete rule 1 of filter/DOCKER-USER in shop-host", "timeout", "connected"),
        (
            ":8080",
            "ns:shop-lan",
            "accept tcp to 172.18.0.2:80 before rule 1 of filter/DOCKER-USER",
            "timeout",
            "connected",
        ),
        (
            ":5432",
            "ns:shop-lan",
            "drop tcp from 192.168.30.0/24 to :5432 in filter/DOCKER-USER",
            "connected",
            "connected",
        ),
        (
            ":5432",
            "ns:shop-lan",
            "drop tcp from 192.168.30.0/24 to 172.19.0.3:5432 before rule 1 of filter/DOCKER-USER",
            "connected",
            "timeout",
        ),
        (":5432", "ns:shop-lan", "sysctl net.ipv4.ip_forward=0", "connected", "timeout"),
        (":5432", "ns:shop-lan", "stop db", "connected", "refused"),
        (":6379", "ns:shop-lan", "publish cache 6379:6379", "refused", "connected"),
        ("127.0.0.1:6379", "host", "publish cache 6379:6379/tcp", "refused", "connected"),
        ("db:5432", "web", "connect web to network back", "timeout", "connected"),
        ("docs:80", "web", "set eth0 in shop-docs down", "connected", "host-unreachable"),
        ("docs:81", "web", "listen on 0.0.0.0:81 in docs", "refused", "connected"),
        ("docs:80", "web", "delete route 172.18.0.0/16 in web", "connected", "connected"),
        ("10.9.9.9:80", "web", "delete route default in web", "timeout", "net-unreachable"),
    ],
)
def test_a_sentence_changes_the_answer(target: str, source: str, sentence: str, before: str, after: str) -> None:
    assert symptoms(target, source, sentence) == (before, after)


def test_sentences_are_read_one_after_the_other() -> None:
    assert symptoms(
        ":6379", "ns:shop-lan", "publish cache 6379:6379", "delete rule 1 of filter/DOCKER-USER", "stop cache"
    ) == ("refused", "refused")


def test_what_else_flips_is_told() -> None:
    shop = open_file(SHOP)
    question = resolve(shop, ":5432", "ns:shop-lan")
    after, changes = changed(shop, ("stop db",))
    flips = supposed(shop, after, changes, question, ("stop db",)).flips
    assert any("can no longer reach" in each and "db:5432/tcp" in each for each in flips)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("frobnicate", "is no change that is understood; forms: delete rule filter/DOCKER-USER 1"),
        ("delete rule filter/NOPE 1", "shop-host has no chain filter/NOPE"),
        ("delete rule filter/DOCKER-USER 99", "filter/DOCKER-USER has no rule 99; it has"),
        ("sysctl net.ipv4.nope=1", "has no sysctl net.ipv4.nope"),
        ("stop nobody", "no container 'nobody'"),
        ("connect web to front", "cannot join a network front"),
        ("set eth7 down", "shop-host has no device eth7"),
        ("listen on 999.0.0.1:80 in web", "does not appear to be an IPv4 or IPv6 address"),
        ("add route 10.1.0.0/16 via 203.0.113.9", "has no device that reaches 203.0.113.9"),
        ("publish cache 0:6379", "port"),
    ],
)
def test_what_cannot_be_supposed_is_one_line(sentence: str, words: str) -> None:
    with pytest.raises(QuestionError) as caught:
        changed(open_file(SHOP), (sentence,))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_example_of_the_grammar_is_of_its_form() -> None:
    assert all(form.pattern.fullmatch(form.example) for form in FORMS)
