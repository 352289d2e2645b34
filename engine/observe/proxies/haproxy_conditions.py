"""Conditions of HAProxy's rules, as cases: what a request has to be for one of them to hold.

A condition is tests joined by "and", of which several may be joined by `or`; `!` negates one, `unless` the whole. Each
case is then a scheme, Hosts, paths and clients.
Source: HAProxy's configuration manual (3.0), sections 7.1 to 7.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import islice, product

from engine.model.address import IPNetwork
from engine.model.application.proxy import ClientTest, PathTest
from engine.observe.proxies.conditions import ANY_PORT, RequestCase, TestedValues, names_for, paths_for
from engine.records import dataclass

#: Cases of one condition; one that has more is not understood.
MOST_CASES = 64
#: Lines of a map that are read.
MOST_HOSTS = 5000
_MAP = re.compile(r"%\[(.+),map(?:_str)?\(([^,()]+)(?:,([^()]*))?\)\]")
#: Fetches of the Host, whole; by TLS it is the name in the client's hello, too.
_HOSTS = frozenset({"hdr(host)", "req.hdr(host)", "req.fhdr(host)", "hdr", "ssl_fc_sni"})
_CUT = frozenset({"field(1,:)", "host_only"})
_FORMS = ("beg", "end", "dom", "dir", "reg", "sub")
#: Tests that a plain request of a direct client passes or not (section 7.4).
_KNOWN = {"TRUE": True, "FALSE": False, "HTTP": True, "HTTP_1.1": True, "METH_GET": True, "always_true": True}
_KNOWN |= {"always_false": False, "HTTP_1.0": False, "HTTP_CONTENT": False, "WAIT_END": True}
_KNOWN |= {f"METH_{name}": False for name in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "CONNECT", "TRACE")}

#: Fetches of what a client did lately (section 7.3.3).
_COUNTED = re.compile(r"(?:src|sc[0-2]?)_(?!get_gp)[a-z0-9_]+(?:\(.*\))?$")

#: The words of one test: what is fetched, and the values that it is compared with.
Test = tuple[str, ...]
#: One of several tests, and whether it is negated.
_Literal = tuple[bool, tuple[Test, ...]]
_Atom = tuple[bool, Test]


@dataclass(frozen=True, slots=True)
class HostMap:
    """A backend chosen by a file of Hosts: `%[req.hdr(host),lower,map(FILE,DEFAULT)]`."""

    file: str
    default: str
    any_port: bool

    def pairs(self, text: str) -> Iterator[tuple[str, str]]:
        """The Hosts with their backends, then "" with the default."""
        for line in text.splitlines()[:MOST_HOSTS]:
            key, *values = line.partition("#")[0].split()[:2] or ("",)
            if values:
                yield key + (ANY_PORT if self.any_port else ""), values[0]
        if self.default:
            yield "", self.default


def by_host(word: str) -> HostMap | None:
    """The map that a word of use_backend names; None for any other word."""
    found = _MAP.fullmatch(word)
    values = _of_host((found[1], "any")) if found is not None else None
    if found is None or values is None or values.form:
        return None
    return HostMap(found[2], found[3] or "", values.any_port)


def cases(
    words: Sequence[str], acls: Mapping[str, Sequence[Test]], *, before: Sequence[Sequence[str]] = ()
) -> tuple[RequestCase, ...]:
    """The cases in which a condition holds (`if …`, `unless …`, or none), and none of those `before` it; one that is
    not understood is an unknown case."""
    joined = _joined(words, acls, negated=False)
    for earlier in before:
        others = _joined(earlier, acls, negated=True)
        if joined is None or others is None:
            return (RequestCase(unknown=True),)
        joined = [[*one, *other] for one in joined for other in others][: MOST_CASES + 1]
    if joined is None:
        return (RequestCase(unknown=True),)
    atoms = [atoms for one in joined[:MOST_CASES] for atoms in _expanded(one)]
    if len(joined) > MOST_CASES or len(atoms) > MOST_CASES:
        return (RequestCase(unknown=True),)
    return tuple(case for each in atoms if (case := _case(each)) is not None)


def _joined(words: Sequence[str], acls: Mapping[str, Sequence[Test]], *, negated: bool) -> list[list[_Literal]] | None:
    """A condition, or where it does not hold, as tests that are joined by "and" within, by "or" without."""
    joined = _parsed(words[1:], acls)
    if joined is None or negated is (words[:1] == ("unless",)):
        return joined
    every = islice(product(*joined), MOST_CASES + 1)
    return [[(not turned, tests) for turned, tests in one] for one in every]


def _parsed(words: Sequence[str], acls: Mapping[str, Sequence[Test]]) -> list[list[_Literal]] | None:
    """The tests of a condition, joined by "and" within, by "or" without; None where its words are none."""
    joined: list[list[_Literal]] = [[]]
    inside: list[str] | None = None
    negated = False
    for word in words:
        if inside is not None and word != "}":
            inside.append(word)
        elif inside is not None:
            joined[-1].append((negated, (tuple(inside),)))
            inside, negated = None, False
        elif word in ("||", "or"):
            joined.append([])
        else:
            bare = word.lstrip("!")
            negated ^= bool((len(word) - len(bare)) % 2)
            if bare == "{":
                inside = []
            elif bare:
                tests = acls.get(bare) or (((bare,),) if bare in _KNOWN else ())
                if not tests:
                    return None
                joined[-1].append((negated, tuple(tests)))
                negated = False
    return joined if inside is None else None


def _expanded(literals: Iterable[_Literal]) -> Iterator[list[_Atom]]:
    """Single tests joined by "and": a named condition with several tests holds where one of them does."""
    ways = [
        [[(True, test) for test in tests]] if negated else [[(False, test)] for test in tests]
        for negated, tests in literals
    ]
    for chosen in islice(product(*ways), MOST_CASES + 1):
        yield [atom for part in chosen for atom in part]


def _case(atoms: Sequence[_Atom]) -> RequestCase | None:
    """Tests that all hold, as a case; None where they never do."""
    tls: bool | None = None
    unknown = False
    names: list[tuple[bool, TestedValues]] = []
    paths: list[tuple[bool, TestedValues]] = []
    clients: list[ClientTest] = []
    for negated, test in dict.fromkeys(atoms):
        found = _known(test) if test else None
        if not test:
            unknown = True
        elif found is not None:
            if found is negated:
                return None
        elif test == ("ssl_fc",):
            if tls is negated:
                return None
            tls = not negated
        elif (values := _of_host(test)) is not None:
            names.append((negated, values))
        elif (values := _of_path(test)) is not None:
            paths.append((negated, values))
        elif networks := _of_client(test):
            clients.append(ClientTest(networks, not negated))
        else:
            unknown = True
    hosts, ways = names_for(names), paths_for(paths)
    unknown |= hosts is None or ways is None
    return RequestCase(tls, hosts or (), ways or (PathTest(),), unknown, tuple(clients))


def _known(test: Test) -> bool | None:
    """What a test says of every plain request; of a client that has not asked lately, counters are low."""
    if test[:1] == ("method",):
        return "GET" in test[1:]
    if _COUNTED.match(test[0]) and len(test) == 3 and test[1] in ("gt", "ge") and test[2].isdecimal():
        return False if int(test[2]) > 1 else None
    return _KNOWN.get(test[0]) if len(test) == 1 else None


def _compared(test: Test, form: str) -> TestedValues | None:
    """The values of a test, and how they are compared; None for one by file, number or the like."""
    folded, values, words = False, list[str](), iter(test[1:])
    for word in words:
        if word == "-i":
            folded = True
        elif word == "-m":
            form = next(words, "")
            form = "" if form == "str" else form
        elif word == "--":
            values += words
        elif word.startswith("-") and not values:
            return None
        else:
            values.append(word)
    return TestedValues(form, tuple(values), folded) if form in ("", *_FORMS) and values else None


def _of_host(test: Test) -> TestedValues | None:
    """The Hosts that a test asks for; None for one about something else."""
    fetch, *changes = test[0].replace("field(1,:)", "host_only").split(",")
    form = next((form for form in _FORMS if fetch in (f"hdr_{form}(host)", f"req.hdr_{form}(host)")), "")
    if not form and fetch not in _HOSTS:
        return None
    if not set(changes) <= {"lower", *_CUT}:
        return None
    found = _compared(test, form)
    if found is None:
        return None
    values = found.values if found.form == "reg" else tuple(value.lower() for value in found.values)
    return TestedValues(found.form, values, True, any_port=bool(set(changes) & _CUT) or fetch == "ssl_fc_sni")


def _of_client(test: Test) -> tuple[IPNetwork, ...]:
    """The networks of clients that a test asks for; none for one by file, or about something else."""
    try:
        return tuple(ip_network(word, strict=False) for word in test[1:] if word != "--") if test[0] == "src" else ()
    except ValueError:
        return ()


def _of_path(test: Test) -> TestedValues | None:
    """The paths that a test asks for; None for one about something else."""
    fetch, *changes = test[0].split(",")
    form = next((form for form in _FORMS if fetch == f"path_{form}"), "")
    if (not form and fetch != "path") or not set(changes) <= {"lower"}:
        return None
    found = _compared(test, form)
    return None if found is None else TestedValues(found.form, found.values, found.folded or bool(changes))
