"""Site blocks of a Caddyfile as servers: one for each address and port, with a route for each of its blocks.

The block comes first whose names are the most special: those without asterisks, then the longest; those for every name
come last (caddyconfig/httpcaddyfile/httptype.go, serversFromPairings).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.observe.proxies.caddy.directives import ORDER, Adapter
from engine.observe.proxies.caddy.matchers import EVERY
from engine.observe.proxies.caddy.syntax import CaddyLine
from engine.observe.proxies.caddy.tree import SUBROUTE, CaddyHandler, CaddyPorts, CaddyRoute, CaddyServer, Settings
from engine.observe.proxies.ends import split_end
from engine.records import dataclass

_End = tuple[str, int]
#: A `tls` line of one word, and options about where certificates come from, leave TLS to the port and the names.
_POLICIES = frozenset({"protocols", "ciphers", "curves", "alpn", "load", "client_auth", "ca_root", "key_type"})


@dataclass(frozen=True, slots=True)
class CaddyOptions:
    """What the block without a head says of all sites."""

    order: tuple[str, ...] = ORDER
    ports: CaddyPorts = CaddyPorts()
    binds: tuple[str, ...] = ()
    automatic: bool = True
    redirects: bool = True
    reloads: bool = True


@dataclass(frozen=True, slots=True)
class _Key:
    """An address that a block is for: `[SCHEME://][HOST][:PORT][/PATH]`."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class _Site:
    """A block, with those of its keys that one place is for."""

    block: CaddyLine
    keys: tuple[_Key, ...]


def options_of(lines: Sequence[CaddyLine]) -> CaddyOptions:
    """The options of a file."""
    given = [each for line in lines if not line.words for each in line.block or () if each.words]
    words = {each.words[0]: each.words[1:] for each in given}
    usual = CaddyPorts()
    order = list(ORDER)
    for each in given:
        if each.words[0] == "order" and len(each.words) > 2:
            _reorder(order, *each.words[1:])
    automatic = set(words.get("auto_https", ()))
    return CaddyOptions(
        tuple(order),
        CaddyPorts(_number(words.get("http_port"), usual.http), _number(words.get("https_port"), usual.https)),
        words.get("default_bind", ()),
        "off" not in automatic,
        not automatic & {"off", "disable_redirects"},
        words.get("admin") != ("off",),
    )


def _number(words: tuple[str, ...] | None, usual: int) -> int:
    text = "".join(words or ())
    return int(text) if text.isdecimal() and len(text) < len("100000") else usual


def _reorder(order: list[str], name: str, place: str, other: str = "") -> None:
    """`order NAME first|last|before OTHER|after OTHER`."""
    if place in ("before", "after") and (other not in order or other == name):
        return
    if name in order:
        order.remove(name)
    places = {"first": 0, "last": len(order)}
    at = order.index(other) + (place == "after") if other in order else places.get(place, len(order))
    order.insert(at, name)


def servers(blocks: Sequence[CaddyLine], options: CaddyOptions) -> Iterator[CaddyServer]:
    """The servers of site blocks."""
    places: dict[_End, list[_Site]] = {}
    for block in blocks:
        keys = _keys(block, options.ports)
        for bind in _binds(block) or options.binds or ("",):
            for port in dict.fromkeys(key.port for key in keys):
                site = _Site(block, tuple(key for key in keys if key.port == port))
                places.setdefault((bind.rpartition("/")[2], port), []).append(site)
    same: dict[tuple[_Site, ...], list[_End]] = {}
    for end, sites in places.items():
        same.setdefault(tuple(sites), []).append(end)
    adapter = Adapter(options.order)
    for listed, ends in same.items():
        yield _server(listed, tuple(ends), adapter, options)


def _server(sites: tuple[_Site, ...], ends: tuple[_End, ...], adapter: Adapter, options: CaddyOptions) -> CaddyServer:
    keys = [key for site in sites for key in site.keys]
    plain = {key.host for key in keys if key.scheme == "http"}
    named = any(key.host and key.scheme != "http" for key in keys)
    return CaddyServer(
        ends=ends,
        routes=tuple(_route(each, adapter) for each in sorted(sites, key=_rank)),
        at=sites[0].block.at,
        policies=any(key.scheme == "https" for key in keys)
        or any(_has_policy(site) for site in sites)
        or (named and not options.automatic)
        or (named and any(not key.host for key in keys)),
        automatic=options.automatic,
        redirects=options.redirects,
        skipped=tuple(host for host in plain if host),
        ports=options.ports,
    )


def _has_policy(site: _Site) -> bool:
    """Whether a block has words on how to speak TLS: a certificate, or some options."""
    return any(
        len(line.words) > 2 or any(each.words[0] in _POLICIES for each in line.block or () if each.words)
        for line in site.block.block or ()
        if line.words[:1] == ("tls",)
    ) and any(key.scheme != "http" for key in site.keys)


def _binds(block: CaddyLine) -> tuple[str, ...]:
    """The addresses that a block is bound to; a socket in the file system is none."""
    words = [word for line in block.block or () if line.words[:1] == ("bind",) for word in line.words[1:]]
    return tuple(word for word in words if not word.startswith(("unix/", "fd/")))


def _keys(block: CaddyLine, ports: CaddyPorts) -> tuple[_Key, ...]:
    return tuple(_key(part, ports) for word in block.words for part in word.split(",") if part)


def _key(written: str, ports: CaddyPorts) -> _Key:
    before, separator, behind = written.partition("://")
    scheme, rest = (before.lower(), behind) if separator else ("", written)
    end, slash, path = rest.partition("/")
    host, port = split_end(end, ports.http if scheme == "http" else ports.https)
    return _Key(scheme, host.lower(), port, slash + path)


def _rank(site: _Site) -> tuple[bool, bool, int, int]:
    """What sites are sorted by."""
    longest = max(len(key.host.replace(EVERY, "")) for key in site.keys)
    path = max(len(key.path.replace(EVERY, "")) for key in site.keys)
    wild = any(EVERY in key.host or not key.host for key in site.keys)
    return not longest, wild, -longest, -path


def _route(site: _Site, adapter: Adapter) -> CaddyRoute:
    """A block's route: no other block gets what its names and paths let in."""
    block = site.block
    inner = adapter.routes(block.block or (), {})
    step = CaddyHandler(SUBROUTE, {}, block.at, " ".join(block.words), inner)
    every = any(not key.host for key in site.keys)
    sets: list[Settings] = []
    for path in dict.fromkeys(key.path for key in site.keys):
        hosts = {} if every else {"host": [key.host for key in site.keys if key.path == path]}
        sets.append({**hosts, **({"path": [path]} if path else {})})
    return CaddyRoute((step,), block.at, () if {} in sets else tuple(sets), terminal=True)
