"""A rule read part by part means the same as one read word by word, whatever was read before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.firewall import Opaque, RuleVerdict, VerdictKind
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.rule_parts import Meaning, meaning, word_by_word

WORDS = (
    *("-s 10.0.0.0/8", "! -d 1.2.3.4/32", "-i veth+", "-p tcp", "! -p udp", "-f", "-p"),
    *("-m tcp --dport 80", "-m udp ! --sport 1:2", "-m tcp", "-m mark ! --mark 0x1/0xff", "-m set --match-set s src"),
    *("-m comment --comment x", '-m comment --comment "a b"', '-m comment --comment "a -m b -j c"', "--match tcp"),
    *(r'-m comment --comment "a \" -m"', '-m comment --comment "-j x', "-m recent --name a -j"),
    *("-j USER", "-g USER", "-j ACCEPT", "-j GONE", '-j LOG --log-prefix "x -j y -m z"', "-j DNAT --to-destination :5"),
    *("--jump USER", "loose", '"quoted"', "-m"),
)
CHAINS = ("USER", "ACCEPT")


def either(read: object) -> Meaning | str:
    try:
        return read()  # type: ignore[operator,no-any-return]
    except FirewallTextError as error:
        return str(error)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=6), st.sampled_from(("ip", "ip6")))
def test_parts_and_words_give_the_same(words: list[str], family: str) -> None:
    text = " ".join(["-A INPUT", *words])
    by_parts = either(lambda: meaning(XtContext(family), CHAINS, text))
    by_words = either(lambda: word_by_word(XtContext(family), CHAINS, text))
    assert by_parts == by_words or (isinstance(by_parts, str) and isinstance(by_words, str))


@pytest.mark.parametrize("word", ["-j", "-g"])
def test_a_target_is_a_jump_only_in_the_table_that_has_the_chain(word: str) -> None:
    text = f"-A INPUT {word} WEB"
    kind = VerdictKind.JUMP if word == "-j" else VerdictKind.GOTO
    assert meaning(XtContext("ip"), ("WEB",), text)[0] == (RuleVerdict(kind, "WEB"),)
    assert isinstance(meaning(XtContext("ip"), (), text)[0][0], Opaque)
    assert meaning(XtContext("ip"), ("WEB",), text)[0] == (RuleVerdict(kind, "WEB"),)
