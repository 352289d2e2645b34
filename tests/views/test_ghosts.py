from engine.change import applied
from engine.change.rule import DeleteRule
from engine.model.host import Snapshot
from engine.model.where import RulePlace
from tests.views.hosts import docker_host
from views.nat.ghosts import Ghost, GhostRow, with_ghosts
from views.nat.rows import ChainRow, RuleRow, rows


def gone(snapshot: Snapshot, number: int, chain: str, index: int) -> tuple[Snapshot, Ghost]:
    """The snapshot without a rule, and that rule as a ghost."""
    host = snapshot.host_netns
    table = next(table for table in host.firewall.tables if table.chain(chain) is not None)
    found = table.chain(chain)
    assert found is not None
    place = RulePlace(host.id, table.backend, table.family, table.name, chain, index)
    rule = found.rules[index]
    return applied(snapshot, (DeleteRule(place, rule),)), (number, place, rule)


def texts(found: list[object]) -> list[str]:
    return [row.rule.text for row in found if isinstance(row, RuleRow | GhostRow)]


def test_rules_that_are_gone_stand_where_they_were() -> None:
    whole = docker_host(dropped=True)
    before = texts(list(rows(whole.host_netns.firewall)))
    chain = next(
        row.chain for row in rows(whole.host_netns.firewall) if isinstance(row, ChainRow) and len(row.chain.rules) > 2
    )
    left, first = gone(whole, 0, chain.name, 0)
    left, second = gone(left, 1, chain.name, 1)
    left, third = gone(left, 2, chain.name, 0)
    found = with_ghosts(rows(left.host_netns.firewall), (first, second, third))
    assert texts(list(found)) == before
    ghosts = [row for row in found if isinstance(row, GhostRow)]
    assert {row.key for row in ghosts} == {("ghost", 0), ("ghost", 1), ("ghost", 2)}
    assert all("off" in "".join(span.text for span in row.spans(60)) for row in ghosts)


def test_a_chain_whose_last_rule_is_gone_does_not_say_that_it_has_none() -> None:
    whole = docker_host(dropped=True)
    before = len(rows(whole.host_netns.firewall))
    chain = next(
        row.chain for row in rows(whole.host_netns.firewall) if isinstance(row, ChainRow) and len(row.chain.rules) == 1
    )
    left, ghost = gone(whole, 0, chain.name, 0)
    assert len(rows(left.host_netns.firewall)) == before
    assert len(with_ghosts(rows(left.host_netns.firewall), (ghost,))) == before
