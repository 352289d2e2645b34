"""The look-up of a name by the C library of a place: getaddrinfo(3) as a walk.

1. The sources of nsswitch.conf(5) in their order, with their actions in brackets; musl knows hosts file and servers,
   and no such order.
2. Of servers each name of the search list is asked for. That there is no such name is an answer; one that gives none,
   or cannot tell, leads to the next server, and after the last one glibc begins again (`attempts`). Where none answers
   the search ends (resolv/res_query.c, __res_context_search).
3. IPv6 is asked for only where the client has such an address beside ::1 (getaddrinfo(3), AI_ADDRCONFIG).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.application.naming import HostsLine, Libc, NameConfig, NamedBy, NameLookup, NameStep, NameSymptom
from engine.model.host import Netns, Snapshot
from engine.model.ref import Ref, RefKind
from engine.model.verdict import Source
from engine.path.naming.candidates import candidates
from engine.path.naming.preference import preferred
from engine.path.naming.servers import FINAL, NameAsker, ServerSaid, ask_server
from engine.records import replace

#: Sources that ask the servers of resolv.conf.
_SERVERS = frozenset({"dns", "resolve"})
#: Names that multicast DNS has to itself (RFC 6762, 3).
_MULTICAST = ".local"
_NONE = ServerSaid((), NameSymptom.NO_NAME)


def config_of(snapshot: Snapshot, source: Source) -> NameConfig | None:
    """How the source looks names up: as its container, else its namespace, else the host; None where that is not seen.

    Of containers that share a namespace it is the one that the namespace is called after.
    """
    if source.outside:
        return None
    snapshot = snapshot.around(source.netns)
    own = [each for each in snapshot.name_configs if each.netns == source.netns]
    if source.netns == snapshot.host:
        own = [each for each in own if not each.container]
    named = {each.id for each in snapshot.containers if each.name == source.netns}
    first = [each for each in own if each.container in named]
    shared = [each for each in snapshot.name_configs if each.netns == snapshot.host and not each.container]
    found = next(iter([*first, *own, *shared]), None)
    return replace(found, netns=source.netns) if found is not None else None


def unseen(name: str, source: str, meant: IPAddress | None) -> NameLookup:
    """The look-up of a client whose configuration is not in the snapshot."""
    return NameLookup(name, source, (NameStep(NamedBy.DNS, name, NameSymptom.UNKNOWN),), meant=meant)


def look_up(asking: NameAsker, source: Source, name: str, meant: IPAddress | None = None) -> NameLookup:
    """The look-up of a name from a namespace."""
    said = _by_sources(asking, name.lower())
    client = asking.world.netns(source.netns)
    addresses = preferred(asking.world, client, tuple(each for each in said.addresses if _wanted(client, each)))
    return NameLookup(name, source.netns, said.steps, addresses, meant=meant)


def _wanted(client: Netns, address: IPAddress) -> bool:
    """Whether a client asks for addresses of that kind: of IPv6 only with such an address beside loopback's
    (AI_ADDRCONFIG; glibc, sysdeps/unix/sysv/linux/check_pf.c)."""
    return address.version == 4 or any(own.version == 6 and not own.is_loopback for own in client.addresses_by_value)


def _by_sources(asking: NameAsker, name: str) -> ServerSaid:
    """Each source in turn, as far as its action lets the look-up go on."""
    config = asking.config
    words = ("files", "dns") if config.libc is Libc.MUSL else config.sources
    steps: tuple[NameStep, ...] = ()
    said = _NONE
    for word in words:
        if word.startswith("["):
            if _stops(word, said.symptom):
                break
            continue
        said = _by_source(asking, word, name)
        steps += said.steps
        if said.symptom is NameSymptom.FOUND:
            break
    return ServerSaid(steps, said.symptom, said.addresses)


def _stops(action: str, symptom: NameSymptom) -> bool:
    """Whether an action such as `[NOTFOUND=return]` or `[!UNAVAIL=return]` ends the look-up (nsswitch.conf(5))."""
    status, _, what = action.strip("[]").partition("=")
    if what != "return":
        return False
    word = {
        NameSymptom.NO_NAME: "notfound",
        NameSymptom.NO_ADDRESS: "notfound",
        NameSymptom.REFUSED: "unavail",
        NameSymptom.UNREACHABLE: "unavail",
    }.get(symptom, "tryagain")
    return (word != status[1:]) if status.startswith("!") else word == status


def _by_source(asking: NameAsker, word: str, name: str) -> ServerSaid:
    if word == "files":
        return _by_hosts(asking, name)
    if word in _SERVERS:
        return _by_servers(asking, name)
    if word == "myhostname" and name in ("localhost", asking.config.hostname.lower()):
        own = tuple(
            each.address for each in asking.world.netns(asking.config.netns).addresses if _is_own(each.address, name)
        )
        return (
            ServerSaid((NameStep(NamedBy.LOCAL, name, NameSymptom.FOUND, answer=own),), NameSymptom.FOUND, own)
            if own
            else _NONE
        )
    if word.startswith("mdns") and name.endswith(_MULTICAST):
        return ServerSaid((NameStep(NamedBy.LOCAL, name, NameSymptom.UNKNOWN),), NameSymptom.UNKNOWN)
    return _NONE if not word.startswith("mdns") else ServerSaid((), NameSymptom.UNREACHABLE)


def _is_own(address: IPAddress, name: str) -> bool:
    return address.is_loopback if name == "localhost" else not address.is_loopback


def _by_hosts(asking: NameAsker, name: str) -> ServerSaid:
    config = asking.config
    lines = [line for line in config.hosts if name.rstrip(".") in line.names]
    if not lines:
        return _NONE
    answer = tuple(dict.fromkeys(line.address for line in lines))
    step = NameStep(NamedBy.HOSTS, name, NameSymptom.FOUND, answer=answer, at=_line_ref(config, lines[0]))
    return ServerSaid((step,), NameSymptom.FOUND, answer)


def _line_ref(config: NameConfig, line: HostsLine) -> Ref:
    return file_ref(config.netns, config.hosts_file, line.number, f"{line.address} {' '.join(line.names)}")


def file_ref(netns: str, path: str, line: int = 0, text: str = "") -> Ref:
    """A pointer to a line of a file as it is seen in a namespace; 0: the file as a whole."""
    name = f"{path}:{line}" if line else path
    return Ref(RefKind.FILE, netns, (path, line), name, text or name)


def _by_servers(asking: NameAsker, name: str) -> ServerSaid:
    """Each name of the search list, until one has an address or no server answers."""
    steps: list[NameStep] = []
    said = _NONE
    for candidate in candidates(asking.config, name):
        said = _by_each_server(asking, candidate)
        steps += said.steps
        if said.symptom not in (NameSymptom.NO_NAME, NameSymptom.NO_ADDRESS, NameSymptom.SERVER_FAILURE):
            break
    return ServerSaid(tuple(steps), said.symptom, said.addresses)


def _by_each_server(asking: NameAsker, name: str) -> ServerSaid:
    """The servers one after the other, until one knows; where none does, it is all done again."""
    config = asking.config
    steps: list[NameStep] = []
    said = _NONE
    for server in config.servers:
        said = ask_server(asking, (config.netns, server), name, config.timeout)
        steps += said.steps
        if said.symptom in FINAL:
            return ServerSaid(tuple(steps), said.symptom, said.addresses)
    again = [replace(step, seconds=step.seconds * config.attempts) for step in steps]
    return ServerSaid(tuple(again), said.symptom)
