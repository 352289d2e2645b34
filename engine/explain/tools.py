"""Changes in the words of the tools that keep them: ufw, firewall-cmd, sysctl.d, nmcli.

Each function gives the commands, or () where the tool does not manage the thing, or can't say it. Sources: ufw(8),
firewall-cmd(1), firewalld.richlanguage(5), sysctl.d(5), nmcli(1), nm-settings-nmcli(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from engine.model.address import IPNetwork
from engine.model.command import Argvs
from engine.model.firewall import Interval, Match, Name, Reject, Rule, Verdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.plan import (
    AddAddress,
    AddPolicyRule,
    AddRoute,
    DeleteAddress,
    DeletePolicyRule,
    DeleteRoute,
    DeleteRule,
    InsertRule,
    RulePlace,
    SetSysctl,
)
from engine.model.where import seen

_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}
#: Conditions that the tools add by themselves, or that say the protocol once more.
_IMPLIED = frozenset({"fib daddr type", "ct state", "ct direction"})
#: Physical devices that NetworkManager gives their connected routes a metric for (nm-device.c, default_route_metric).
_KERNEL_METRIC = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule asks, as far as every tool can say it."""

    protocol: str = ""
    source: str = ""
    destination: str = ""
    port: str = ""
    iif: str = ""
    oif: str = ""


def said(rule: Rule) -> Said | None:
    """The rule's conditions; None for one that asks something else, or in another way."""
    found: dict[str, str] = {}
    for match in (each for each in rule.statements if isinstance(each, Match)):
        name = match.fields[0].name if len(match.fields) == 1 else ""
        if name in _IMPLIED:
            continue
        what = _PARTS.get(name) or (_PARTS["port"] if name.endswith(" dport") else None)
        if what is None or match.negate or match.lookup is not None or len(match.elements) != 1:
            return None
        value = _value(what, match, name)
        if value is None:
            return None
        found[what] = value
    return Said(**found)


_PARTS: Mapping[str, str] = {
    "meta l4proto": "protocol",
    "ip protocol": "protocol",
    "ip saddr": "source",
    "ip6 saddr": "source",
    "ip daddr": "destination",
    "ip6 daddr": "destination",
    "meta iifname": "iif",
    "meta oifname": "oif",
    "port": "port",
}


def _value(what: str, match: Match, name: str) -> str | None:
    (atom,) = match.elements[0]
    if isinstance(atom, Name):
        return atom.pattern if what in ("iif", "oif") and not atom.pattern.endswith("*") else None
    if what == "protocol":
        return _PROTOCOLS.get(atom.low) if atom.low == atom.high else None
    if what == "port":
        return str(atom.low) if atom.low == atom.high else f"{atom.low}:{atom.high}"
    network = _network(atom, 6 if name.startswith("ip6") else 4)
    if network is None:
        return None
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _network(atom: Interval, version: int) -> IPNetwork | None:
    width = atom.high - atom.low
    bits = width.bit_length()
    if width != (1 << bits) - 1 or atom.low & width:
        return None
    address = ip_address(atom.low.to_bytes(4 if version == 4 else 16, "big"))
    return ip_network((address, address.max_prefixlen - bits))


def ufw(snapshot: Snapshot, change: InsertRule | DeleteRule) -> Argvs:
    """`ufw [route] prepend allow …` for an exception, `ufw [route] delete deny …` for one of its rules."""
    place, rule = change.place, change.rule
    hook = _ufw_hook(snapshot, place)
    words = said(rule) if hook else None
    if words is None or not words.protocol or place.netns != snapshot.host:
        return ()
    route = ("route",) if hook == "forward" else ()
    if isinstance(change, DeleteRule):
        verb = _verb(rule)
        if not place.chain.startswith("ufw-user") or not verb:
            return ()
        return ((*_host(snapshot), "ufw", "--force", *route, "delete", verb, *_ufw_words(words)),)
    return ((*_host(snapshot), "ufw", *route, "prepend", "allow", *_ufw_words(words)),)


def _ufw_hook(snapshot: Snapshot, place: RulePlace) -> str:
    """The hook at which ufw's chain for the user's rules decides before a place does; empty where it does not."""
    table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
    prefix = "ufw6" if place.family == "ip6" else "ufw"
    for hook in ("input", "forward"):
        if table is None or table.chain(f"{prefix}-user-{hook}") is None:
            continue
        if place.chain == f"{prefix}-user-{hook}":
            return hook
        base = table.chain(place.chain) if place.chain == hook.upper() else None
        before = base.rules[: place.index] if base is not None else ()
        if any(getattr(s, "chain", None) == f"{prefix}-before-{hook}" for rule in before for s in rule.statements):
            return hook
    return ""


