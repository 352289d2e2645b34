"""Which paths a route's matchers let in, for requests of one name at one door.

A direct client sends GET and no headers of other proxies or websockets. What is not known of it is a doubt: a condition
has the paths that are surely let in, and those that perhaps are. Source: caddyserver.com/docs/json/apps/http/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from engine.model.application.expressions import is_understood
from engine.model.application.proxy import PathMatch, PathTest, is_covered
from engine.observe.proxies.caddy.matchers import EVERY
from engine.observe.proxies.caddy.steps import PATH
from engine.observe.proxies.caddy.tree import Settings
from engine.records import dataclass, replace

#: Alternatives, of which one has to hold with all of its tests.
Tests = tuple[tuple[PathTest, ...], ...]
NEVER: Tests = ()
ALWAYS: Tests = ((),)
#: More alternatives are not followed.
MOST_TESTS = 256
#: Headers that a plain client sends.
_SENT = frozenset({"host", "user-agent", "accept", "accept-encoding", "accept-language"})
#: A path whose last name has an ending.
_ENDING = PathTest(r"\.[^/]*$", PathMatch.REGEX)
_ROOT = PathTest("/", PathMatch.EXACT)
_SLASH = PathTest("/", PathMatch.SUFFIX)


@dataclass(frozen=True, slots=True)
class Asker:
    """Requests of one name ("": of any that no matcher has), by TLS or not."""

    host: str
    tls: bool


@dataclass(frozen=True, slots=True)
class PathCondition:
    """Paths that are surely let in, and those that perhaps are; `doubts` are the kinds of matchers in between."""

    surely: Tests = ALWAYS
    perhaps: Tests = ALWAYS
    doubts: tuple[str, ...] = ()

    @property
    def is_never(self) -> bool:
        """Whether no path is let in."""
        return self.perhaps == NEVER

    @property
    def is_known(self) -> bool:
        """Whether every path is surely let in or surely not."""
        return self.surely == self.perhaps


_NO = PathCondition(NEVER, NEVER)


def condition(sets: Sequence[Settings], asker: Asker) -> PathCondition:
    """The paths that one of several sets lets in (none: all)."""
    return _any(_set(each, asker) for each in sets) if sets else PathCondition()


def _set(matchers: Settings, asker: Asker) -> PathCondition:
    return _all(_kind(kind, value, asker) for kind, value in sorted(matchers.items()))


def _kind(kind: str, value: Any, asker: Asker) -> PathCondition:
    """One kind of matcher. Raises KeyError, TypeError, AttributeError where its value is none."""
    known = _KINDS.get(kind)
    found = known(value, asker) if known is not None else None
    return PathCondition(NEVER, ALWAYS, (kind.lstrip("@"),)) if found is None else found


# --- kinds ----------------------------------------------------------------------------------------------


def _paths(value: Any, _asker: Asker) -> PathCondition | None:
    tests = [_path(str(each)) for each in value]
    return None if None in tests else _certain(tuple((each,) if each.pattern else () for each in tests if each))


def _path(written: str) -> PathTest | None:
    """A pattern as a test: an asterisk at an end stands for any text, elsewhere for text between two slashes."""
    pattern, stars = written.lower(), written.count(EVERY)
    if any(part in pattern for part in ("//", "%", "{", "[", "\\")):
        return None
    if pattern == EVERY:
        return PathTest("", folded=True)
    if stars == 2 and len(pattern) > 1 and pattern[0] == pattern[-1] == EVERY:
        return PathTest(pattern[1:-1], PathMatch.PART, folded=True)
    if stars == 1 and pattern[0] == EVERY:
        return PathTest(pattern[1:], PathMatch.SUFFIX, folded=True)
    if stars == 1 and pattern[-1] == EVERY:
        return PathTest(pattern[:-1], PathMatch.PREFIX, folded=True)
    return PathTest(pattern, PathMatch.GLOB if stars or "?" in pattern else PathMatch.EXACT, folded=True)


def _expression(value: Any, _asker: Asker) -> PathCondition | None:
    pattern = str(value["pattern"])
    return _certain(((PathTest(pattern, PathMatch.REGEX),),)) if is_understood(pattern) else None


def _hosts(value: Any, asker: Asker) -> PathCondition | None:
    if any("{" in str(each) for each in value):
        return None
    return PathCondition() if asker.host and any(is_covered(asker.host, str(each)) for each in value) else _NO


def _method(value: Any, _asker: Asker) -> PathCondition:
    return PathCondition() if "GET" in value else _NO


def _header(value: Any, _asker: Asker) -> PathCondition | None:
    """Fields that have to be there with one of their values, or must not be there (null)."""
    missing = any(wanted is not None and name.lower() not in _SENT for name, wanted in value.items())
    if missing:
        return _NO
    return PathCondition() if all(name.lower() not in _SENT for name in value) else None


def _header_expression(value: Any, _asker: Asker) -> PathCondition | None:
    return _NO if any(name.lower() not in _SENT for name in value) else None


def _protocol(value: Any, asker: Asker) -> PathCondition | None:
    known = {"https": asker.tls, "http": not asker.tls, "grpc": False}.get(str(value))
    return None if known is None else PathCondition() if known else _NO


def _not(value: Any, asker: Asker) -> PathCondition:
    return _negated(_any(_set(each, asker) for each in value))


def _files(value: Any, _asker: Asker) -> PathCondition | None:
    if value.get("try_policy", "first_exist") != "first_exist":
        return None
    return _any(_certain(_file_there(str(word))) for word in value.get("try_files") or (PATH,))


_KINDS: dict[str, Callable[[Any, Asker], PathCondition | None]] = {
    "path": _paths,
    "path_regexp": _expression,
    "host": _hosts,
    "method": _method,
    "header": _header,
    "header_regexp": _header_expression,
    "protocol": _protocol,
    "not": _not,
    "file": _files,
}


# --- files ----------------------------------------------------------------------------------------------


def _file_there(word: str) -> Tests:
    """The paths for which a name of a file matcher is taken to be there: those whose name has an ending, and the names
    that the configuration writes out. Of folders only the root is known to be one."""
    before, mark, behind = word.partition(PATH)
    if not mark or before.strip("/"):
        return ALWAYS
    if not behind:
        return ((_ENDING,),)
    if behind.startswith("/"):
        return ((_ROOT,),)
    return ((replace(_SLASH, holds=False),),) if "." in behind else NEVER


# --- together -------------------------------------------------------------------------------------------


def _certain(tests: Tests) -> PathCondition:
    return PathCondition(tests, tests)


def _all(conditions: Iterable[PathCondition]) -> PathCondition:
    found = PathCondition()
    for each in conditions:
        surely, perhaps = _times(found.surely, each.surely), _times(found.perhaps, each.perhaps)
        found = PathCondition(
            NEVER if surely is None else surely,
            ALWAYS if perhaps is None else perhaps,
            (*found.doubts, *each.doubts),
        )
    return found


def _any(conditions: Iterable[PathCondition]) -> PathCondition:
    listed = list(conditions)
    surely = _unique(tests for each in listed for tests in each.surely)
    perhaps = _unique(tests for each in listed for tests in each.perhaps)
    doubts = tuple(word for each in listed for word in each.doubts)
    return PathCondition(surely[:MOST_TESTS], perhaps if len(perhaps) <= MOST_TESTS else ALWAYS, doubts)


def _negated(one: PathCondition) -> PathCondition:
    surely, perhaps = _inverse(one.perhaps), _inverse(one.surely)
    return PathCondition(NEVER if surely is None else surely, ALWAYS if perhaps is None else perhaps, one.doubts)


def _inverse(tests: Tests) -> Tests | None:
    """Where none of the alternatives holds; None where there are too many."""
    found: Tests | None = ALWAYS
    for each in tests:
        found = None if found is None else _times(found, tuple((replace(test, holds=not test.holds),) for test in each))
    return found


def _times(one: Tests, other: Tests) -> Tests | None:
    """Where both hold; None where there are too many alternatives."""
    if len(one) * len(other) > MOST_TESTS:
        return None
    return _unique((*left, *right) for left, right in product(one, other))


def _unique(tests: Iterable[tuple[PathTest, ...]]) -> Tests:
    found = tuple(dict.fromkeys(tests))
    return ALWAYS if () in found else found
