"""The question on a changed model: each form of a sentence is read and changes the answer as it says."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.whatif.sentences import FORMS
from engine.explain.whatif.suppose import hypothesis, plan_of, supposed, without
from engine.explain.whatif.switches import switched
from engine.model.host import Snapshot
from engine.model.ref import Ref, RefKind
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP


def symptoms(target: str, source: str, *sentences: str) -> tuple[str, str]:
    """The symptom without and with the changes."""
    shop = open_file(SHOP)
    question = resolve(shop, target, source)
    changed = hypothesis(shop, sentences)
    known = supposed(changed, question)
    assert known.sentences == sentences
    return str(known.symptom), str(ask(changed.after, question).symptom)


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
        ("docs:80", "web", "stop listening on 0.0.0.0:80/tcp in docs", "connected", "refused"),
        (":5432", "ns:shop-lan", "set the policy of xt-nft ip filter/FORWARD to accept", "connected", "connected"),
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
    flips = supposed(hypothesis(shop, ("stop db",)), question).flips
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
        hypothesis(open_file(SHOP), (sentence,))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_example_of_the_grammar_is_of_its_form() -> None:
    assert all(form.pattern.fullmatch(form.example) for form in FORMS)


def the_rules(snapshot: Snapshot) -> list[Ref]:
    host = snapshot.host_netns
    return [
        Ref(RefKind.RULE, host.id, (str(table.backend), table.family, table.name, chain.name, rule.index), rule.text)
        for table in host.firewall.tables
        for chain in table.chains
        for rule in chain.rules
    ]


def texts(snapshot: Snapshot) -> list[str]:
    tables = snapshot.host_netns.firewall.tables
    return [rule.text for table in tables for chain in table.chains for rule in chain.rules]


def test_each_rule_is_switched_off_by_its_own_sentence() -> None:
    shop = open_file(SHOP)
    for number, ref in enumerate(the_rules(shop)):
        after = hypothesis(shop, (switched(shop, ref),)).after
        assert texts(after) == texts(shop)[:number] + texts(shop)[number + 1 :]


def test_a_rule_that_is_back_leaves_the_others_deleted() -> None:
    shop = open_file(SHOP)
    first = [ref for ref in the_rules(shop) if ref.key[2:4] == ("filter", "FORWARD")][:3]
    sentence = switched(shop, first[0])
    known = hypothesis(shop, (sentence, sentence, sentence))  # each time what is the first rule then
    left = without(known, 0)
    assert len(left.sentences) == 2
    gone = {ref.name for ref in first[1:]}
    assert [text for text in texts(shop) if text not in texts(left.after)] == [t for t in texts(shop) if t in gone]


@pytest.mark.parametrize(
    ("ref", "sentence", "back"),
    [
        (
            Ref(RefKind.SYSCTL, "shop-host", ("net.ipv4.ip_forward",), "net.ipv4.ip_forward"),
            "set net.ipv4.ip_forward to 0 in shop-host",
            "set net.ipv4.ip_forward to 1 in shop-host",
        ),
        (
            Ref(RefKind.LINK, "shop-web", (2,), "eth0"),
            "set eth0 in shop-web down",
            "set eth0 in shop-web up",
        ),
        (
            Ref(RefKind.CHAIN, "shop-host", ("xt-nft", "ip", "filter", "FORWARD"), "filter/FORWARD"),
            "set the policy of filter/FORWARD to accept in shop-host",
            "set the policy of filter/FORWARD to drop in shop-host",
        ),
        (
            Ref(RefKind.LISTENER, "shop-docs", ("tcp", "", 80), "[::]:80/tcp"),
            "stop listening on [::]:80/tcp in shop-docs",
            "",
        ),
        (
            Ref(RefKind.ROUTE, "shop-web", (254, "0.0.0.0/0", 0), "default"),
            "delete route default in shop-web",
            "",
        ),
        (Ref(RefKind.ROUTE, "shop-web", (), "routing table"), "", ""),
        (Ref(RefKind.NETNS, "shop-web", (), "shop-web"), "", ""),
    ],
)
def test_a_thing_is_switched_off_and_on(ref: Ref, sentence: str, back: str) -> None:
    shop = open_file(SHOP)
    assert switched(shop, ref) == sentence
    if sentence:
        assert switched(hypothesis(shop, (sentence,)).after, ref) == back


def test_the_plan_of_what_was_supposed_has_its_commands_and_side_effects() -> None:
    shop = open_file(SHOP)
    question = resolve(shop, ":8080", "ns:shop-lan")
    known = hypothesis(shop, ("delete rule filter/DOCKER-USER 1", "set net.ipv4.ip_forward to 1 in shop-host"))
    fix = plan_of(known, supposed(known, question), ask(known.after, question).symptom)
    assert " ".join(fix.commands[0]).endswith("-D DOCKER-USER -i eth0 -p tcp -m tcp --dport 80 -j DROP")
    assert fix.commands[1][-2:] == ("-w", "net.ipv4.ip_forward=1")
    assert str(fix.then) == "connected"
    assert fix.survives

    ended = hypothesis(shop, ("stop listening on 0.0.0.0:80/tcp in docs",))
    assert plan_of(ended, supposed(ended, question), ask(ended.after, question).symptom).commands == ()
