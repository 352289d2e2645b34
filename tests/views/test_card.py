from dataclasses import replace
from ipaddress import ip_address

from engine.model.address import Family
from engine.model.container import PublishedPort
from engine.model.host import Gap, Snapshot
from engine.model.link import Address
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Symptom
from engine.model.verdict import Reach
from tests.views.hosts import connected_verdict, crowded_host, docker_host, dropped_verdict
from tests.views.verdicts import EXPOSED
from views.symptoms import MEANINGS
from views.text import Line, Role, Span
from views.verdict.ask import Ask, about_node, about_rule, outside_source, suggestions
from views.verdict.card import all_commands, card, commands, welcome


def text(lines: list[Line]) -> str:
    return "\n".join(line.words for line in lines)


def test_the_symptom_is_explained() -> None:
    assert card(dropped_verdict(), 60)[0].words == "  timeout: the client gets no answer and gives up"
    assert set(MEANINGS) == set(Symptom)


def test_a_cause_has_its_place_its_owner_its_fix_and_its_near_miss() -> None:
    shown = text(card(dropped_verdict(), 200))
    for part in (
        "FW_RULE_DROP",
        "FW_RULE_DROP · owner admin",
        "at            rule 1 of filter/DOCKER-USER in dh",
        "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP",
        "$ nsenter --net=/run/netns/dh iptables -D DOCKER-USER -p tcp --dport 80 -j DROP",
        "side effects  10.77.0.2 can then reach 172.17.0.2:80 directly too",
        "near miss     -o docker0 --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "but the packet is the first of its flow (ct state new)",
        "nothing between lan and dh filters the packet",
    ):
        assert part in shown


def test_the_fix_is_told_before_the_evidence() -> None:
    shown = text(card(dropped_verdict(), 100))
    assert shown.index("  fix ") < shown.index("near miss")


def test_lines_fit_their_width() -> None:
    verdict = replace(dropped_verdict(), gaps=(Gap("sockets", "web", "no permission to enter the namespace"),))
    for width in (30, 45, 80):
        longest = max((line.words for line in card(verdict, width)), key=len)
        assert len(longest) <= width, longest


def test_a_cause_without_a_fix_says_so() -> None:
    verdict = dropped_verdict()
    bare = replace(verdict, causes=(replace(verdict.causes[0], fixes=()),))
    assert "fix           none on this host" in text(card(bare, 60))
    assert all_commands(bare) == []


def test_an_answer_that_depends_names_what_it_can_end_as() -> None:
    dropped, connected = dropped_verdict(), connected_verdict()
    branches = (dropped.conversation, connected.conversation)
    shown = text(card(replace(dropped, reach=Reach.DEPENDS, branches=branches), 80))
    assert shown.startswith("Possible endings")
    assert "timeout       RULE_DROP at rule 1 of filter/DOCKER-USER" in shown
    assert "connected     DELIVERED" in shown


def test_a_connection_tells_its_translation_and_who_answers() -> None:
    shown = text(card(connected_verdict(), 80))
    assert "⇒ in dh: dst 172.17.0.2:80 at nat/DOCKER 2" in shown
    assert "in web: httpd (812) listens on 0.0.0.0:80/tcp" in shown


def test_commands_are_quoted_for_a_shell() -> None:
    fix = replace(dropped_verdict().causes[0].fixes[0], commands=(("iptables", "-m", "comment", "--comment", "a b"),))
    assert commands(fix) == ["iptables -m comment --comment 'a b'"]


def test_gaps_with_one_reason_are_one_line() -> None:
    gaps = tuple(Gap("sockets", name, "not permitted") for name in ("web", "db", "cache", "lan"))
    shown = text(welcome(docker_host(gaps=gaps), 80))
    assert shown.count("not permitted") == 1
    assert "sockets in web, db, cache and 1 more: not permitted" in shown


def test_before_a_question_the_card_offers_some() -> None:
    lines = welcome(docker_host(), 60)
    offered = [line.key[1] for line in lines if isinstance(line.key, tuple)]
    assert offered == [Ask(":8080", "ns:lan"), Ask(":5432", "ns:lan"), Ask("cache:6379", "host")]


