"""For kernel tests of single readers: what one of them sees from inside a throw-away namespace."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.netlink.stack import NetworkStack, read_stack
from tests.harness.netns import Netns

T = TypeVar("T")


def inside(netns: Netns, work: Callable[[], T]) -> T:
    """What `work` gives in a thread that has entered the namespace."""

    def entered() -> T:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(entered)


def stack_of(netns: Netns) -> NetworkStack:
    """The namespace's network stack, where nothing may be missing."""
    stack = inside(netns, lambda: read_stack("there"))
    assert stack.gaps == ()
    return stack
