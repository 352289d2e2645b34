"""One base chain: what a packet meets in it, and how it ends."""

from __future__ import annotations

import pytest

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    MapElement,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Reject,
    RejectKind,
    Rule,
    RuleVerdict,
    SetMark,
    Statement,
    Table,
    VerdictKind,
    VerdictMap,
)
from engine.model.trace import StepKind
from engine.path.journey import CannotTell, Journey
from engine.path.lookup.flow import new_track
from engine.path.lookup.hook_chains import Hooked
from engine.path.netfilter.chain_walk import Ending, run_base_chain
from tests.hosts.stock import three_in_line
from tests.path.journeys import journey, packet

SNAPSHOT = three_in_line().snapshot()
ACCEPT, DROP, RETURN, CONTINUE = (
    RuleVerdict(kind) for kind in (VerdictKind.ACCEPT, VerdictKind.DROP, VerdictKind.RETURN, VerdictKind.CONTINUE)
)
HTTP = Match((Field("tcp dport"),), ((Interval(80, 80),),), text="--dport 80")
SSH = Match((Field("tcp dport"),), ((Interval(22, 22),),), text="--dport 22")
RECENT = Match((Field("xt recent"),), ((Name("--rcheck"),),), text="-m recent --rcheck")


def jump(chain: str) -> RuleVerdict:
    return RuleVerdict(VerdictKind.JUMP, chain)


def goto(chain: str) -> RuleVerdict:
    return RuleVerdict(VerdictKind.GOTO, chain)


def chain(name: str, *rules: Statement | tuple[Statement, ...], policy: VerdictKind | None = None) -> Chain:
    """A chain of rules, each one statement or several. With a policy it is a base chain."""
    made = tuple(
        Rule(index, rule if isinstance(rule, tuple) else (rule,), f"{name} {index}") for index, rule in enumerate(rules)
    )
    return Chain(name, made, BaseChain("filter", "forward", 0, policy) if policy else None)


def run(*chains: Chain, script: tuple[int, ...] = (), tracked: bool = False) -> tuple[Ending, Journey]:
    """Takes a packet to port 80 through the first chain, of a connection or (before tracking) of none."""
    table = Table(Backend.NFT, "inet", "t", chains)
    made = journey(SNAPSHOT, "router", packet("10.1.0.2", "10.2.0.2"), script, iif="left", oif="right")
    made.skb.track = new_track(made.packet) if tracked else None
    base = chains[0].base
    assert base is not None
    return run_base_chain(made, Hooked(table, chains[0], base), "forward"), made


def base(*rules: Statement | tuple[Statement, ...], policy: VerdictKind = VerdictKind.ACCEPT) -> Chain:
    return chain("base", *rules, policy=policy)


def ends(*chains: Chain) -> str:
    """The ending in words: who had it."""
    ending, made = run(*chains)
    return "policy" if ending.by_policy else made.end(None).steps[-1].text  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [VerdictKind.ACCEPT, VerdictKind.DROP])
def test_a_chain_without_a_verdict_ends_with_its_policy(policy: VerdictKind) -> None:
    ending, _ = run(base(Note("counter"), (SSH, DROP), policy=policy))
    assert (ending.effect, ending.by_policy) == (RuleVerdict(policy), True)


@pytest.mark.parametrize("verdict", [ACCEPT, DROP, Reject(RejectKind.TCP_RESET), Nat(NatKind.DNAT)])
def test_the_first_rule_that_holds_and_says_something_ends_the_chain(verdict: Statement) -> None:
    ending, made = run(base((SSH, ACCEPT), (HTTP, verdict), DROP))
    assert (ending.effect, ending.by_policy) == (verdict, False)
    assert [step.text for step in made.end(None).steps] == ["base 1"]  # type: ignore[arg-type]


def test_all_conditions_of_a_rule_must_hold() -> None:
    assert ends(base((HTTP, SSH, DROP))) == "policy"


def test_a_chain_that_is_jumped_to_comes_back() -> None:
    assert ends(base(jump("sub"), DROP), chain("sub", (SSH, DROP))) == "base 1"


