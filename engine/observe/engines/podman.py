"""What Podman keeps on disk, found by the monitors of its containers: no API socket is needed, and nothing is started.

1. Podman has no daemon. Each running container has a conmon, whose command line says with which `podman` and options
   it cleans up: they name the store that the container is in, and the client that reaches it. The usual store is looked
   at as well, since a host whose containers are all stopped has no conmon.
2. A store's database is SQLite and is opened for reading only. SQL picks the fields that are needed, so that
   environments and commands never get out of it. Older Podmans keep BoltDB, which is a `Gap` with what to do.
3. Networks are JSON files, which netavark reads as well.
4. A client of Podman acts on the network namespace it is started in, so that its home (`Store.netns`) belongs to the
   command.

Sources: libpod/sqlite_state.go, libpod/oci_conmon_common.go (getOCIRuntimeArgs, createOCIContainer), podman(1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.model.container import Network
from engine.model.host import Gap
from engine.observe.base.errors import gap
from engine.observe.engines.podman_documents import Record, options_of, parse_document, parse_network, parse_record
from engine.observe.proc.processes import ProcessTable, Running
from engine.records import dataclass, replace

#: Options of podman(1) that choose a store, with what they are for root when they are left out.
OPTIONS: dict[str, str] = {
    "--root": "/var/lib/containers/storage",
    "--runroot": "/run/containers/storage",
    "--tmpdir": "/run/libpod",
    "--network-config-dir": "/etc/containers/networks",
    "--runtime": "",
    "--storage-driver": "",
    "--cgroup-manager": "",
}
#: Of these, those that must be told to a client that would choose another store without.
_CHOOSING = ("--root", "--runroot", "--tmpdir")
_DATABASE, _BOLT = "db.sql", "libpod/bolt_state.db"
#: Seconds to wait for a client that writes: it syncs the disk before it lets the database go.
_PATIENCE = 2.0

_QUERY = """
SELECT c.ID, c.Name,
  json_object('newPortMappings', json_extract(c.config, '$.newPortMappings'),
    'newNetworks', json_extract(c.config, '$.newNetworks'), 'netNsCtr', json_extract(c.config, '$.netNsCtr'),
    'createNetNS', json(CASE json_extract(c.config, '$.createNetNS') WHEN 1 THEN 'true' ELSE 'false' END),
    'namespaces', json_extract(c.config, '$.spec.linux.namespaces'), 'labels', json_extract(c.config, '$.labels'),
    'rootfsImageName', json_extract(c.config, '$.rootfsImageName'), 'mounts', json_extract(c.config, '$.spec.mounts'),
    'env', json((SELECT json_group_array(e.value) FROM json_each(c.config, '$.spec.process.env') AS e
      WHERE lower(substr(e.value, 1, instr(e.value, '=') - 1))
        IN ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'))),
    'pod', (SELECT p.Name FROM PodConfig AS p WHERE p.ID = json_extract(c.config, '$.pod'))),
  json_object('state', json_extract(s.state, '$.state'), 'pid', json_extract(s.state, '$.pid'),
    'netns', json_extract(s.state, '$.netns'), 'networkStatus', json_extract(s.state, '$.networkStatus'))
FROM (SELECT ID, Name, CAST(JSON AS TEXT) AS config FROM ContainerConfig) AS c
JOIN (SELECT ID, CAST(JSON AS TEXT) AS state FROM ContainerState) AS s ON s.ID = c.ID
ORDER BY c.Name
"""


@dataclass(frozen=True, slots=True)
class Store:
    """Where a Podman keeps its containers: `root` and `networks` are folders, `command` the client that reaches it.

    `netns` is the inode of the namespace that the client acts on; `first` says that no other store is before it there.
    """

    root: str
    networks: str
    command: tuple[str, ...]
    netns: int
    first: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store says. `networks` are of the engine that the caller named."""

    records: tuple[Record, ...] = ()
    networks: tuple[Network, ...] = ()
    gaps: tuple[Gap, ...] = ()


def find_stores(table: ProcessTable, root_netns: int | None) -> tuple[Store, ...]:
    """The stores of running containers, and the usual one (of PID 1's namespace, `root_netns`). Raises nothing."""
    found: dict[str, Store] = {}
    for monitor in table.named("conmon"):
        store = _store_of(monitor)
        if store is not None:
            found.setdefault(store.root, store)
    usual = OPTIONS["--root"]
    if root_netns is not None and usual not in found and os.path.exists(f"{usual}/{_DATABASE}"):
        found[usual] = Store(usual, OPTIONS["--network-config-dir"], ("podman",), root_netns)
    stores = [found[root] for root in sorted(found, key=lambda root: (root != usual, root))]
    return tuple(replace(s, first=all(o.netns != s.netns for o in stores[:at])) for at, s in enumerate(stores))


def _store_of(monitor: Running) -> Store | None:
    try:
        with open(f"/proc/{monitor.pid}/cmdline", "rb") as stream:
            words = [os.fsdecode(word) for word in stream.read().split(b"\0")]
    except OSError:
        return None
    return parse_monitor(words, monitor.netns)


def parse_monitor(words: list[str], netns: int) -> Store | None:
    """The store that a conmon's command line tells of, None for a conmon of another engine."""
    told = list(_values(words, "--exit-command-arg"))
    if [os.path.basename(word) for word in _values(words, "--exit-command")] != ["podman"] or "container" not in told:
        return None
    chosen = {**OPTIONS, **options_of(told[: told.index("container")], OPTIONS)}
    networks = chosen["--network-config-dir"] or OPTIONS["--network-config-dir"]
    command: tuple[str, ...] = ("podman",)
    if any(chosen[name] != OPTIONS[name] for name in _CHOOSING):
        command += tuple(word for name, value in chosen.items() if value for word in (name, value))
    return Store(chosen["--root"], networks, command, netns)


def _values(words: list[str], option: str) -> Iterator[str]:
    return (words[at + 1] for at, word in enumerate(words[:-1]) if word == option)


def read_store(store: Store, engine: str) -> Kept:
    """The containers and networks of a store; `engine` is the name for them. Raises nothing."""
    import sqlite3  # noqa: PLC0415 - few hosts have a store, and it takes milliseconds to load

    path = database(store)
    networks = tuple(_networks(store, engine))
    if not os.path.exists(path) and os.path.exists(f"{store.root}/{_BOLT}"):
        reason = "keeps its containers in BoltDB; its API shows them: systemctl start podman.socket"
        return Kept(networks=networks, gaps=(Gap(engine, "", reason),))
    try:
        kept = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=_PATIENCE)
        try:
            rows = kept.execute(_QUERY).fetchall()
        finally:
            kept.close()
    except sqlite3.Error as error:
        return Kept(networks=networks, gaps=_unread(engine, path, error))
    return Kept(tuple(parse_record(*row) for row in rows), networks)


def _unread(engine: str, path: str, error: Exception) -> tuple[Gap, ...]:
    """Why there is nothing of a store; SQLite tells of a file no more than that it cannot be opened."""
    try:
        with open(path, "rb"):
            return (Gap(engine, "", f"{path} cannot be read: {error}"),)
    except FileNotFoundError:
        return ()
    except OSError as cause:
        return (gap(engine, "", cause),)


def database(store: Store) -> str:
    """The file in which Podman writes down what it does."""
    return f"{store.root}/{_DATABASE}"


def _quoted(path: str) -> str:
    """A path for a URI, where these characters would end it."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _networks(store: Store, engine: str) -> Iterator[Network]:
    try:
        names = sorted(name for name in os.listdir(store.networks) if name.endswith(".json"))
    except OSError:
        return
    for name in names:
        try:
            with open(f"{store.networks}/{name}", encoding="utf-8", errors="replace") as stream:
                found = parse_network(parse_document(stream.read(1 << 20)), engine)
        except OSError:
            continue
        if found is not None:
            yield found