def _verb(rule: Rule) -> str:
    last = rule.statements[-1] if rule.statements else None
    if isinstance(last, Reject):
        return "reject"
    return "deny" if isinstance(last, Verdict) and last.kind is VerdictKind.DROP else ""


def _ufw_words(words: Said) -> tuple[str, ...]:
    devices = (*(("in", "on", words.iif) if words.iif else ()), *(("out", "on", words.oif) if words.oif else ()))
    port = ("port", words.port) if words.port else ()
    ends = ("from", words.source or "any", "to", words.destination or "any", *port)
    return (*devices, "proto", words.protocol, *ends)


def firewalld(snapshot: Snapshot, change: InsertRule | DeleteRule) -> Argvs:
    """A port of the zone whose chain the rule stands in, now and for good."""
    place, words = change.place, said(change.rule)
    zone = _zone(place)
    if zone is None or isinstance(change, DeleteRule) or words is None or not (words.protocol and words.port):
        return ()
    family = "ipv6" if place.family == "ip6" else "ipv4"
    port = words.port.replace(":", "-")
    what = f"--add-port={port}/{words.protocol}"
    if words.source:
        rule = f'rule family="{family}" source address="{words.source}" port port="{port}" '
        what = f'--add-rich-rule={rule}protocol="{words.protocol}" accept'
    client = (*_host(snapshot), "firewall-cmd")
    return ((*client, f"--zone={zone}", what), (*client, "--permanent", f"--zone={zone}", what))


def _zone(place: RulePlace) -> str | None:
    """The zone of a chain of firewalld's that incoming packets pass: filter_IN_public, IN_public_allow."""
    name = place.chain.removeprefix("filter_")
    if not name.startswith("IN_") or place.table not in ("firewalld", "filter"):
        return None
    zone = name.removeprefix("IN_")
    for suffix in ("_pre", "_log", "_deny", "_allow", "_post"):
        zone = zone.removesuffix(suffix)
    return zone


def sysctl_file(snapshot: Snapshot, change: SetSysctl) -> Argvs:
    """A file of its own below /etc/sysctl.d, which is read at boot; the device's dots are slashes there."""
    if snapshot.host_netns.path is not None and 1 not in snapshot.host_netns.pids:
        return ()
    name = change.name
    parts = name.split(".")
    if len(parts) > 5:
        name = "/".join([*parts[:3], ".".join(parts[3:-1]), parts[-1]])
    line = f"{name} = {change.value}"
    return (("sh", "-c", f"echo '{line}' > '/etc/sysctl.d/90-{change.name}.conf'"),)


Routing = AddRoute | DeleteRoute | AddPolicyRule | DeletePolicyRule | AddAddress | DeleteAddress


def network_manager(snapshot: Snapshot, change: Routing) -> Argvs:
    """The connection of the device that NetworkManager manages gets the route or the address."""
    host = snapshot.host_netns
    if isinstance(change, AddRoute) and len(change.route.nexthops) == 1:
        hop = change.route.nexthops[0]
        link = host.links_by_index.get(hop.link or 0)
        gateway = f" {hop.gateway}" if hop.gateway is not None else ""
        version = change.route.destination.version
        setting, value = "routes", f"{change.route.destination}{gateway}"
        if change.route.table != 254:
            return ()
    elif isinstance(change, AddAddress):
        link, version = host.links_by_name.get(change.link), change.address.address.version
        setting, value = "addresses", str(change.address)
    else:
        return ()
    if link is None or not _managed(snapshot, link.index):
        return ()
    connection = f'"$(nmcli -g GENERAL.CONNECTION device show {link.name})"'
    script = f"nmcli connection modify {connection} +ipv{version}.{setting} '{value}'"
    return ((*_host(snapshot), "sh", "-c", script),)


def _managed(snapshot: Snapshot, link: int) -> bool:
    """NetworkManager gives the routes of a device's own subnets a metric, which the kernel's have not."""
    return any(
        route.protocol == "kernel"
        and route.table == 254
        and route.metric != _KERNEL_METRIC
        and route.destination.version == 4
        and any(hop.link == link for hop in route.nexthops)
        for route in snapshot.host_netns.routes
    )


def _host(snapshot: Snapshot) -> tuple[str, ...]:
    return seen(snapshot).enter(snapshot.host)