def test_published_ports_are_asked_from_outside() -> None:
    assert outside_source(docker_host()) == "ns:lan"
    alone = docker_host()
    assert outside_source(replace(alone, namespaces=tuple(n for n in alone.namespaces if n.id != "lan"))) == "host"


def test_a_port_of_one_address_or_family_is_asked_for_at_that_one_and_a_loopback_one_by_the_host() -> None:
    port = PublishedPort(Protocol.TCP, None, 8080, 80)
    ports = [
        replace(port, host_address=ip_address("127.0.0.1")),
        replace(port, host_address=ip_address("fd00::9")),
        replace(port, family=Family.INET6),
        port,
    ]
    base = docker_host()
    web = replace(base.containers[0], published=tuple(ports))
    own = Address(2, ip_address("fd00::1"), 64)
    spaces = (replace(one, addresses=(*one.addresses, own)) if one.id == "dh" else one for one in base.namespaces)
    host = replace(base, containers=(web, *base.containers[1:]), namespaces=tuple(spaces))
    outside = outside_source(host)
    assert suggestions(host)[:4] == [
        Ask("127.0.0.1:8080"),
        Ask("[fd00::9]:8080", outside),
        Ask("[fd00::1]:8080", outside),
        Ask(":8080", outside),
    ]


def test_suggestions_are_few() -> None:
    assert len(suggestions(crowded_host(50))) == 12


def test_a_container_suggests_its_first_published_port() -> None:
    host = docker_host()
    assert about_node(host, Ref(RefKind.NETNS, "web")) == Ask("web:80")
    assert about_node(host, Ref(RefKind.NETNS, "web"), outside=True) == Ask(":8080")
    assert about_node(host, Ref(RefKind.NETNS, "cache"), outside=True) == Ask("cache:6379")
    assert about_node(host, Ref(RefKind.LINK, "dh", (3,))) is None
    assert about_node(host, Ref(RefKind.NETNS, "lan")) is None


def test_a_rule_suggests_the_port_that_it_translates() -> None:
    host = docker_host()
    docker = host.host_netns.firewall.tables[0].chains[0]
    assert about_rule(host, docker.rules[2]) == Ask(":5432", protocol=Protocol.TCP)
    assert about_rule(host, docker.rules[0]) is None


def test_a_finding_stands_under_a_reachable_answer_with_what_would_keep_it_out() -> None:
    verdict = replace(connected_verdict(), findings=EXPOSED.findings)
    shown = card(verdict, 200)
    words = text(shown)
    assert "Finding  FW_BYPASSED" in words
    assert words.index("in web: httpd") < words.index("Finding")
    assert ("cause", 0) in [line.key for line in shown]
    assert verdict.told == EXPOSED.findings


def by_hand() -> Snapshot:
    """The Docker-like host without an engine: its containers are namespaces, its published ports rules."""
    return replace(docker_host(), containers=())


def test_without_an_engine_translated_ports_and_what_listens_in_namespaces_are_suggested() -> None:
    words = [ask.words for ask in suggestions(by_hand())]
    assert "ns:lan → 10.77.0.1:8080/tcp" in words
    assert "host → 172.17.0.2:80/tcp" in words
    assert about_node(by_hand(), Ref(RefKind.NETNS, "web")) == Ask("172.17.0.2:80")
    assert len(words) == len(set(words))


def test_a_place_that_the_sentence_names_is_marked_there_and_not_told_again() -> None:
    cause = dropped_verdict().causes[0]
    named = replace(cause, sentence=f"{cause.at.words} in {cause.at.netns} drops it")
    lines = card(replace(dropped_verdict(), causes=(named,)), 60)
    start = next(number for number, line in enumerate(lines) if line.key == ("cause", 0))
    assert lines[start].words == f"Blocked by  {cause.code} · owner {cause.owner}"
    assert Span(cause.at.words, Role.BAD) in lines[start + 1].content
    assert not any(line.words.startswith("  at ") for line in lines)
