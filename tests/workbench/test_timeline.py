import tracemalloc
from dataclasses import replace

from engine.change.differences import changes
from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from engine.model.verdict import Reach
from tests.views.hosts import docker_host
from views.verdict.ask import Ask
from views.verdict.time_strip import StripMoment
from views.verdict.timeline import timeline_lines
from workbench.session.flips import Flip, FlipCause
from workbench.session.snapshot_sharing import own_size, share
from workbench.session.timeline import Timeline

#: Updates of a day: one a minute.
DAY = 1440


def later(snapshot: Snapshot, number: int) -> Snapshot:
    """The host some time after: the counters of all rules moved, and one rule is another one."""
    host = snapshot.host_netns
    tables = []
    for table in host.firewall.tables:
        chains = []
        for chain in table.chains:
            rules = [replace(rule, packets=number, bytes=60 * number) for rule in chain.rules]
            if chain.name == "DOCKER-USER":
                rules[0] = replace(rules[0], text=f"-A DOCKER-USER -s 10.{number % 250}.0.0/16 -j DROP")
            chains.append(replace(chain, rules=tuple(rules)))
        tables.append(replace(table, chains=tuple(chains)))
    changed = replace(host, firewall=replace(host.firewall, tables=tuple(tables)))
    namespaces = tuple(changed if netns is host else netns for netns in snapshot.namespaces)
    return replace(snapshot, namespaces=namespaces, taken_at=f"2026-01-01T{number:08}")


def test_what_is_shared_is_equal_to_what_was_seen() -> None:
    before = docker_host()
    after = later(before, 7)
    shared = share(before, after)
    assert shared == after
    assert shared.by_id["lan"] is before.by_id["lan"]
    old, new = before.host_netns.firewall.tables, shared.host_netns.firewall.tables
    assert new[0].chains[0].rules[0].statements is old[0].chains[0].rules[0].statements


def test_only_what_is_not_shared_has_a_size() -> None:
    before = docker_host()
    assert own_size(before, share(before, docker_host())) < 2000
    assert own_size(before, docker_host()) > 4 * own_size(before, share(before, docker_host(dropped=False)))


def test_a_day_of_updates_takes_less_than_ten_megabytes() -> None:
    timeline = Timeline()
    snapshot = docker_host()
    timeline.add(snapshot, ())
    tracemalloc.start()
    for number in range(1, DAY):
        seen = later(snapshot, number)
        shared = share(snapshot, seen)
        moment = timeline.add(shared, changes(snapshot, seen))
        timeline.flipped(
            Flip(Ask(":8080"), moment.at, "✓ reachable", "✗ not reachable", Reach.NO, FlipCause(("a rule",)))
        )
        snapshot = shared
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(timeline.moments) > 100
    assert grown < 10_000_000


def test_the_oldest_moments_go_first() -> None:
    timeline = Timeline(most=3)
    snapshot = docker_host()
    for number in range(5):
        seen = later(snapshot, number)
        timeline.add(seen, changes(snapshot, seen))
    assert [each.at[-1] for each in timeline.moments] == ["2", "3", "4"]
    seen = [(StripMoment(each.at, touches=True), ("a rule",)) for each in timeline.moments]
    assert timeline_lines(seen, gone=timeline.gone)[-1].words == "2 earlier ones were dropped"


def test_one_moment_stays_however_large_it_is() -> None:
    timeline = Timeline(largest=1)
    timeline.add(docker_host(), ())
    seen = replace(docker_host(dropped=False), taken_at="2026-01-01T1")
    timeline.add(seen, changes(docker_host(), seen))
    assert [each.snapshot for each in timeline.moments] == [seen]


def test_a_look_at_counters_alone_is_the_same_moment_seen_better() -> None:
    timeline = Timeline()
    first = timeline.add(docker_host(), ())
    counted = replace(docker_host(), taken_at="2026-01-01T2")
    assert timeline.add(counted, ()).snapshot is counted
    assert len(timeline.moments) == 1
    assert timeline.place(first) == 0


def test_a_namespace_that_is_new_is_kept_as_it_is() -> None:
    before = docker_host()
    extra = replace(before.by_id["lan"], id="lan2", firewall=Firewall())
    after = replace(before, namespaces=(*before.namespaces, extra))
    assert share(before, after) == after


def test_a_flip_stays_with_its_moment_when_a_later_look_takes_its_place() -> None:
    line = Timeline()

    def seen(second: int, *, dropped: bool) -> Snapshot:
        return replace(docker_host(dropped=dropped), taken_at=f"2026-01-01T10:00:0{second}Z")

    first, second, again = seen(0, dropped=True), seen(1, dropped=False), seen(5, dropped=False)
    line.add(first, ())
    line.add(second, changes(first, second))
    flip = Flip(Ask(":8080"), second.taken_at, "✗", "✓ reachable", Reach.YES, FlipCause())
    line.flipped(flip)
    line.add(again, ())
    assert len(line.moments) == 2
    assert line.moments[1].at == again.taken_at
    assert [line.flip_in(each) for each in line.moments] == [None, flip]
