from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Firewall,
    Interval,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    Reject,
    RejectKind,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from tests.views.hosts import docker_rules, jump
from views.listing import Listing
from views.nat.detail import rule_lines
from views.nat.gains import REMEMBERED, Gains
from views.nat.rows import ChainRow, RuleRow, count, rows
from views.nat.words import action, condition, shorten
from views.text import Role, Spans, stops

DROP = RuleVerdict(VerdictKind.DROP)


def rule(*statements: Statement, text: str = "", index: int = 0) -> Rule:
    return Rule(index, statements, text)


def chains(firewall: Firewall) -> list[str]:
    return [f"{row.table.name}/{row.chain.name}" for row in rows(firewall) if isinstance(row, ChainRow)]


def table(name: str, *made: Chain, backend: Backend = Backend.NFT, family: str = "inet") -> Table:
    return Table(backend, family, name, made)


def base(name: str, hook: str, priority: int, kind: str = "filter", registered: int | None = None) -> Chain:
    return Chain(name, (), BaseChain(kind, hook, priority, registered=registered))


def joined(spans: Spans) -> str:
    return "".join(span.text for span in spans)


def test_docker_chains_come_in_the_order_in_which_a_packet_meets_them() -> None:
    assert chains(docker_rules()) == [
        "nat/PREROUTING",
        "nat/DOCKER",
        "filter/INPUT",
        "filter/FORWARD",
        "filter/DOCKER-USER",
        "filter/DOCKER-ISOLATION-STAGE-1",
        "filter/DOCKER-ISOLATION-STAGE-2",
        "filter/DOCKER",
        "nat/OUTPUT",
        "nat/POSTROUTING",
    ]


def test_chains_of_all_backends_are_merged_by_priority() -> None:
    firewall = Firewall(
        (
            table("filter", base("FORWARD", "forward", 0), backend=Backend.XT_NFT, family="ip"),
            table("mine", base("late", "forward", 10), base("early", "forward", -150)),
            table("old", base("FORWARD", "forward", 5), backend=Backend.XT_LEGACY, family="ip"),
        )
    )
    assert chains(firewall) == ["mine/early", "filter/FORWARD", "old/FORWARD", "mine/late"]


def test_of_two_chains_with_one_priority_the_last_registered_is_first() -> None:
    firewall = Firewall(
        (table("a", base("one", "input", 0, registered=1)), table("b", base("two", "input", 0, registered=2)))
    )
    assert chains(firewall) == ["b/two", "a/one"]


def test_nat_chains_run_at_the_place_of_nat_whatever_their_own_priority() -> None:
    firewall = Firewall(
        (
            table("n", base("dnat", "prerouting", -190, "nat"), base("plain", "prerouting", -100, "nat")),
            table("f", base("filter", "prerouting", -150)),
        )
    )
    assert chains(firewall) == ["f/filter", "n/dnat", "n/plain"]


def test_a_chain_that_nothing_leads_to_is_last() -> None:
    firewall = Firewall((table("t", Chain("spare"), base("in", "input", 0)),))
    assert chains(firewall) == ["t/in", "t/spare"]


def test_chains_that_jump_in_a_circle_are_shown_once() -> None:
    circle = (Chain("a", (rule(jump("b")),)), Chain("b", (rule(jump("a")),)))
    start = Chain("in", (rule(jump("a")),), BaseChain("filter", "input", 0))
    assert chains(Firewall((table("t", start, *circle),))) == ["t/in", "t/a", "t/b"]


def test_a_rule_is_found_by_the_key_of_its_pointer() -> None:
    keys = {row.key for row in rows(docker_rules())}
    assert ("xt-nft", "ip", "filter", "DOCKER-USER", 0) in keys


def test_headings_are_no_places_for_the_cursor() -> None:
    assert not any(stops(row) for row in rows(docker_rules()) if isinstance(row, ChainRow))


def test_rows_fit_their_width_and_keep_number_target_and_counter() -> None:
    dnat = next(row for row in rows(docker_rules()) if isinstance(row, RuleRow) and "8080" in row.rule.text)
    for width in (44, 60, 120):
        text = joined(dnat.spans(width))
        assert len(text) == width
        assert "DNAT 172.17.0.2:80" in text
        assert text.lstrip().startswith("2 tcp :8080")
        assert text.endswith(" 3")


def test_a_heading_fits_its_width_and_tells_backend_and_policy() -> None:
    heading = next(row for row in rows(docker_rules()) if isinstance(row, ChainRow) and row.chain.name == "FORWARD")
    text = joined(heading.spans(44))
    assert len(text) == 44
    assert "xt-nft" in text
    assert text.endswith("policy drop")


def test_iptables_conditions_lose_what_only_repeats_itself() -> None:
    line = "-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80"
    assert shorten(line) == "tcp :80 -d 172.17.0.2 ! -i docker0 -o docker0"
    assert shorten("-m conntrack --ctstate RELATED,ESTABLISHED") == "ct RELATED,ESTABLISHED"


def test_a_negated_or_unknown_condition_keeps_its_words() -> None:
    assert shorten("-p tcp -m tcp ! --dport 80") == "-p tcp ! --dport 80"
    assert shorten("-m recent --update --seconds 60 --name x") == "-m recent --update --seconds 60 --name x"


def test_a_rule_without_a_match_is_for_any_packet() -> None:
    assert condition(rule(DROP)) == "any"


def matches(*elements: tuple[Interval | Name, ...], field: str, negate: bool = False) -> Match:
    return Match((Field(field),), elements, negate=negate)


