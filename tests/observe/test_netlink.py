"""The netlink client: what it makes of bytes, without a kernel (a socket pair stands in for it)."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.observe.base.errors import NetlinkError, gap, words_for
from engine.observe.netlink.client import Netlink, attributes, messages, parse_done, parse_error
from engine.observe.netlink.reader import Reader
from tests.observe.wire import attr, message


def test_attributes_come_by_type_without_their_flag_bits() -> None:
    assert attributes(attr(3, b"lo\0") + attr(0x8000 | 18, b"abcd")) == {3: b"lo\0", 18: b"abcd"}


def test_an_attribute_that_leads_out_of_the_message_is_refused() -> None:
    with pytest.raises(NetlinkError, match="claims 64 bytes"):
        attributes(struct.pack("=HH", 64, 1) + b"abcd")


def test_a_read_holds_several_messages() -> None:
    found = list(messages(message(16, b"abc", flags=2, sequence=7) + message(20, b"")))
    assert found == [(16, 2, 7, b"abc"), (20, 0, 1, b"")]


def test_a_message_that_leads_out_of_the_read_is_refused() -> None:
    with pytest.raises(NetlinkError, match="netlink message claims"):
        list(messages(struct.pack("=IHHII", 99, 16, 0, 0, 0)))


def test_an_error_carries_the_kernels_own_words() -> None:
    request = struct.pack("=IHHII", 16, 18, 1, 1, 0)
    body = struct.pack("=i", -errno.EINVAL) + request + attr(1, b"Invalid header\0")
    error = parse_error(body, 0x200)
    assert error is not None
    assert error.code == errno.EINVAL
    assert str(error) == "the kernel refused: Invalid argument (Invalid header)"


def test_an_acknowledgement_is_no_error() -> None:
    assert parse_error(bytes(20)) is None
    assert parse_done(bytes(4)) is None


def test_a_dump_that_ends_with_an_error_says_so() -> None:
    error = parse_done(struct.pack("=i", -errno.EOPNOTSUPP))
    assert error is not None
    assert error.code == errno.EOPNOTSUPP


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_any_bytes_are_messages_or_a_netlink_error(data: bytes, flags: int) -> None:
    try:
        for kind, _, _, body in messages(data):
            assert kind >= 0
            attributes(body)
    except NetlinkError:
        pass
    assert isinstance(parse_error(data, flags), NetlinkError | None)
    assert isinstance(parse_done(data), NetlinkError | None)


class Kernel:
    """The other end of a netlink socket: answers each request with the next of the reads it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.netlink = Netlink()
        self.netlink.close()
        monkeypatch.setattr(self.netlink, "_socket", self.theirs)

    def will_send(self, *reads: bytes) -> None:
        for read in reads:
            self.ours.send(read)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    made = Kernel(monkeypatch)
    yield made
    made.ours.close()
    made.netlink.close()


DONE = 3


def test_a_dump_is_gathered_over_several_reads(kernel: Kernel) -> None:
    kernel.will_send(message(16, b"aaaa") + message(16, b"bbbb"), message(16, b"cccc"), message(DONE, bytes(4)))
    dump = kernel.netlink.dump(18, b"")
    assert dump.messages == ((16, b"aaaa"), (16, b"bbbb"), (16, b"cccc"))
    assert dump.consistent


def test_a_dump_that_was_interrupted_is_made_again(kernel: Kernel) -> None:
    kernel.will_send(message(16, b"old!", flags=0x10), message(DONE, bytes(4)))
    kernel.will_send(message(16, b"new!", sequence=2), message(DONE, bytes(4), sequence=2))
    dump = kernel.netlink.dump(18, b"")
    assert dump.messages == ((16, b"new!"),)
    assert dump.consistent


def test_a_dump_that_keeps_changing_is_returned_as_inconsistent_and_leaves_a_gap(kernel: Kernel) -> None:
    for sequence in (1, 2, 3):
        kernel.will_send(
            message(16, b"aaaa", sequence=sequence), message(DONE, bytes(4), flags=0x10, sequence=sequence)
        )
    reader = Reader(kernel.netlink, "web")
    assert reader.read("links", 18, b"", lambda found: tuple(body for _, body in found)) == (b"aaaa",)
    assert [(each.source, each.netns) for each in reader.gaps] == [("links", "web")]
    assert "kept changing" in reader.gaps[0].reason


def test_answers_to_an_earlier_request_are_passed_over(kernel: Kernel) -> None:
    kernel.will_send(message(16, b"late", sequence=99), message(16, b"mine"), message(DONE, bytes(4)))
    assert kernel.netlink.dump(18, b"").messages == ((16, b"mine"),)


def test_a_refused_dump_leaves_a_gap_and_no_rows(kernel: Kernel) -> None:
    kernel.will_send(message(2, struct.pack("=i", -errno.EPERM) + bytes(16)))
    reader = Reader(kernel.netlink, "web")
    assert reader.read("routes", 26, b"", tuple) == ()
    said = ["the kernel refused: Operation not permitted: run as root to see it"]
    assert [str(each.reason) for each in reader.gaps] == said


def test_a_question_gets_its_one_answer(kernel: Kernel) -> None:
    kernel.will_send(message(88, b"answ"))
    assert kernel.netlink.ask(90, b"") == (88, b"answ")


def test_a_refused_question_raises(kernel: Kernel) -> None:
    kernel.will_send(message(2, struct.pack("=i", -errno.ENODEV) + bytes(16)))
    with pytest.raises(NetlinkError, match="No such device"):
        kernel.netlink.ask(90, b"")


def test_a_gap_says_what_to_do_about_missing_rights() -> None:
    error = PermissionError(errno.EPERM, "x")
    assert gap("namespace", "web", error).reason == "Operation not permitted: run as root to see it"
    assert words_for(ValueError("two\nlines")) == "two lines"
