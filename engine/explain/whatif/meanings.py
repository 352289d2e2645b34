"""What the sentences of a hypothetical change mean: from their words to changes of a snapshot.

Each takes the named groups of its form's pattern (`sentences`), and raises `QuestionError` for what is not there,
ValueError for what can be nowhere.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from engine.change.chain_policy import SetPolicy
from engine.change.engines.container import SetContainer
from engine.change.engines.network import joinable, joining
from engine.change.link import SetLink
from engine.change.listener import Listen, StopListening
from engine.change.new_rules import Selector, insertion
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule
from engine.change.sysctl import SetSysctl
from engine.explain.blockers.publishing.rules import publishing
from engine.explain.question import QuestionError, find_container
from engine.model.address import family_of
from engine.model.container import Container
from engine.model.firewall import Chain, Rule, Table, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.route import NextHop, Route
from engine.model.traffic import Listener, Process, Relay
from engine.model.where import RulePlace

Words = re.Match[str]


def _place(snapshot: Snapshot, words: Words) -> Netns:
    """The namespace that a sentence ends in, by its name or that of a container in it."""
    name = words.groupdict().get("netns")
    if not name:
        return snapshot.host_netns
    found = snapshot.by_id.get(name) or snapshot.by_id.get(find_container(snapshot, name).netns or "")
    if found is None:
        raise QuestionError(f"{name} has no network namespace")
    return found


def _port(text: str) -> int:
    if not 1 <= int(text) <= 65535:
        raise ValueError(f"port {text} is not between 1 and 65535")
    return int(text)


def _chain(netns: Netns, words: Words) -> tuple[Table, Chain]:
    wanted, name = words["table"], words["chain"]
    tables = [table for table in netns.firewall.tables if table.name == wanted and table.chain(name) is not None]
    if words["family"]:
        tables = [table for table in tables if table.family == words["family"]]
    if words["backend"]:
        tables = [table for table in tables if table.backend == words["backend"]]
    tables.sort(key=lambda table: table.family not in ("ip", "inet"))
    chain = tables[0].chain(name) if tables else None
    if chain is None:
        raise QuestionError(f"{netns.id} has no chain {wanted}/{name}")
    return tables[0], chain


def _rule(netns: Netns, words: Words) -> tuple[RulePlace, Rule]:
    table, chain = _chain(netns, words)
    number = int(words["number"])
    rules = [rule for rule in chain.rules if (rule.handle if words["handle"] else rule.index + 1) == number]
    if not rules:
        what = f"rule with handle {number}" if words["handle"] else f"rule {number}; it has {len(chain.rules)}"
        raise QuestionError(f"{table.name}/{chain.name} has no {what}")
    return RulePlace(netns.id, table.backend, table.family, table.name, chain.name, rules[0].index), rules[0]


def delete_rule(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A rule less."""
    return (DeleteRule(*_rule(_place(snapshot, words), words)),)


