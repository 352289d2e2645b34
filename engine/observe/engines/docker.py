"""Reads one engine over Docker's API: a list, and an inspection per container for what the list leaves out.

That is the pid, the namespace file, and the ports of stopped ones. An engine that was read before, and tells of its
events, is asked for the containers that these named, and the others are taken to be as they were. One that hangs,
refuses or answers nonsense is a `Gap`.
"""

from __future__ import annotations

import json
from contextlib import suppress

from engine.model.container import Container, Network
from engine.model.host import Gap
from engine.observe.engines import docker_documents, podman_documents
from engine.observe.engines.container_view import LIVING, Before, ContainerView, Sandbox, lost, sandbox_of
from engine.observe.engines.sockets import Engine
from engine.observe.engines.unix_http import TIMEOUT, EngineError, NotFound, UnixHTTP
from engine.records import replace

LIBPOD_NETWORKS = "/v4.0.0/libpod/networks/json"
#: More than these are not asked for by their ids.
_MOST_NAMED = 32
NOTHING = ContainerView()


def read_engine(engine: Engine, timeout: float = TIMEOUT, before: Before | None = None) -> ContainerView:
    """The containers and networks of one engine, in the order of their names. Raises nothing."""
    kept = _kept_of(engine, before) if before is not None else None
    if kept is not None and before is not None and not before[1]:
        return kept
    try:
        with UnixHTTP(engine.socket, timeout) as api:
            if kept is not None and before is not None:
                from urllib.parse import quote  # noqa: PLC0415 - the first read asks for all

                wanted = quote(json.dumps({"id": sorted(before[1])}))
                listed = api.get(f"/containers/json?all=1&filters={wanted}")
                return _view(api, engine, _objects(listed), _networks(api, engine), kept)
            listed = api.get("/containers/json?all=1")
            kind = "podman" if api.server.startswith("Libpod") else "docker"
            engine = replace(engine, kind=kind)
            return _view(api, engine, _objects(listed), _networks(api, engine))
    except EngineError as error:
        return ContainerView(gaps=(Gap(engine.name, "", str(error)),))


def _kept_of(engine: Engine, before: Before) -> ContainerView | None:
    """What is left of an engine's earlier view without the named containers; None where it is to be read as a whole."""
    view, named = before
    troubled = any(each.source == engine.name for each in view.gaps)
    if engine.kind != "docker" or engine.socket not in view.sockets or len(named) > _MOST_NAMED or troubled:
        return None
    left = tuple(each for each in view.containers if each.engine == engine.name and each.id not in named)
    own = [each.id for each in left if not each.network_mode.startswith("container:") or not named]
    return ContainerView(
        containers=left,
        networks=tuple(each for each in view.networks if each.engine == engine.name),
        sandboxes={key: view.sandboxes[key] for key in own if key in view.sandboxes},
        sockets=(engine.socket,),
    )


def _objects(document: object) -> list[object]:
    return [part for part in document if isinstance(part, dict)] if isinstance(document, list) else []


def _networks(api: UnixHTTP, engine: Engine) -> dict[str, Network]:
    """Networks by id. Podman's own API tells their bridges, which its imitation of Docker's leaves out."""
    if engine.kind == "podman":
        with suppress(NotFound):
            own = _objects(api.get(LIBPOD_NETWORKS))
            parsed = (
                (docker_documents.text(each, "id"), podman_documents.parse_network(each, engine.name)) for each in own
            )
            return {key: network for key, network in parsed if network is not None}
    documents = _objects(api.get("/networks"))
    return {docker_documents.text(each, "Id"): docker_documents.parse_network(each, engine.name) for each in documents}


def _view(
    api: UnixHTTP,
    engine: Engine,
    listed: list[object],
    networks: dict[str, Network],
    kept: ContainerView = NOTHING,
) -> ContainerView:
    """What is listed, inspected, and what is kept of an earlier view."""
    names = {key: network.name for key, network in networks.items()}
    inspections, gaps = _inspect(api, engine, [docker_documents.text(summary, "Id") for summary in listed])
    containers: list[Container] = list(kept.containers)
    sandboxes: dict[str, Sandbox] = dict(kept.sandboxes)
    for summary in listed:
        inspected = inspections.get(docker_documents.text(summary, "Id"))
        if inspected is None:
            continue  # removed since it was listed
        container = docker_documents.parse_container(summary, inspected, engine.name, engine.command, names)
        container = podman_documents.own_part(container) if engine.kind == "podman" else container
        sandbox = sandbox_of(engine, docker_documents.sandbox_key(inspected), container.pid) if container.pid else None
        if sandbox:
            sandboxes[container.id] = sandbox
        containers.append(container if engine.same_pids else replace(container, pid=None))
    _share(containers, sandboxes)
    if not gaps:
        gaps = [lost(engine.name, each) for each in containers if each.state in LIVING and each.id not in sandboxes]
    return ContainerView(
        containers=tuple(sorted(containers, key=lambda each: (each.name, each.id))),
        networks=tuple(sorted(networks.values(), key=lambda each: each.name)),
        sandboxes=sandboxes,
        gaps=tuple(gaps),
        sockets=(engine.socket,) if engine.kind == "docker" else (),
    )


def _inspect(api: UnixHTTP, engine: Engine, ids: list[str]) -> tuple[dict[str, object], list[Gap]]:
    """The inspection of each container, None for one that is gone; empty ones, and a gap, after a failure."""
    found: dict[str, object] = {}
    try:
        found.update(zip(ids, api.get_each([f"/containers/{key}/json" for key in ids]), strict=True))
    except EngineError as error:
        return {key: found.get(key, {}) for key in ids}, [Gap(engine.name, "", str(error))]
    return found, []


def _share(containers: list[Container], sandboxes: dict[str, Sandbox]) -> None:
    """Gives containers that live in another container's namespace that one's sandbox."""
    for container in containers:
        kind, _, other = container.network_mode.partition(":")
        if kind == "container" and container.state in LIVING and container.id not in sandboxes:
            owner = next((each.id for each in containers if other in (each.id, each.name)), "")
            if owner in sandboxes:
                sandboxes[container.id] = replace(sandboxes[owner], pid=None)
