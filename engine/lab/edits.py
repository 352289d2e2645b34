"""Changes of a lab as a person thinks of them: one more container, one network less, a port published. Pure.

An edit is made in the file that `save` writes of the lab, in which every address is chosen: so what is there stays as
it is, and what is new gets what is free. The result is a file's text again, for `lifecycle.draft`, which says what is
wrong with it. `new` is the smallest lab there is, to be added to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.lab.blueprint import Blueprint
from engine.lab.errors import LabError
from engine.lab.save import Document, save, written

Edit = Callable[[Document], None]


def new(name: str, layout: str = "docker-26", client: str = "lan") -> str:
    """The text of a lab without networks and services, with a client outside."""
    return written({"name": name, "services": {}, "networks": {}, "x-lab": {"layout": layout, "outside": {client: {}}}})


def edited(text: str, *edits: Edit) -> str:
    """A file's text after some edits. Raises LabError where one cannot be made."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only editing needs it

    document: Document = YAML(typ="safe").load(text)
    for edit in edits:
        edit(document)
    return written(document)


def pinned(lab: Blueprint, *edits: Edit) -> str:
    """The text of a lab that stands, after some edits; nothing that was chosen for it moves."""
    return edited(save(lab), *edits)


def add_network(name: str, subnet: str = "", *, internal: bool = False) -> Edit:
    """A network; without a subnet the next free one."""

    def edit(document: Document) -> None:
        network: Document = {"internal": True} if internal else {}
        if subnet:
            network["ipam"] = {"config": [{"subnet": subnet}]}
        _fresh(document, "networks", name)[name] = network

    return edit


def add_service(
    name: str, networks: Iterable[str] = (), listens: Iterable[str] = (), ports: Iterable[str] = ()
) -> Edit:
    """A container in some networks (none: the default one) that listens on ports and publishes `HOST:CONTAINER`."""

    def edit(document: Document) -> None:
        wanted = list(networks)
        for network in wanted:
            _known(document, "networks", network)
        service = {"networks": wanted, "expose": list(listens), "ports": list(ports)}
        _fresh(document, "services", name)[name] = {key: value for key, value in service.items() if value}

    return edit


def publish(service: str, port: str) -> Edit:
    """One more published port of a container, as Compose writes it: `8080:80`, `127.0.0.1:5353:53/udp`."""

    def edit(document: Document) -> None:
        _known(document, "services", service).setdefault("ports", []).append(port)

    return edit


def withdraw(service: str, port: str) -> Edit:
    """One published port less; the container goes on listening there."""

    def edit(document: Document) -> None:
        there = _known(document, "services", service)
        if port not in (ports := [str(each) for each in there.get("ports", [])]):
            raise LabError(f"{service} does not publish {port}; it publishes: {', '.join(ports) or 'nothing'}")
        there["ports"] = [each for each in ports if each != port]
        inside = port.rpartition(":")[2]
        if inside not in (heard := [str(each) for each in there.get("expose", [])]):
            there["expose"] = [*heard, inside]

    return edit


def remove_service(name: str) -> Edit:
    """One container less, with what the file says about it."""

    def edit(document: Document) -> None:
        _known(document, "services", name)
        sharing = f"service:{name}"
        users = [other for other, one in document["services"].items() if (one or {}).get("network_mode") == sharing]
        if users:
            raise LabError(f"{', '.join(users)} uses the namespace of {name}; remove it first")
        if len(document["services"]) == 1:
            raise LabError(f"{name} is the lab's only container; take the lab down instead")
        del document["services"][name]
        _forget(document, name)

    return edit


def remove_network(name: str) -> Edit:
    """One network less. Raises LabError while a container is in it."""

    def edit(document: Document) -> None:
        _known(document, "networks", name)
        services = {one: (service or {}).get("networks") or () for one, service in document["services"].items()}
        users = [one for one, networks in services.items() if name in networks]
        if users:
            raise LabError(f"{', '.join(users)} is in network {name}; remove it first")
        del document["networks"][name]

    return edit


def add_client(name: str) -> Edit:
    """One more node outside of the host."""

    def edit(document: Document) -> None:
        extension = document.setdefault("x-lab", {})
        outside = extension.setdefault("outside", {})
        if name in outside or name in document["services"]:
            raise LabError(f"there is a {name} already; choose another name")
        outside[name] = {}

    return edit


def _known(document: Document, kind: str, name: str) -> Document:
    """A service or network of the file."""
    there = document.get(kind) or {}
    if name not in there:
        raise LabError(f"the lab has no {kind.removesuffix('s')} {name}; it has: {', '.join(there) or 'none'}")
    there[name] = there[name] or {}
    found: Document = there[name]
    return found


def _fresh(document: Document, kind: str, name: str) -> Document:
    """The services or networks of the file, to add one to."""
    there: Document = document.setdefault(kind, {}) or {}
    document[kind] = there
    if not name:
        raise LabError(f"a {kind.removesuffix('s')} needs a name")
    if name in there:
        raise LabError(f"there is a {kind.removesuffix('s')} {name} already; choose another name")
    return there


def _forget(document: Document, node: str) -> None:
    """Takes out of the lab's own words what speaks of a node that is gone."""
    extension = document.get("x-lab") or {}
    for key, field in (("rules", "in"), ("routes", "in"), ("impairments", "node")):
        if key in extension:
            extension[key] = [one for one in extension[key] if one[field] != node]
    for key in ("listens", "commands", "sysctls"):
        (extension.get(key) or {}).pop(node, None)
    if "checks" in extension:
        kept = (one for one in extension["checks"] if one["from"] != node)
        extension["checks"] = [one for one in kept if not str(one["to"]).startswith(f"{node}:")]
