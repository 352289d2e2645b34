"""IPsec policies as they are read, beside what `ip xfrm policy` prints of them."""

from __future__ import annotations

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.model.host import Gap
from engine.model.ipsec import Ipsec, IpsecPolicy
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink import ipsec
from tests.harness.needs import require
from tests.harness.netns import World
from tests.harness.probe import enter

require("ip", root=True)

POLICIES = (
    "src 10.0.0.0/8 dst 10.0.0.1 proto tcp sport 8 dir fwd mark 0x1 mask 0x3 priority 2 tmpl proto esp mode transport",
    "src 10.0.0.0/8 dst 10.0.0.2 proto udp dport 53 dir in priority 2 tmpl proto esp mode transport level use",
    "src ::/0 dst fd00::/8 dev lo dir out priority 9 action block",
    "src 10.0.0.0/8 dst 0.0.0.0/0 dir in priority 9",
)


def seen(netns_file: str) -> tuple[Ipsec | None, tuple[Gap, ...]]:
    enter(netns_file)
    return ipsec.read_ipsec("it")


def as_printed(line: str) -> tuple[object, ...]:
    """What a line of `ip -o xfrm policy` says."""
    words = dict(re.findall(r"(src|dst|dir|priority|sport|dport|mark|dev) (\S+)", line)[::-1])  # the first of each
    whole = 128 if ":" in words["src"] else 32
    ends = [each if "/" in each else f"{each}/{whole}" for each in (words["src"], words["dst"])]
    ports = tuple(int(words.get(name, 0)) for name in ("sport", "dport"))
    return (words["dir"], *ends, *ports, words.get("mark", ""), "dev" in words, int(words["priority"]), "block" in line)


def as_read(policy: IpsecPolicy) -> tuple[object, ...]:
    mark = f"{policy.mark[0]:#x}/{policy.mark[1]:#x}" if policy.mark[1] else ""
    ports = (policy.sport[0], policy.dport[0])
    ends = (str(policy.source), str(policy.destination))
    return (policy.direction, *ends, *ports, mark, policy.link == 1, policy.priority, policy.blocks)


def test_policies_are_those_that_ip_prints() -> None:
    with World() as world, ThreadPoolExecutor(1) as thread:
        place = world.netns("ipsec")
        for words in POLICIES:
            place.ip(f"xfrm policy add {words}")
        found, gaps = thread.submit(seen, place.path).result()
        printed = place.run("ip", "-o", "xfrm", "policy")
    assert gaps == ()
    assert found is not None
    assert {as_read(policy) for policy in found.policies} == {as_printed(line) for line in printed.splitlines()}
    assert [policy.priority for policy in found.policies] == [2, 2, 9, 9]
    assert {policy.text for policy in found.policies if policy.transforms} == {
        "src 10.0.0.0/8 dst 10.0.0.1/32 proto tcp sport 8 dir fwd tmpl …"
    }


def test_a_default_that_blocks_is_the_last_policy_of_both_versions() -> None:
    with World() as world, ThreadPoolExecutor(1) as thread:
        place = world.netns("ipsec")
        place.ip("xfrm policy setdefault fwd block")
        found, _ = thread.submit(seen, place.path).result()
    assert found is not None
    assert [(each.direction, str(each.source), each.blocks) for each in found.policies] == [
        ("fwd", "0.0.0.0/0", True),
        ("fwd", "::/0", True),
    ]


@pytest.mark.parametrize(
    ("code", "read", "reasons"),
    [
        (errno.EPROTONOSUPPORT, Ipsec(), []),
        (errno.EPERM, None, ["Operation not permitted: run as root to see it"]),
    ],
)
def test_a_kernel_without_it_has_none_and_what_is_refused_is_a_gap(
    code: int, read: Ipsec | None, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_protocol: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(ipsec, "Netlink", refused)
    found, gaps = ipsec.read_ipsec("it")
    assert (found, [gap.reason for gap in gaps]) == (read, reasons)


def test_damaged_bytes_are_an_error_of_their_own() -> None:
    with pytest.raises(NetlinkError):
        ipsec.parse_policies([(0x13, bytes(40))])