def test_actions_speak_the_language_of_their_backend() -> None:
    assert action(rule(DROP), Backend.XT_NFT) == ("DROP", Role.BAD)
    assert action(rule(DROP), Backend.NFT) == ("drop", Role.BAD)
    masquerade = Nat(NatKind.MASQUERADE)
    assert action(rule(masquerade), Backend.XT_LEGACY) == ("MASQUERADE", Role.WARN)
    assert action(rule(Nat(NatKind.REDIRECT, NatValue(port_low=3128))), Backend.NFT)[0] == "redirect :3128"
    assert action(rule(Reject(RejectKind.TCP_RESET)), Backend.XT_NFT) == ("REJECT tcp-reset", Role.BAD)
    assert action(rule(jump("DOCKER")), Backend.XT_NFT) == ("→ DOCKER", Role.PLAIN)


def test_a_rule_that_does_nothing_to_the_packet_says_so() -> None:
    assert action(rule(), Backend.NFT) == ("counts only", Role.DIM)


def test_counters_take_five_cells_at_most() -> None:
    numbers = [0, 9_999, 10_000, 99_949, 123_456, 999_499, 12_345_678, 10**15]
    assert [count(number) for number in numbers][:5] == ["0", "9999", "10.0k", "99.9k", "123k"]
    assert all(len(count(10**power + 7)) <= 5 for power in range(18))


def test_one_backend_can_be_shown_alone() -> None:
    firewall = Firewall(
        (table("a", base("one", "input", 0)), table("b", base("two", "input", 0), backend=Backend.XT_NFT))
    )
    shown = [row.table.name for row in rows(firewall, Backend.NFT) if isinstance(row, ChainRow)]
    assert shown == ["a"]


def test_what_a_counter_gained_stands_beside_it() -> None:
    def counted(*packets: int) -> Firewall:
        rules = tuple(Rule(index, (DROP,), f"rule {index}", packets=count) for index, count in enumerate(packets))
        return Firewall((table("a", Chain("one", rules, BaseChain("filter", "input", 0))),))

    gained = Gains()
    assert not gained.tick(counted(2, 9, 7))
    last = counted(5, 9, 2)
    assert gained.tick(last)
    head, _, *found = rows(last, None, gained.gained)
    assert [row.gained for row in found if isinstance(row, RuleRow)] == [(3,), (), ()]
    assert joined(head.spans(60)).endswith("packets  last    new")
    assert joined(found[0].spans(60)).endswith("5     █    +3")
    assert joined(found[0].spans(50)).endswith("5    +3")
    assert len(joined(found[1].spans(60))) == 60
    later = counted(6, 9, 2)
    assert gained.tick(later)
    assert joined(rows(later, None, gained.gained)[2].spans(60)).endswith("6    █▃    +1")
    assert all(gained.tick(later) for _ in range(REMEMBERED))
    assert not gained.tick(later)
    assert gained.gained == {}


def test_a_rule_tells_all_about_itself() -> None:
    row = RuleRow(
        ("nft", "inet", "a", "one", 4), Backend.NFT, Rule(4, (DROP,), "tcp dport 80 drop", 7, 12, 720), (1, 2)
    )
    told = "\n".join(line.words for line in rule_lines(row, 60, "it is for UDP"))
    assert all(
        word in told
        for word in ("a/one handle 7", "tcp dport 80 drop", "drop", "12 packets", "3 of them", "it is for UDP")
    )


def test_a_rule_that_can_match_no_packet_says_why() -> None:
    row = RuleRow(("nft", "inet", "a", "one", 4), Backend.NFT, Rule(4, (DROP,), "drop", 7), None)
    told = [line.words for line in rule_lines(row, 60, flaw="never matches: set bad is empty")]
    assert told[-2:] == ["Without effect", "  never matches: set bad is empty"]


def test_the_cursor_is_put_on_the_heading_of_a_policy_and_moves_on_from_there() -> None:
    shown = [row for row in rows(docker_rules()) if row.key is not None]
    heading = next(row for row in shown if isinstance(row, ChainRow) and row.chain.name == "FORWARD")
    listing = Listing("")
    listing.show(rows(docker_rules()))
    assert listing.total == sum(isinstance(row, RuleRow) for row in shown)
    below = shown[shown.index(heading) + 1].key
    above = next(row.key for row in reversed(shown[: shown.index(heading)]) if isinstance(row, RuleRow))
    for steps, there in ((1, below), (-1, above)):
        listing.cursor = heading.key
        keyed = [key for key, index in listing._at.items() if stops(listing._rows[index])]
        assert keyed[listing._place_among(keyed, steps) + steps] == there


def test_the_two_ip_versions_of_a_table_are_told_apart_in_a_narrow_pane() -> None:
    chain = Chain("raw-PREROUTING", (), BaseChain("filter", "prerouting", -300))
    headings = [ChainRow(Table(Backend.NFT, family, "docker-bridges", (chain,)), chain) for family in ("ip", "ip6")]
    one, other = ("".join(span.text for span in heading.spans(50)) for heading in headings)
    assert one != other
    assert " ip6" in other


def test_a_comment_is_shown_where_there_is_room() -> None:
    rule = Rule(
        0, (RuleVerdict(VerdictKind.ACCEPT),), "-A FORWARD -j ACCEPT", packets=3, comment="kubernetes forwarding rules"
    )
    row = RuleRow(("xt-nft", "ip", "filter", "FORWARD", 0), Backend.XT_NFT, rule)
    shown = "".join(span.text for span in row.spans(80))
    assert "any  kubernetes forwarding" in shown
    assert len(shown) == 80
    assert "kubernetes" not in "".join(span.text for span in row.spans(34))
