"""Builds a scenario in throw-away namespaces, and looks at it from its host."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.model.host import Snapshot
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.look import look_within, set_scene
from engine.observe.look.snapshot import compose
from tests.harness.netns import End, Netns, World
from tests.harness.servers import serve
from tests.scenarios.scenario import Bridge, Firewall, Namespace, Scenario

RELAY = Path(__file__).with_name("relay.py")


@dataclass(frozen=True)
class Scene:
    """A scenario that stands. `netns` has its namespaces by their names in the file."""

    scenario: Scenario
    netns: dict[str, Netns]

    def label(self, name: str) -> str:
        """A name with the world's prefix taken off: a namespace as the file calls it."""
        for label, netns in self.netns.items():
            name = name.replace(netns.name, label)
        return name

    def look(self) -> Snapshot:
        """The snapshot from the scenario's host, without the rest of the machine."""
        host = self.netns[self.scenario.host]

        ours = {netns.name for netns in self.netns.values()}

        def inside() -> Snapshot:
            enter(NetnsRef(os.stat(host.path).st_ino, ways=(host.path,)))
            seen = set_scene()
            found = {inode: place for inode, place in seen.found.items() if ours & {*place.names}}
            return compose(look_within(replace(seen, found=found)))

        seen = apart(inside)
        return replace(
            seen,
            namespaces=tuple(netns for netns in seen.namespaces if netns.id in ours),
            containers=(),
            networks=(),
            gaps=tuple(gap for gap in seen.gaps if gap.netns in ours),
        )

    def forget(self) -> None:
        """Flushes what earlier packets left, tracked flows and resolved neighbours; the scenario's own flows stay."""
        for each in self.scenario.namespaces:
            netns = self.netns[each.name]
            netns.run("conntrack", "-F", check=False)
            netns.ip("neigh flush all")
            _track(netns, each)


def build(world: World, scenario: Scenario) -> Scene:
    """Makes everything, in the order that the README of tests/scenarios tells."""
    made = {each.name: world.netns(each.name) for each in scenario.namespaces}
    for one, other in scenario.wires:
        world.veth(End(made[one.netns], one.link), End(made[other.netns], other.link))
        for end in (one, other):
            if end.mac:
                made[end.netns].ip(f"link set {end.link} address {end.mac}")
    for each in scenario.namespaces:
        for bridge in each.bridges:
            _bridge(world, made[each.name], bridge)
    for one, other in scenario.wires:
        for end in (one, other):
            made[end.netns].address(end.link, *end.addresses)
    for each in scenario.namespaces:
        for words in each.links:
            _link(made, each.name, words.split())
    for each in scenario.namespaces:
        _set(made[each.name], each)
    for each in scenario.namespaces:
        _furnish(world, made[each.name], each)
    return Scene(scenario, made)


def _set(netns: Netns, each: Namespace) -> None:
    """What its links are set to, now that all are there."""
    for words in each.settings:
        netns.ip(f"link set {words}")
    for words in each.vlans:
        netns.run("bridge", "vlan", *words.split())


def _bridge(world: World, netns: Netns, bridge: Bridge) -> None:
    """A bridge whose ports have their options, and have learned nothing before they had them."""
    names = [port.split()[0] for port in bridge.ports]
    world.bridge(netns, bridge.name, *bridge.addresses, ports=names)
    for port in bridge.ports:
        name, *options = port.split()
        if options:
            netns.run("bridge", "link", "set", "dev", name, *options)
            netns.run("bridge", "fdb", "flush", "dev", bridge.name, "brport", name, "dynamic")


def _link(made: dict[str, Netns], own: str, words: list[str]) -> None:
    """A further device, up; it may be made for another namespace of the file."""
    target = made[own]
    if "netns" in words:
        at = words.index("netns") + 1
        target = made[words[at]]
        words = [*words[:at], target.name, *words[at + 1 :]]
    made[own].ip(f"link add {' '.join(words)}")
    target.quicken(words[0])
    target.ip(f"link set {words[0]} up")


def _of_family(command: str, words: str) -> str:
    """The words of ip(8) for a command: `-6` goes in front of it."""
    return f"-6 {command} {words.removeprefix('-6 ')}" if words.startswith("-6 ") else f"{command} {words}"


def _load(netns: Netns, rules: Firewall) -> None:
    if rules.backend == "arptables-legacy":  # its restore program speaks to whichever arptables there is
        for line in rules.text.splitlines():
            netns.run(rules.backend, *line.split())
        return
    loaders = {"nft": ("nft", "-f", "-"), "ipset": ("ipset", "restore"), "ebtables-nft": ("ebtables-nft-restore",)}
    waiting = ("-w",) if "legacy" in rules.backend else ()  # for the lock that all namespaces share
    netns.run(*loaders.get(rules.backend, (f"{rules.backend}-restore", *waiting, "--noflush")), stdin=rules.text)


def _track(netns: Netns, each: Namespace) -> None:
    for words in each.flows:
        netns.run("conntrack", "-I", *words.split())


def _furnish(world: World, netns: Netns, each: Namespace) -> None:
    """All that is in a namespace once its links are there.

    Who answers does not repeat itself: a SYN/ACK that is sent again would be counted with the next question.
    """
    netns.sysctl("net.ipv4.tcp_synack_retries", 0)
    for words in each.addresses:
        netns.ip(f"address add {words}")
    for name, value in each.sysctls:
        netns.sysctl(name, value)
    for words in each.nexthops:
        netns.ip(_of_family("nexthop add", words))
    for words in each.routes:
        netns.ip(_of_family("route add", words))
    for words in each.rules:
        netns.ip(_of_family("rule add", words))
    for words in each.fdb:
        netns.run("bridge", "fdb", "append", *words.split())
    for words in each.neighbours:
        netns.ip(f"neigh replace {words}")
    for words in each.ipsec:
        netns.ip(f"xfrm {words}")
    for rules in each.firewall:
        _load(netns, rules)
    _track(netns, each)
    if each.listeners:
        serve(world, netns, each.name, *each.listeners)
    for words in each.relays:
        world.python(netns, RELAY, *words.split(), ready="ready")
    for name in each.down:
        netns.ip(f"link set {name} down")
