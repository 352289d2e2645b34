"""A hypothetical change as a person writes it (`delete rule filter/DOCKER-USER 1`), as changes of a snapshot.

`FORMS` is the grammar: a pattern, an example, and what it means. The titles of fixes are forms as well, so that one can
be pasted. A place in a namespace is the host's unless the sentence ends in `in NETNS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from engine.change.container import SetContainer
from engine.change.link import SetLink
from engine.change.listener import Listen
from engine.change.network import joinable, joining
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
Meaning = Callable[[Snapshot, Words], tuple[Change, ...]]


class SentenceForm(NamedTuple):
    """One form of a sentence."""

    pattern: re.Pattern[str]
    example: str
    meaning: Meaning


def changes_of(snapshot: Snapshot, sentence: str) -> tuple[Change, ...]:
    """The changes that a sentence means. Raises `QuestionError` with one line for what is no form, or is not there."""
    text = " ".join(sentence.split())
    for form in FORMS:
        found = form.pattern.fullmatch(text)
        if found is not None:
            try:
                return form.meaning(snapshot, found)
            except QuestionError as error:
                raise QuestionError(f"--if {sentence!r}: {error}") from None
            except ValueError as error:
                raise QuestionError(f"--if {sentence!r}: {error}; for example {form.example!r}") from None
    examples = "; ".join(form.example for form in FORMS)
    raise QuestionError(f"--if {sentence!r} is no change that is understood; forms: {examples}")


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


def _delete_rule(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    return (DeleteRule(*_rule(_place(snapshot, words), words)),)


def _insert_rule(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
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


def _sysctl(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    netns, name = _place(snapshot, words), words["name"]
    if name not in netns.sysctls:
        raise QuestionError(f"{netns.id} has no sysctl {name} that decides a packet's way")
    return (SetSysctl(netns.id, name, int(words["value"])),)


def _forwarding(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    return (SetSysctl(_place(snapshot, words).id, "net.ipv4.ip_forward", 1),)


def _publish(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
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


def _stop(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    container = find_container(snapshot, words["name"])
    return (SetContainer(container.id, _client(container), ("stop", container.name), "exited"),)


def _connect(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    container = find_container(snapshot, words["name"])
    known = [each for each in snapshot.networks if each.name == words["network"]]
    network = next((each for each in known if joinable(snapshot, container, each)), None)
    if network is None:
        raise QuestionError(f"container {container.name} cannot join a network {words['network']}")
    return (joining(container, network),)


def _client(container: Container) -> tuple[str, ...]:
    return container.command or (container.engine,)


def _link(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    netns, name = _place(snapshot, words), words["link"]
    if name not in netns.links_by_name:
        raise QuestionError(f"{netns.id} has no device {name}")
    return (SetLink(netns.id, name, up=words["state"] == "up"),)


def _listen(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    netns, protocol = _place(snapshot, words), Protocol(words["protocol"] or "tcp")
    address = ip_address(words["address"].strip("[]"))
    bound = None if address.is_unspecified else address
    return (Listen(netns.id, Listener(protocol, family_of(address), bound, _port(words["port"]))),)


def _add_route(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
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


def _delete_route(snapshot: Snapshot, words: Words) -> tuple[Change, ...]:
    netns, wanted = _place(snapshot, words), words["to"]
    routes = [each for each in netns.routes if _word(each) == wanted]
    if not routes:
        raise QuestionError(f"{netns.id} has no route to {wanted}")
    return (DeleteRoute(netns.id, routes[0]),)


def _word(route: Route) -> str:
    return "default" if not route.destination.prefixlen else str(route.destination)


def _forms() -> Iterator[SentenceForm]:
    netns = r"(?: in (?P<netns>\S+))?"
    chain = r"(?:(?P<family>ip6?|inet|bridge|arp|netdev) )?(?P<table>[^\s/]+)/(?P<chain>\S+)"
    numbered = rf"(?:{chain} (?P<handle>handle )?(?P<number>\d+))"
    protocol = r"(?P<protocol>tcp|udp|sctp)"
    end = r"(?P<address>[0-9a-fA-F:.\[\]]+)?:(?P<port>\d{1,5})"
    yield _form(rf"delete rule {numbered}{netns}", "delete rule filter/DOCKER-USER 1", _delete_rule)
    yield _form(
        rf"delete rule (?P<handle>handle )?(?P<number>\d+) of {chain}{netns}",
        "delete rule 1 of filter/DOCKER-USER",
        _delete_rule,
    )
    yield _form(
        rf"(?P<verb>accept|drop) {protocol}(?: from (?P<source>\S+))? to {end} "
        rf"(?:before rule (?P<handle>handle )?(?P<number>\d+) of|in) {chain}{netns}",
        "drop tcp to 172.17.0.2:80 before rule 1 of filter/DOCKER-USER",
        _insert_rule,
    )
    yield _form(
        rf"(?:sysctl|set) (?P<name>net\.[\w./-]+) ?(?:=| to) ?(?P<value>-?\d{{1,10}}){netns}",
        "sysctl net.ipv4.ip_forward=1",
        _sysctl,
    )
    yield _form(r"enable forwarding in (?P<netns>\S+)", "enable forwarding in host", _forwarding)
    yield _form(
        rf"publish (?P<name>\S+) (?P<outer>\d{{1,5}}):(?P<inner>\d{{1,5}})(?:/{protocol})?",
        "publish web 8080:80",
        _publish,
    )
    yield _form(r"stop (?P<name>\S+)", "stop db", _stop)
    yield _form(r"connect (?P<name>\S+) to (?:network )?(?P<network>\S+)", "connect web to network back", _connect)
    yield _form(rf"set (?P<link>\S+){netns} (?P<state>up|down)", "set eth0 in web down", _link)
    yield _form(rf"listen on {end}(?:/{protocol})?{netns}", "listen on 0.0.0.0:80 in web", _listen)
    yield _form(
        rf"add (?:route )?(?P<to>\S+)(?: route)? via (?P<gateway>\S+)(?: dev (?P<link>\S+))?{netns}",
        "add route 10.1.0.0/16 via 10.0.0.1",
        _add_route,
    )
    yield _form(rf"delete route (?P<to>\S+){netns}", "delete route 10.1.0.0/16", _delete_route)


def _form(pattern: str, example: str, meaning: Meaning) -> SentenceForm:
    return SentenceForm(re.compile(pattern), example, meaning)


#: The grammar.
FORMS: tuple[SentenceForm, ...] = tuple(_forms())
