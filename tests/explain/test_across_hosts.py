"""Questions about several hosts: who is meant by a name, what ends elsewhere, and on which host a fix is made."""

from __future__ import annotations

import json

import pytest

from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.survey.everywhere import vantages
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Reach, Verdict
from engine.observe.recording.redact import Redacted
from engine.observe.recording.snapshot_file import dumps, loads
from engine.records import replace
from tests.several.hosts import MACS, docker_machine, machine, pair, seen, together
from views.reports import answer_json, answer_short


def answer(snapshot: Snapshot, target: str, source: str = "host") -> Verdict:
    return ask(snapshot, resolve(snapshot, target, source))


def beside_docker(*, known: bool = True) -> Snapshot:
    """laptop (10.77.0.2) and a Docker host `shop` (10.77.0.1) with `web` published at 8080."""
    world, host = machine("10.77.0.2/24", MACS["app1"])
    shop = docker_machine("shop")
    if known:
        host.neighbour("eth0", "10.77.0.1", shop.host_netns.links_by_name["up0"].mac, "stale")
    return together({"shop": shop, "laptop": seen(world, "laptop")})


def test_a_packet_walks_from_one_host_into_another() -> None:
    verdict = answer(pair(), "db1/:5432", "app1")
    assert (verdict.reach, str(verdict.question.address)) == (Reach.YES, "10.9.0.2")
    assert [hop.netns for hop in verdict.conversation.forward.hops] == ["app1", "db1"]
    assert [join.segment for join in verdict.joins] == ["10.9.0.0/24"]


def test_a_published_port_is_asked_for_at_the_host() -> None:
    verdict = answer(beside_docker(), "web:8080", "laptop")
    assert (verdict.symptom, str(verdict.question.address)) == (Symptom.CONNECTED, "10.77.0.1")
    assert [hop.netns for hop in verdict.conversation.forward.hops] == ["laptop", "shop", "shop/web"]


def test_a_bare_port_is_the_first_hosts() -> None:
    assert answer(beside_docker(), ":8080", "laptop").question.expected == "shop"


def test_a_containers_own_port_is_not_reached_from_another_host() -> None:
    verdict = answer(beside_docker(), "shop/web:80", "laptop")
    assert (verdict.reach, str(verdict.question.address)) == (Reach.NO, "172.17.0.2")
    assert verdict.causes[0].fixes[0].title == "ask 10.77.0.1:8080 (web)"


def test_a_fix_is_made_on_its_own_host_and_by_its_own_names() -> None:
    snapshot = pair()
    host = machine("10.9.0.2/24")[1].iptables(
        "*filter\n:INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 5432 -j DROP\nCOMMIT\n"
    )
    blocked = snapshot.with_netns(replace(snapshot.by_id["db1"], firewall=host.finished().firewall))
    fix = answer(blocked, "db1/:5432", "app1").causes[0].fixes[0]
    assert (fix.host, fix.title.startswith("on db1: ")) == ("db1", True)
    assert "-I INPUT 1" in " ".join(fix.commands[0])
    assert fix.survives.startswith("until reboot")


def test_a_packet_that_ends_elsewhere_says_so_first_and_what_to_ask() -> None:
    verdict = answer(pair(), "db1/127.0.0.1:5432", "app1")
    first = verdict.causes[0]
    assert first.code == "DST_OTHER_HOST"
    assert first.sentence == "the packet ends on app1, not on db1: 127.0.0.1 is app1 itself"
    assert [fix.title for fix in first.fixes] == ["ask 10.9.0.2:5432 (db1)"]


def test_a_connection_to_the_wrong_host_is_a_finding() -> None:
    verdict = answer(beside_docker(), "laptop/10.77.0.1:8080", "laptop")
    assert (verdict.reach, [each.code for each in verdict.findings][:1]) == (Reach.YES, ["DST_OTHER_HOST"])


def test_what_no_host_has_leaves_the_snapshot() -> None:
    world, host = machine("10.9.0.1/24", MACS["app1"])
    host.neighbour("eth0", "10.9.0.9", "3c:fd:fe:00:00:99", "reachable")
    data, _ = machine("10.9.0.2/24", MACS["db1"])
    verdict = answer(together({"app1": seen(world, "app1"), "db1": seen(data, "db1")}), "10.9.0.9:80", "app1")
    assert verdict.reach is Reach.DEPENDS
    assert "no host here has 3c:fd:fe:00:00:99" in verdict.conversation.forward.last.text


