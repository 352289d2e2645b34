"""A rule that is made of an entry of iptables-legacy means what its text means, whatever its parts are."""

from __future__ import annotations

import socket
import struct
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.firewall import Backend, Rule
from engine.observe.firewall.fast.xt_entries import draft
from engine.observe.firewall.fast.xt_sockopt import Entries
from engine.observe.firewall.xt.options import XtContext
from engine.observe.firewall.xt.rule_parts import word_by_word
from engine.observe.firewall.xt.save_text import parse_xt_save, table_of

#: Size of an address; of an entry's head; what stands between flags and the target's place; the flag of a goto.
LAYOUTS = {"ip": (4, 112, "=HBB4xHH4xQQ", 2), "ip6": (16, 168, "=HxBB3x4xHH8xQQ", 4)}
CHAIN = "mine"


def extension(name: str, revision: int, info: bytes) -> bytes:
    info += bytes(-len(info) % 8)
    return struct.pack("=H29sB", 32 + len(info), name.encode(), revision) + info


def standard(verdict: int) -> bytes:
    return extension("", 0, struct.pack("=i", verdict))


def entry(family: str, address: bytes, matches: bytes, target: bytes, flags: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    """`address` is two addresses, two masks, two devices with their masks; `flags` a protocol, flags, inverted."""
    size, head, layout, _ = LAYOUTS[family]
    begin = address or bytes(4 * size + 64)
    lengths = head + len(matches), head + len(matches) + len(target)
    return begin + struct.pack(layout, *flags, *lengths, 3, 180) + matches + target


def rules_of(family: str, *entries: bytes) -> tuple[Rule, ...]:
    """The rules of FORWARD in a table of these entries and a user's chain."""
    none = b""
    policy, error = entry(family, none, none, standard(-2)), extension("ERROR", 0, struct.pack("=30s", CHAIN.encode()))
    data = b"".join([*entries, policy, entry(family, none, none, error), entry(family, none, none, standard(-5))])
    end = entry(family, none, none, extension("ERROR", 0, struct.pack("=30s", b"ERROR")))
    made = draft(Entries("filter", ((2, 0, sum(map(len, entries))),), data + end), family)
    assert made is not None
    return tuple(table_of(made, Backend.XT_LEGACY, family).chains[0].rules)


def begin_of(family: str, count: int) -> int:
    """Where the user's chain begins behind entries of that length."""
    return (
        count
        + len(entry(family, b"", b"", standard(0)))
        + len(entry(family, b"", b"", extension("ERROR", 0, bytes(30))))
    )


PORT = st.integers(0, 0xFFFF)
PORTS = st.tuples(PORT, PORT).map(sorted)
COMMENT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
MATCH = st.one_of(
    COMMENT.map(lambda text: extension("comment", 0, struct.pack("=256s", text.encode() + b"\0behind"))),
    st.builds(
        lambda name, source, to, inverted: extension(
            name, 0, struct.pack("=4H", *source, *to) + (bytes(3) if name == "tcp" else b"") + bytes([inverted])
        ),
        st.sampled_from(("tcp", "udp")),
        PORTS,
        PORTS,
        st.integers(0, 3),
    ),
    st.builds(
        lambda value, mask, inverted: extension("mark", 1, struct.pack("=IIB", value, mask, inverted)),
        st.integers(0, 2**32 - 1),
        st.sampled_from((0xFF, 2**32 - 1)),
        st.booleans(),
    ),
)


@st.composite
def addresses(draw: st.DrawFn, size: int) -> bytes:
    """Most often one host, else a network, or one with holes; or nothing, with an address all the same."""
    full = b"\xff" * size
    masks = st.sampled_from((full, bytes(size), bytes(size), full[:2].ljust(size, b"\0"), b"\xff\0" * (size // 2)))
    nowhere = st.just(bytes(size))
    found = [draw(st.one_of(nowhere, st.binary(min_size=size, max_size=size))) for _ in range(2)]
    device = st.sampled_from(((b"", b""), (b"eth0\0", b"\xff" * 5), (b"veth", b"\xff" * 4)))
    names, compared = zip(*(draw(device) for _ in range(2)), strict=True)
    devices = b"".join(each.ljust(16, b"\0") for each in (*names, *compared))
    return b"".join([*found, draw(masks), draw(masks), devices])


@st.composite
def translations(draw: st.DrawFn, size: int) -> bytes:
    """DNAT: most often to one port of one address."""
    flags = draw(st.one_of(st.just(3), st.integers(0, 7).map(lambda more: more << 2 | 1 | more & 2)))
    low = draw(st.binary(min_size=size, max_size=size))
    high = draw(st.one_of(st.just(low), st.binary(min_size=size, max_size=size)))
    ports = draw(st.one_of(PORT.map(lambda port: [port, port]), PORTS))
    ends = low.ljust(16, b"\0") + high.ljust(16, b"\0")
    return extension("DNAT", 2, struct.pack("=I", flags) + ends + struct.pack("!HH", *ports) + bytes(4))


@pytest.mark.parametrize("family", LAYOUTS)
@given(data=st.data())
def test_a_rule_means_what_its_text_means(family: str, data: st.DataObject) -> None:
    size, *_, goto = LAYOUTS[family]
    address, matches = data.draw(addresses(size)), b"".join(data.draw(st.lists(MATCH, max_size=3)))
    flags = (
        data.draw(st.sampled_from((0, 1, 6, 17))),
        data.draw(st.sampled_from((0, goto))),
        data.draw(st.sampled_from((0, 0x08, 0x10, 0x1B, 0x58))),
    )
    target = data.draw(st.one_of(translations(size), st.sampled_from((-1, -2, -5)).map(standard), st.none()))
    if target is None:
        length = len(entry(family, address, matches, standard(0), flags))
        target = standard(begin_of(family, length))
    (rule,) = rules_of(family, entry(family, address, matches, target, flags))
    assert word_by_word(XtContext(family), (CHAIN,), rule.text)[0] == rule.statements
    save = f"*filter\n:FORWARD ACCEPT [0:0]\n:{CHAIN} - [0:0]\n[3:180] {rule.text}\nCOMMIT\n"
    assert parse_xt_save(save, Backend.XT_LEGACY, family)[0].chains[0].rules[0] == rule


def test_an_address_and_a_jump_are_told_as_iptables_save_tells_them() -> None:
    host = socket.inet_aton("10.96.0.1") + bytes(4) + b"\xff" * 4 + bytes(4 + 64)
    plain = entry("ip", host, b"", standard(-2), (6, 0, 0x08))
    comment = extension("comment", 0, struct.pack("=256s", b"a b"))
    jump = partial(entry, "ip", b"", comment, flags=(0, 2, 0))
    place = begin_of("ip", len(plain) + len(jump(standard(0))))
    assert [(rule.text, rule.comment) for rule in rules_of("ip", plain, jump(standard(place)))] == [
        ("-A FORWARD ! -s 10.96.0.1/32 -p tcp -j ACCEPT", ""),
        ('-A FORWARD -m comment --comment "a b" -g mine', "a b"),
    ]