def insert_rule(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A rule that accepts or drops, before another one or at the end."""
    netns, protocol = _place(snapshot, words), Protocol(words["protocol"])
    if words["number"]:
        place = _rule(netns, words)[0]
    else:
        table, chain = _chain(netns, words)
        place = RulePlace(netns.id, table.backend, table.family, table.name, chain.name, len(chain.rules))
    source = ip_network(words["source"]) if words["source"] else None
    address = ip_address(words["address"].strip("[]")) if words["address"] else None
    selector = Selector(protocol, source, address, dport=_port(words["port"]))
    kind = VerdictKind.ACCEPT if words["verb"] == "accept" else VerdictKind.DROP
    return (insertion(place, selector, kind),)


def set_policy(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """Another policy of a base chain."""
    netns = _place(snapshot, words)
    table, chain = _chain(netns, words)
    if chain.base is None:
        raise QuestionError(f"{table.name}/{chain.name} is no base chain: it has no policy")
    place = RulePlace(netns.id, table.backend, table.family, table.name, chain.name, 0)
    return (SetPolicy(place, VerdictKind(words["policy"])),)


def set_sysctl(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """Another value of a sysctl."""
    netns, name = _place(snapshot, words), words["name"]
    if name not in netns.sysctls:
        raise QuestionError(f"{netns.id} has no sysctl {name} that decides a packet's way")
    return (SetSysctl(netns.id, name, int(words["value"])),)


def enable_forwarding(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """Forwarding of IPv4, for all devices."""
    return (SetSysctl(_place(snapshot, words).id, "net.ipv4.ip_forward", 1),)


def publish(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """The engine's rules, and its proxy on the host's port."""
    container = find_container(snapshot, words["name"])
    inside = snapshot.by_id.get(container.netns or "")
    if inside is None or inside.id == snapshot.host:
        raise QuestionError(f"container {container.name} has no network of its own to publish from")
    outer, inner, protocol = _port(words["outer"]), _port(words["inner"]), Protocol(words["protocol"] or "tcp")
    rules = tuple(publishing(snapshot, container, outer, inner, protocol))
    own = next((each.address for each in inside.addresses if each.scope == "global"), None)
    if own is None:
        raise QuestionError(f"container {container.name} has no address")
    relay = Process(0, "docker-proxy", relay=Relay("docker-proxy", own, inner))
    held = Listener(protocol, family_of(own), None, outer, process=relay)
    return (*rules, Listen(snapshot.host, held))


def stop_container(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A container that is stopped."""
    container = find_container(snapshot, words["name"])
    return (SetContainer(container.id, _client(container), ("stop", container.name), "exited"),)


def connect_container(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A container in one more network of its engine."""
    container = find_container(snapshot, words["name"])
    known = [each for each in snapshot.networks if each.name == words["network"]]
    network = next((each for each in known if joinable(snapshot, container, each)), None)
    if network is None:
        raise QuestionError(f"container {container.name} cannot join a network {words['network']}")
    return (joining(container, network),)


def _client(container: Container) -> tuple[str, ...]:
    return container.command or (container.engine,)


def set_link(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A device that is up, or down."""
    netns, name = _place(snapshot, words), words["link"]
    if name not in netns.links_by_name:
        raise QuestionError(f"{netns.id} has no device {name}")
    return (SetLink(netns.id, name, up=words["state"] == "up"),)


def listen(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A program that listens."""
    netns, protocol = _place(snapshot, words), Protocol(words["protocol"] or "tcp")
    address = ip_address(words["address"].strip("[]"))
    bound = None if address.is_unspecified else address
    return (Listen(netns.id, Listener(protocol, family_of(address), bound, _port(words["port"]))),)


def stop_listening(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A program that listens no more. The wildcard of IPv4 also names the socket of both IP versions."""
    netns, address = _place(snapshot, words), ip_address(words["address"].strip("[]"))
    port, protocol = _port(words["port"]), Protocol(words["protocol"] or "tcp")
    here = [each for each in netns.listeners if (each.port, each.protocol) == (port, protocol)]
    bound = None if address.is_unspecified else address
    named = [each for each in here if each.address == bound]
    found = [each for each in named if bound is not None or each.family is family_of(address)] or named
    if not found:
        raise QuestionError(f"nothing listens on {words['address']}:{port}/{protocol} in {netns.id}")
    return (StopListening(netns.id, found[0]),)


def add_route(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A route more."""
    netns, gateway = _place(snapshot, words), ip_address(words["gateway"])
    whole = "0.0.0.0/0" if gateway.version == 4 else "::/0"
    network = ip_network(whole if words["to"] == "default" else words["to"])
    link = next((each.link for each in netns.addresses if each.covers(gateway)), None)
    if words["link"]:
        found = netns.links_by_name.get(words["link"])
        link = found.index if found is not None else None
    if link is None:
        raise QuestionError(f"{netns.id} has no device that reaches {gateway}")
    text = f"{words['to']} via {gateway} dev {netns.links_by_index[link].name}"
    return (AddRoute(netns.id, Route(network, nexthops=(NextHop(link, gateway),), text=text)),)


def delete_route(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    """A route less, the first to the destination."""
    netns, wanted = _place(snapshot, words), words["to"]
    routes = [each for each in netns.routes if wanted in (_word(each), str(each.destination))]
    if not routes:
        raise QuestionError(f"{netns.id} has no route to {wanted}")
    return (DeleteRoute(netns.id, routes[0]),)


def _word(route: Route) -> str:
    return "default" if not route.destination.prefixlen else str(route.destination)