def test_the_far_hosts_device_is_down() -> None:
    """Its cable is still there: the frame gets to it, by the entry that the client has."""
    snapshot = pair()
    there = snapshot.by_id["db1"]
    dark = snapshot.with_netns(there.with_link(replace(there.links_by_name["eth0"], up=False)))
    verdict = answer(dark, "db1/10.9.0.2:5432", "app1")
    assert (verdict.symptom, verdict.causes[0].code) == (Symptom.TIMEOUT, "LINK_DOWN")
    assert (verdict.causes[0].at.netns, verdict.causes[0].fixes[0].host) == ("db1", "db1")


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [
        ("dbx/:80", "app1", "target 'dbx/:80': no host 'dbx' (did you mean db1?)"),
        ("db1/:80", "nobody", "no container 'nobody'"),
        ("db1/nothing:80", "app1", "no container 'nothing'"),
    ],
)
def test_a_name_that_is_not_there_is_one_line(target: str, source: str, words: str) -> None:
    with pytest.raises(QuestionError, match=words.replace("(", r"\(").replace("?", r"\?").replace(")", r"\)")):
        resolve(pair(), target, source)


def test_a_word_that_two_hosts_have_must_name_one() -> None:
    world, _ = machine("10.77.0.2/24", MACS["app1"])
    three = {"laptop": seen(world, "laptop"), "one": docker_machine("one"), "two": docker_machine("two")}
    with pytest.raises(QuestionError, match="'web' is on 2 hosts: write one/web or two/web"):
        resolve(together(three), "web:8080", "laptop")


def test_everywhere_begins_with_the_other_hosts() -> None:
    snapshot = beside_docker()
    names = [each.name for each in vantages(snapshot, resolve(snapshot, "shop/:8080"))]
    assert names[:3] == ["laptop", "outside, via up0", "shop"]


def test_the_answer_says_how_far_apart_the_hosts_were_read() -> None:
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    one.neighbour("eth0", "10.9.0.2", MACS["db1"], "stale")
    other.listen(80)
    times = ("2026-05-01T10:00:00+00:00", "2026-05-01T10:05:00+00:00")
    whole = together({"app1": seen(app, "app1", times[0]), "db1": seen(data, "db1", times[1])})
    said = [each.sentence for each in answer(whole, "db1/:80", "app1").assumptions]
    assert "app1 and db1 were read 5 minutes apart, by their own clocks" in said


def test_the_document_says_of_everything_whose_it_is() -> None:
    document = answer_json.document(answer(pair(), "db1/:80", "app1"))
    assert [each["name"] for each in document["hosts"]] == ["app1", "db1"]
    assert [(each["from"], each["to"], each["by"]) for each in document["joins"]] == [("app1", "db1", "mac")]
    assert document["causes"][0]["at"]["host"] == "db1"
    assert document["causes"][0]["fixes"][0]["host"] == "db1"
    assert [hop["host"] for hop in document["forward"]["hops"]] == ["app1", "db1"]
    assert document["question"]["from"]["host"] == "app1"


def test_the_short_answer_says_how_the_hosts_are_joined() -> None:
    assert f"joined by     10.9.0.0/24: eth0 of app1 knows 10.9.0.2 at {MACS['db1']}" in answer_short.render(
        answer(pair(), "db1/:80", "app1")
    )


def test_several_hosts_are_a_file_like_any() -> None:
    whole = beside_docker()
    again = loads(dumps(whole))
    assert again == whole
    redacted = Redacted(whole)
    assert "laptop" not in dumps(redacted.snapshot)
    assert "shop" not in dumps(redacted.snapshot)
    names = [each.name for each in redacted.snapshot.machines]
    assert answer(redacted.snapshot, f"{names[0]}/:8080", names[1]).reach is Reach.YES
    assert json.loads(dumps(redacted.snapshot))["machines"][0]["name"] == names[0]
