from engine.change.chain_diff import ChainDiff, chain_diffs
from engine.change.chain_policy import SetPolicy
from engine.change.rule import DeleteRule, InsertRule
from engine.change.sysctl import SetSysctl
from engine.explain.whatif.suppose import hypothesis
from engine.model.firewall import VerdictKind
from engine.model.plan import Change
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP


def diff(*sentences: str) -> tuple[ChainDiff, ...]:
    known = hypothesis(open_file(SHOP), sentences)
    return chain_diffs(known.before, known.changes)


def shown(found: ChainDiff) -> list[str]:
    return [f"{line.sign}{line.number} {line.text}" for line in found.lines]


def test_what_goes_and_what_comes_stand_among_their_neighbours() -> None:
    (found,) = diff("drop tcp to 172.18.0.2:80 before rule 4 of filter/FORWARD", "delete rule 1 of filter/FORWARD")
    assert (found.netns, found.name) == ("shop-host", "filter/FORWARD")
    assert [line[:2] for line in shown(found)] == ["-1", " 1", " 2", "+3", " 4", " 5"]
    assert "-j DROP" in shown(found)[3]


def test_a_policy_is_the_line_above_the_rules() -> None:
    (found,) = diff("set the policy of filter/FORWARD to accept")
    assert shown(found) == ["-0 policy drop", "+0 policy accept"]


def test_each_chain_has_its_own_and_other_changes_have_none() -> None:
    found = diff(
        "delete rule filter/DOCKER-USER 1", "set net.ipv4.ip_forward to 0 in shop-host", "delete rule nat/DOCKER 1"
    )
    assert [each.name for each in found] == ["filter/DOCKER-USER", "nat/DOCKER"]
    assert diff("stop db") == ()


def test_changes_that_do_not_fit_have_none() -> None:
    shop = open_file(SHOP)
    (change,) = hypothesis(shop, ("delete rule filter/DOCKER-USER 1",)).changes
    assert isinstance(change, DeleteRule)
    gone = chain_diffs(hypothesis(shop, ("delete rule filter/DOCKER-USER 1",)).after, (change,))
    assert gone == ()


def test_a_chain_that_is_not_there_yet_comes_whole() -> None:
    """The built-in chains of iptables exist with their first rule."""
    shop = open_file(SHOP)
    (inserted,) = hypothesis(shop, ("drop tcp to :80 before rule 1 of filter/DOCKER-USER",)).changes
    assert isinstance(inserted, InsertRule)
    there: tuple[Change, ...] = (inserted, SetPolicy(inserted.place, VerdictKind.DROP), SetSysctl("shop-host", "x", 1))
    assert chain_diffs(shop, there[:1])[0].lines[0].sign == "+"
    assert chain_diffs(shop, there) == ()  # a chain without a hook has no policy
