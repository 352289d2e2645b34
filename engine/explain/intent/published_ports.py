"""Mistakes about published ports: which of the two ports is asked on which side, and at which of the host's addresses.

What is published is what the engine says, and what rules alone translate to a namespace.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.intent.alternative import Alternative, Trust
from engine.explain.intent.asked import Asked, bound_to, host_addresses, published_ports, translated_ports


def published_port_inside(asked: Asked) -> Iterator[Alternative]:
    """The host's published port, asked of the container itself."""
    if asked.netns is None or asked.at_host:
        return
    for container, published in published_ports(asked):
        inner = published.container_port
        if container.netns == asked.netns.id and published.host_port == asked.port != inner:
            why = f"{asked.port} is {container.name}'s published port on the host, inside the container it is {inner}"
            yield Alternative(asked.question.address, inner, asked.netns.id, container.name, why, Trust.SURE)


def inner_port_outside(asked: Asked) -> Iterator[Alternative]:
    """The container's port, asked of the host that publishes it under another one."""
    if not asked.at_host:
        return
    found = [each for each in published_ports(asked) if each[1].container_port == asked.port != each[1].host_port]
    for container, published in found:
        why = f"{asked.port} is {container.name}'s port inside the container, the host publishes it as "
        address = bound_to(published) or asked.question.address
        where = container.netns or asked.snapshot.host
        trust = Trust.SURE if len(found) == 1 else Trust.POSSIBLE
        yield Alternative(address, published.host_port, where, container.name, f"{why}{published.host_port}", trust)


def published_instead(asked: Asked) -> Iterator[Alternative]:
    """A container's own address, asked from where only its published port leads to it."""
    if asked.netns is None or asked.at_host:
        return
    for container, published in published_ports(asked):
        if container.netns == asked.netns.id and asked.port in (published.container_port, published.host_port):
            end = published.host_port
            why = f"{asked.question.address} is {container.name}'s own address, the host publishes the port as {end}"
            bound = bound_to(published)
            for address in (bound,) if bound is not None else host_addresses(asked):
                yield Alternative(address, end, asked.netns.id, container.name, why, Trust.SURE)
    for netns, _, outer, inner in translated_ports(asked):
        if netns.id == asked.netns.id and asked.port in (inner, outer):
            why = (
                f"{asked.question.address} is {asked.name(netns)}'s own address, the host publishes the port as {outer}"
            )
            for address in host_addresses(asked):
                yield Alternative(address, outer, netns.id, asked.name(netns), why, Trust.SURE)


def only_published(asked: Asked) -> Iterator[Alternative]:
    """The one port that the host publishes, where another one of the host's is asked that nothing serves inside either:
    it changes with each start where the engine chooses it."""
    found = {(one.host_port, each.netns or "", each.name) for each, one in published_ports(asked)}
    inner = {one.container_port for _, one in published_ports(asked)}
    for netns, _, outer, port in translated_ports(asked):
        found.add((outer, netns.id, asked.name(netns)))
        inner.add(port)
    ((port, where, name),) = found if len(found) == 1 else ((0, "", ""),)
    others = (
        each for each in asked.snapshot.namespaces if each.id not in (where, asked.snapshot.host, asked.client.id)
    )
    if port and asked.port not in inner and not any(any(asked.listeners(each)) for each in others):
        why = f"{name} is published as {port}"
        yield Alternative(asked.question.address, port, where, name, why)


def host_behind_another_address(asked: Asked, *, sure: bool) -> Iterator[Alternative]:
    """A published port, asked at an address beside the host's own."""
    named = [(one.host_port, each.netns or "", each.name) for each, one in published_ports(asked)]
    named += [(outer, netns.id, asked.name(netns)) for netns, _, outer, _ in translated_ports(asked)]
    for port, where, name in named:
        for address in host_addresses(asked) if port == asked.port else ():
            why = f"no interface has {asked.question.address}, the host at {address} publishes {name} as {port}"
            yield Alternative(address, port, where, name, why, Trust.LIKELY if sure else Trust.POSSIBLE)
