"""Reverse proxies: what one accepts, and whom it passes each request on to; and what an HTTP client is answered.

A `Proxy` is a program's configuration as a table. Its sites are chosen by the door and the request's Host, their routes
by its path. What is not understood is an `Action.UNKNOWN` with its place, never left out.
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.address import IPAddress, IPNetwork
from engine.model.application.web_paths import Folder, Rewrite
from engine.model.ref import Ref
from engine.records import LATE, dataclass, field


class ProxyKind(StrEnum):
    """The programs whose configurations are read."""

    NGINX = "nginx"
    HAPROXY = "haproxy"
    CADDY = "caddy"
    APACHE = "apache"
    TRAEFIK = "traefik"


@dataclass(frozen=True, slots=True)
class ConfigPlace:
    """A line of a file, as the program's own root has it. Line 0: the file as a whole, or no file at all."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server that requests are passed on to. `host` is a name or an address; `tls` says that it is spoken to by TLS.

    `checked` says that a health check takes it out while it does not answer; `spare` that it is asked only where no
    other answers; `off` that it is never asked. `inspected` says that its name is in TLS's certificate, where checked.
    """

    host: str
    port: int
    tls: bool = False
    at: ConfigPlace = ConfigPlace()
    checked: bool = False
    spare: bool = False
    off: bool = False


class ResolvedWhen(StrEnum):
    """When a proxy looks the names of its servers up."""

    START = "start"
    EACH = "each"


class Action(StrEnum):
    """What a route does with a request."""

    #: It is passed on to one of the servers.
    PASS = "pass"
    #: It is answered with a status, or from files.
    ANSWER = "answer"
    REDIRECT = "redirect"
    #: The routes that stand in it are tried, then those behind it.
    INSIDE = "inside"
    #: The client is turned away for who it is.
    REFUSE = "refuse"
    #: Not understood.
    UNKNOWN = "unknown"


#: The words of answers from files.
FILES = "files"
#: The words of an answer that is empty, as behind the last route.
NOTHING = "nothing"


class PathMatch(StrEnum):
    """How a route's pattern is compared with a request's path."""

    PREFIX = "prefix"
    #: A prefix after which regular expressions are not tried (nginx's `^~`).
    FIRM = "firm"
    EXACT = "exact"
    REGEX = "regex"
    #: A name that only the configuration itself leads to (nginx's `@name`).
    NAMED = "named"
    SUFFIX = "suffix"
    #: A text anywhere in the path.
    PART = "part"
    #: A shell's pattern, whose asterisk stands for a part between two slashes.
    GLOB = "glob"
    #: As the route's tests have it: its pattern only says how they are written.
    TESTS = "tests"


@dataclass(frozen=True, slots=True)
class PathTest:
    """Paths that a rule asks for, or those that it does not, where it does not hold."""

    pattern: str = "/"
    match: PathMatch = PathMatch.PREFIX
    folded: bool = False
    holds: bool = True


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Clients of a network (None: all) are let in, or turned away."""

    network: IPNetwork | None
    allows: bool
    at: ConfigPlace = ConfigPlace()


