"""What can go wrong while looking, in one tree.

Only two kinds of failure exist here. Something could not be read: that is a `Gap` in the snapshot and
no exception leaves the room. The look as a whole makes no sense: that is an `ObserveError` with one
line that says why and what to do. Readers raise the subclasses among themselves; `gap` turns one into
the value that the snapshot keeps.
"""

from __future__ import annotations

import errno
import os

from engine.model.host import Gap


class ObserveError(Exception):
    """The host could not be looked at. The message is one line that says why and what to do."""


class NetlinkError(ObserveError):
    """The kernel refused a netlink request or answered with something that is not netlink.

    `code` is the errno (positive), 0 where the bytes themselves were wrong.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


def words_for(error: Exception) -> str:
    """One line for people about an OSError or a NetlinkError."""
    if isinstance(error, NetlinkError):
        return f"{error}: run as root to see it" if error.code in (errno.EPERM, errno.EACCES) else str(error)
    if isinstance(error, OSError) and error.errno in (errno.EPERM, errno.EACCES):
        return f"{os.strerror(error.errno)}: run as root to see it"
    if isinstance(error, OSError) and error.errno:
        return error.strerror or os.strerror(error.errno)
    return " ".join(str(error).split()) or type(error).__name__


def gap(source: str, netns: str, error: Exception) -> Gap:
    """The gap that `error` leaves in the snapshot."""
    return Gap(source, netns, words_for(error))
