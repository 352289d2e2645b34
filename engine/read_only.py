"""The one guard of --read-only: whoever changes, sends, writes or starts something asks here first.

It is the process's, since a change is a change whichever way it is asked for; what only reads never asks.
"""

from __future__ import annotations


class ReadOnly(Exception):
    """Something was to be done that --read-only forbids; `str()` says what."""


class _Guard:
    forbids = False


def forbid(forbids: bool) -> None:
    """Whether from now on nothing may be changed, sent, written or started by this process."""
    _Guard.forbids = forbids


def may(what: str) -> None:
    """Asks for something, in words like "send a packet". Raises ReadOnly."""
    if _Guard.forbids:
        raise ReadOnly(f"cannot {what}: --read-only is set")