@dataclass(frozen=True, slots=True)
class ClientTest:
    """Clients of some networks, or all others, where it does not hold."""

    networks: tuple[IPNetwork, ...]
    holds: bool = True


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """What happens to requests whose path fits. `status` is that of an answer, `location` a redirect's, `words` the
    configuration's own where it is not understood.

    To its server a proxy sends the client's Host, unless `host` is another one, and the client's path; with `onto` that
    stands in the place of the part that fits the pattern.

    Of nginx and Caddy: `rewrites` come first and change a path, `within` is the number, from 1, of the site's route
    whose block it stands in (0: none).

    Of nginx: `slashed` sends the same path without its slash here, `tries` are try_files' words, whose last is a path,
    a name or a status, `folder` is where its files are, as far as that is known. `access` are rules about clients,
    `login` is where a password is asked for, and `either` says that one of both is enough.

    Of Caddy: `tests` are alternatives, of which one has to hold with all of its tests. Of a `group` (0: none) only the
    first route that fits is taken.
    """

    pattern: str = "/"
    match: PathMatch = PathMatch.PREFIX
    action: Action = Action.UNKNOWN
    upstreams: tuple[Upstream, ...] = ()
    status: int = 200
    location: str = ""
    words: str = ""
    at: ConfigPlace = ConfigPlace()
    when: ResolvedWhen = ResolvedWhen.EACH
    #: Servers that the proxy itself looks names up at, where it does not do as its C library.
    resolvers: tuple[str, ...] = ()
    #: Whether letters' case does not matter to the pattern.
    folded: bool = False
    host: str = ""
    onto: str | None = None
    rewrites: tuple[Rewrite, ...] = ()
    tries: tuple[str, ...] = ()
    within: int = 0
    slashed: bool = False
    folder: Folder | None = None
    tests: tuple[tuple[PathTest, ...], ...] = ()
    group: int = 0
    access: tuple[AccessRule, ...] = ()
    login: ConfigPlace | None = None
    either: bool = False


@dataclass(frozen=True, slots=True)
class ProxyDoor:
    """Where a site accepts: an address (None: all) and a port, by TLS or plain. `first` makes the site the one for
    requests whose Host no site of that door has."""

    address: IPAddress | None
    port: int
    tls: bool = False
    first: bool = False
    at: ConfigPlace = ConfigPlace()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a client sees of a site's certificate: the names that it is for, and until when (seconds since 1970)."""

    names: tuple[str, ...] = ()
    until: int = 0
    at: ConfigPlace = ConfigPlace()

    def is_for(self, host: str) -> bool:
        """Whether one of its names is for a host: an asterisk stands for one label (RFC 9525, 6.3)."""
        return any(_fits(name, host) for name in self.names)


def _fits(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host


def is_covered(host: str, name: str) -> bool:
    """Whether a name that may have asterisks is that of a host: each stands for one label (Caddy's MatchHost)."""
    parts, own = host.split("."), name.lower().split(".")
    return len(parts) == len(own) and all(mine in ("*", part) for part, mine in zip(parts, own, strict=True))


@dataclass(frozen=True, slots=True)
class ProxySite:
    """A virtual host: its doors, its names (none: every Host), and its routes. `rewrites` come before these,
    some by what is in the `folder`. Of HAProxy: it is for clients for which all of the tests `clients` are true."""

    doors: tuple[ProxyDoor, ...]
    names: tuple[str, ...] = ()
    routes: tuple[ProxyRoute, ...] = ()
    at: ConfigPlace = ConfigPlace()
    certificate: Certificate | None = None
    rewrites: tuple[Rewrite, ...] = ()
    folder: Folder | None = None
    clients: tuple[ClientTest, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxyTable:
    """A proxy's configuration: its sites in order. `unread` is why something of it could not be read or understood as a
    whole; "" where all was. `reloads` says that the program can be told to read it again while it runs."""

    sites: tuple[ProxySite, ...] = ()
    unread: str = ""
    reloads: bool = True


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its program, namespace, processes and container, and its configuration, read when it is met.

    `reloaded`: it has read its configuration again, and looked names up, since the flows of the snapshot.
    """

    kind: ProxyKind
    netns: str
    pids: tuple[int, ...]
    table: ProxyTable = field(metadata=LATE)
    container: str = ""
    reloaded: bool = False


#: The words of an answer to a request that comes by a second time.
CIRCLE = "in a circle"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP client is answered: the status (0: the connection ends without one), by which program in which
    namespace, and the place that decided. `upstream` is the server that it was passed on to, at the address that was
    tried.

    `served` says that the client gets what it asked for: neither the proxy's own error, nor its answer to a Host that
    none of its sites has. `reason` is what decided, as a code of the catalogue, "" where all is well.
    """

    url: str
    status: int
    by: str
    netns: str
    at: Ref | None = None
    upstream: Upstream | None = None
    address: IPAddress | None = None
    served: bool = True
    reason: str = ""
    words: str = ""