def test_a_chain_that_is_jumped_to_may_end_it() -> None:
    assert ends(base(jump("sub"), DROP), chain("sub", ACCEPT)) == "sub 0"


def test_return_comes_back_to_behind_the_jump() -> None:
    assert ends(base(jump("sub"), DROP), chain("sub", RETURN, ACCEPT)) == "base 1"


def test_return_from_a_base_chain_gives_the_policy() -> None:
    assert ends(base(RETURN, DROP)) == "policy"


def test_goto_does_not_come_back() -> None:
    assert ends(base(goto("sub"), DROP), chain("sub", (SSH, DROP))) == "policy"


def test_a_goto_out_of_a_jump_comes_back_to_who_jumped() -> None:
    chains = chain("one", goto("two"), DROP), chain("two", (SSH, DROP))
    assert ends(base(jump("one"), DROP), *chains) == "base 1"


def test_jumps_may_be_nested_as_deep_as_nf_tables_lets_them() -> None:
    chains = [chain(f"c{number}", jump(f"c{number + 1}")) for number in range(14)]
    assert ends(base(jump("c0"), DROP), *chains, chain("c14", RETURN)) == "base 1"
    with pytest.raises(CannotTell):
        run(base(jump("top")), chain("top", jump("c0")), *chains, chain("c14", RETURN))


def test_a_jump_to_a_chain_that_is_not_there_is_passed_over() -> None:
    assert ends(base(jump("gone"), DROP)) == "base 1"


def test_continue_and_notes_go_on() -> None:
    assert ends(base(CONTINUE, Note("log"), DROP)) == "base 2"


def verdict_map(*entries: tuple[int, RuleVerdict], rest: RuleVerdict | None = None) -> VerdictMap:
    made = [MapElement((Interval(port, port),), verdict) for port, verdict in entries]
    made += [MapElement((), rest)] if rest else []
    return VerdictMap((Field("tcp dport"),), tuple(made), text="tcp dport vmap")


@pytest.mark.parametrize(
    ("statement", "end"),
    [
        (verdict_map((22, DROP), (80, ACCEPT)), "base 0"),
        (verdict_map((22, ACCEPT)), "base 1"),
        (verdict_map((22, ACCEPT), rest=jump("sub")), "sub 0"),
        (verdict_map((80, CONTINUE)), "base 1"),
        (verdict_map((80, RETURN)), "policy"),
    ],
)
def test_a_verdict_map_does_what_its_entry_says(statement: VerdictMap, end: str) -> None:
    assert ends(base(statement, DROP), chain("sub", ACCEPT)) == end


def test_a_translation_by_a_map_without_an_entry_does_not_hold() -> None:
    value = NatValue(port_low=80, port_high=80)
    by_port = Nat(NatKind.DNAT, fields=(Field("tcp dport"),), elements=(MapElement((Interval(22, 22),), value),))
    assert ends(base(by_port, DROP)) == "base 1"
    other = Nat(NatKind.DNAT, fields=(Field("tcp dport"),), elements=(MapElement((Interval(80, 80),), value),))
    assert ends(base(other, DROP)) == "base 0"


@pytest.mark.parametrize(
    ("marks", "mark"),
    [
        ([SetMark("mark", 0, "value", 0x10)], 0x10),
        ([SetMark("mark", 0, "value", 0x10), SetMark("mark", 0xFFFFFFFF & ~0xF0, "value", 0x20)], 0x20),
        ([SetMark("mark", 0, "value", 0x13), SetMark("mark", 0xFFFFFFFF & ~0x0F, "value", 0x04)], 0x14),
        ([SetMark("ct mark", 0, "value", 0x7), SetMark("mark", 0, "ct mark")], 0x7),
        ([SetMark("ct mark", 0, "value", 0x77), SetMark("mark", 0, "ct mark", mask=0x0F)], 0x7),
    ],
)
def test_marks(marks: list[Statement], mark: int) -> None:
    _, made = run(base(*marks), tracked=True)
    assert made.context.mark == mark


