"""Snapshots between two snapshots, and what flips an answer on the way from one to the other."""

from collections.abc import Callable

import pytest

from engine.change.differences import changes
from engine.explain.question import resolve
from engine.explain.survey.flip import flip
from engine.explain.survey.snapshot_bisect import Between
from engine.model.host import Snapshot
from engine.model.verdict import Question
from tests.hosts.build import World
from tests.hosts.stock import PUBLISH, docker_world

DROP = "-p tcp -m tcp --dport 80 -j DROP"


def asked(snapshot: Snapshot) -> Question:
    return resolve(snapshot, ":8080", "ns:lan")


def changed(*edits: Callable[[World], object], **options: object) -> Snapshot:
    world = docker_world(**options)  # type: ignore[arg-type]
    for edit in edits:
        edit(world)
    return world.snapshot()


HEALTHY = docker_world().snapshot()


def unrelated(world: World) -> None:
    world["host"].sysctl("net.ipv4.conf.all.log_martians", 1)
    world["host"].route("10.99.0.0/16 via 10.77.0.2 dev up0")
    world["db"].listen(9999)


def link_down(world: World) -> None:
    world["host"].change("vethweb", up=False)


def new_container(world: World) -> None:
    world.space("new")
    world.cable("host:vethnew", "new:eth0")
    world["host"].plug("vethnew", "docker0")
    world["new"].address("eth0", "172.17.0.9/16").route("default via 172.17.0.1 dev eth0").listen(80)
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    world.container("new", "172.17.0.9")


@pytest.mark.parametrize(
    "sides", [(HEALTHY, changed(new_container)), (changed(new_container), HEALTHY)], ids=["came", "went"]
)
def test_no_link_between_leads_to_a_namespace_that_is_not_there(sides: tuple[Snapshot, Snapshot]) -> None:
    between = Between(*sides)
    for count in range(len(between.parts) + 1):
        found = between.with_parts(frozenset(between.parts[:count]))
        ends = {link.peer.netns for netns in found.namespaces for link in netns.links if link.peer}
        assert ends <= set(found.by_id)


@pytest.mark.parametrize(
    "after",
    [
        HEALTHY,
        changed(unrelated),
        changed(link_down, unrelated, user=(DROP,)),
        changed(nat=""),
        changed(user=(DROP, "-s 10.0.0.0/8 -j RETURN")),
    ],
)
def test_with_no_part_it_is_the_earlier_snapshot_and_with_all_the_later_one(after):
    between = Between(HEALTHY, after)
    assert between.with_parts(frozenset()) == HEALTHY
    whole = between.with_parts(frozenset(between.parts))
    assert changes(whole, after) == ()
    assert [rule.index for table in whole.host_netns.firewall.tables for rule in table.chains[0].rules] == [
        rule.index for table in after.host_netns.firewall.tables for rule in table.chains[0].rules
    ]


def test_equal_snapshots_have_no_part():
    assert Between(HEALTHY, docker_world().snapshot()).parts == ()


def test_a_part_alone_is_one_change():
    between = Between(HEALTHY, changed(unrelated))
    told = [changes(HEALTHY, between.with_parts(frozenset((part,)))) for part in between.parts]
    assert [len(found) for found in told] == [1, 1, 1]


@pytest.mark.parametrize(
    ("after", "by"),
    [
        (changed(unrelated, user=(DROP,)), [f"rule -A DOCKER-USER {DROP} of filter/DOCKER-USER added in host"]),
        (changed(unrelated, link_down), ["link vethweb changed in host"]),
        (changed(unrelated, nat="", proxy=False), [f"rule {PUBLISH.strip()} of nat/DOCKER deleted in host"]),
    ],
    ids=["rule", "link", "nat"],
)
def test_what_flips_the_answer_is_named_and_nothing_else(after, by):
    before = changed(proxy=False) if by[0].endswith("deleted in host") else HEALTHY
    found = flip(before, after, asked)
    assert found.flipped
    assert [str(one).partition(" (")[0] for one in found.by] == by


def test_two_changes_that_flip_it_only_together_are_both_named():
    """The proxy answers as long as either way is open."""
    later = changed(unrelated, user=(DROP,))
    found = flip(later, changed(unrelated), asked)
    assert [str(one.how) for one in found.by] == ["deleted"]


def test_an_answer_that_does_not_flip_needs_no_search():
    assert flip(HEALTHY, changed(unrelated), asked) == flip(HEALTHY, HEALTHY, asked)
    assert not flip(HEALTHY, changed(unrelated), asked).flipped


def test_a_target_that_came_or_went_flips_it_too():
    def by_name(snapshot: Snapshot) -> Question:
        return resolve(snapshot, "new:80", "ns:lan")

    accept = ("-A FORWARD -d 172.17.0.9/32 -j ACCEPT", "-A FORWARD -s 172.17.0.9/32 -j ACCEPT")
    found = flip(HEALTHY, changed(unrelated, new_container, filters=accept), by_name)
    assert {(str(one.how), one.what, one.name) for one in found.by} >= {
        ("added", "container", "new"),
        ("added", "namespace", "new"),
        ("added", "link", "vethnew"),
    }
    assert not any("10.99.0.0" in one.name for one in found.by)
