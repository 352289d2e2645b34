"""The forms by which labs are made and changed: their fields, and the edits that their values mean. Pure.

A list in a field is separated by spaces or commas.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.lab import edits
from engine.lab.blueprint import Blueprint
from engine.lab.layouts import WRITERS
from engine.lab.save import port_text
from workbench.labs.form_dialog import Field

Values = Mapping[str, str]

#: A lab from nothing: network, container, published port, client.
NEW_LAB = (
    Field("lab", "lab", "shop"),
    Field("layout", "rules as of", "docker-26", words=tuple(WRITERS), closed=True),
    Field("network", "network", "front"),
    Field("subnet", "its subnet", example="the next free one"),
    Field("container", "container", "web"),
    Field("listens", "listens on", "80", "80 53/udp"),
    Field("ports", "publishes", "8080:80", "HOST:CONTAINER, 127.0.0.1:8080:80, 53:53/udp"),
    Field("client", "client outside", "lan"),
)


def new_lab(values: Values) -> str:
    """The file of the lab that the form describes."""
    name, layout = values["lab"] or "lab", values["layout"] or "docker-26"
    return edits.edited(
        edits.new(name, layout, values["client"] or "lan"),
        edits.add_network(values["network"] or "front", values["subnet"]),
        *container({**values, "name": values["container"], "networks": values["network"] or "front"}),
    )


def container_fields(lab: Blueprint) -> tuple[Field, ...]:
    """One more container."""
    networks = tuple(bridge.name for bridge in lab.bridges if not bridge.own)
    return (
        Field("name", "container", free_name("app", [node.name for node in lab.nodes])),
        Field("networks", "in networks", networks[0] if networks else "", words=networks),
        Field("listens", "listens on", "80", "80 53/udp"),
        Field("ports", "publishes", "", "HOST:CONTAINER, or nothing"),
    )


def container(values: Values) -> tuple[edits.Edit, ...]:
    """The edit of that form."""
    found = (listed(values[name]) for name in ("networks", "listens", "ports"))
    return (edits.add_service(values["name"], *found),)


def network_fields(lab: Blueprint) -> tuple[Field, ...]:
    """One more network."""
    return (
        Field("name", "network", free_name("net", [bridge.name for bridge in lab.bridges])),
        Field("subnet", "subnet", example="the next free one"),
        Field("internal", "internal", "no", words=("no", "yes"), closed=True),
    )


def network(values: Values) -> tuple[edits.Edit, ...]:
    """The edit of that form."""
    internal = values["internal"].lower() in ("y", "yes")
    return (edits.add_network(values["name"], values["subnet"], internal=internal),)


def publish_fields(lab: Blueprint, selected: str = "") -> tuple[Field, ...]:
    """One more published port."""
    names = tuple(node.name for node in lab.nodes)
    taken = {port.host_port for port in lab.published}
    inside = next((one.port for node in lab.nodes if node.name == selected for one in node.listens), 80)
    free = next(port for port in range(8080, 65536) if port not in taken)
    return (
        Field("container", "container", selected or (names[0] if names else ""), words=names, closed=True),
        Field("port", "port", f"{free}:{inside}", "HOST:CONTAINER, 127.0.0.1:8080:80, 53:53/udp"),
    )


def publish(values: Values) -> tuple[edits.Edit, ...]:
    """The edit of that form."""
    return (edits.publish(values["container"], values["port"]),)


def client_fields(lab: Blueprint) -> tuple[Field, ...]:
    """One more client outside."""
    return (Field("name", "client", free_name("client", [node.name for node in lab.outside])),)


def client(values: Values) -> tuple[edits.Edit, ...]:
    """The edit of that form."""
    return (edits.add_client(values["name"]),)


def removals(lab: Blueprint) -> list[tuple[str, edits.Edit]]:
    """What can be taken out of a lab: in words, and the edit that does."""
    found = [(f"container {node.name}", edits.remove_service(node.name)) for node in lab.nodes]
    found += [(f"network {one.name}", edits.remove_network(one.name)) for one in lab.bridges if not one.own]
    for port in lab.published:
        words = port_text(port)
        found.append((f"published port {words} of {port.service}", edits.withdraw(port.service, words)))
    return found


def listed(words: str) -> list[str]:
    """The words of a field."""
    return words.replace(",", " ").split()


def free_name(stem: str, taken: list[str]) -> str:
    """`app`, or `app2` where there is one."""
    return next(name for name in (stem, *(f"{stem}{number}" for number in range(2, 999))) if name not in taken)