def test_a_rule_that_copies_the_mark_of_a_connection_is_left_where_there_is_none() -> None:
    assert ends(base((SetMark("mark", 0, "ct mark"), DROP), DROP)) == "base 1"


def test_notrack_takes_the_packet_out_of_connection_tracking() -> None:
    _, made = run(base(NoTrack()))
    assert made.skb.untracked
    assert made.context.ct_state == "untracked"


@pytest.mark.parametrize(("script", "end"), [((0,), VerdictKind.DROP), ((1,), VerdictKind.ACCEPT)])
def test_an_unknown_match_is_walked_both_ways(script: tuple[int, ...], end: VerdictKind) -> None:
    ending, made = run(base((RECENT, DROP), ACCEPT), script=script)
    assert ending.effect == RuleVerdict(end)
    (about,) = made.assumptions
    assert about.code == "ASSUME_UNKNOWN_MATCH"
    assert about.ref is not None
    assert about.ref.name == "t/base 1"


@pytest.mark.parametrize("rest", [(), (Note("log"),), (HTTP, Note("counter"))])
def test_an_unknown_match_of_a_rule_that_does_nothing_is_not_asked(rest: tuple[Statement, ...]) -> None:
    _, made = run(base((RECENT, *rest), ACCEPT))
    assert made.choices.made == []
    assert made.assumptions == []


def test_an_unknown_match_behind_one_that_fails_is_not_asked() -> None:
    _, made = run(base((SSH, RECENT, DROP), ACCEPT))
    assert made.choices.made == []


@pytest.mark.parametrize(
    ("script", "effect"), [((0,), VerdictKind.ACCEPT), ((1,), VerdictKind.ACCEPT), ((2,), VerdictKind.DROP)]
)
def test_an_unknown_target_goes_on_accepts_or_drops(script: tuple[int, ...], effect: VerdictKind) -> None:
    ending, made = run(base(Opaque("-j NFQUEUE")), script=script)
    assert ending.effect == RuleVerdict(effect)
    assert [about.code for about in made.assumptions] == ["ASSUME_UNKNOWN_TARGET"]


def test_a_verdict_map_by_chance_is_taken_every_way_that_it_has() -> None:
    entries = tuple(MapElement((Interval(n, n),), verdict) for n, verdict in enumerate((DROP, ACCEPT, DROP)))
    _, made = run(base(VerdictMap((Field("nft numgen"),), entries, text="numgen vmap")))
    assert [options for _, options, _ in made.choices.made] == [2]


def test_a_map_by_an_unknown_key_may_have_no_entry() -> None:
    entries = (MapElement((Interval(80, 80), Name("a")), DROP), MapElement((Interval(22, 22), Name("a")), ACCEPT))
    unknown = VerdictMap((Field("tcp dport"), Field("nft something")), entries, text="by both")
    _, made = run(base(unknown))
    assert [options for _, options, _ in made.choices.made] == [2]


def test_a_map_that_is_not_known_may_do_anything() -> None:
    _, made = run(base(VerdictMap((Field("tcp dport"),), lookup="not there", text="by a map")))
    assert [options for _, options, _ in made.choices.made] == [3]


def test_each_rule_that_held_and_the_policy_are_steps_that_point_at_their_row() -> None:
    _, made = run(base((SSH, DROP), (HTTP, Note("log")), jump("sub"), policy=VerdictKind.DROP), chain("sub", RETURN))
    steps = made.end(None).steps  # type: ignore[arg-type]
    assert [(step.kind, step.verdict, step.ref.key if step.ref else ()) for step in steps] == [
        (StepKind.RULE, "continue", ("nft", "inet", "t", "base", 1)),
        (StepKind.RULE, "jump sub", ("nft", "inet", "t", "base", 2)),
        (StepKind.RULE, "return", ("nft", "inet", "t", "sub", 0)),
        (StepKind.POLICY, "drop", ("nft", "inet", "t", "base")),
    ]
