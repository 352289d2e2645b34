"""What a web server makes of a request's path before a route takes it: rewrites, and which files are there."""

from __future__ import annotations

from enum import StrEnum

from engine.records import dataclass


class RewriteThen(StrEnum):
    """What follows where a rewrite's expression fits (ngx_http_rewrite_module, rewrite)."""

    #: The next rewrite is tried; behind the last one a route is chosen again.
    GO_ON = "go-on"
    #: A route is chosen again at once (`last`).
    AGAIN = "again"
    #: The route stays, and no more rewrites are tried (`break`).
    STAY = "stay"
    #: The client is sent to the new address.
    REDIRECT = "redirect"


#: The path as it is: what `break` alone makes of one.
SAME = "$uri"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A path that fits an expression becomes another: `onto`, in which $1 to $9 are the expression's groups.

    `test` is nginx's own word for a condition about the file of the path: -f, !-f, -e, !-e, or "" for none. `status` is
    a redirect's. `words` is the line as it is written, of file line `line`.
    """

    pattern: str
    onto: str
    then: RewriteThen
    test: str = ""
    status: int = 0
    words: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a route's files are, and which of those that the configuration names are there: paths of requests.

    `index` are the names tried for a path that ends in a slash; `lists` says that a list is made where none is there.
    """

    path: str
    there: bool
    index: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    lists: bool = False
