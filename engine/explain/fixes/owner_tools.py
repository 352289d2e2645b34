"""Changes in the words of the tools that keep them: ufw, firewall-cmd, sysctl.d.

Each function gives the commands, or () where the tool does not manage the thing, or can't say just that. Sources:
ufw(8), src/backend_iptables.py of ufw, firewall-cmd(1), firewalld.richlanguage(5), sysctl.d(5), modules-load.d(5).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from engine.change.rule import DeleteRule, InsertRule
from engine.change.sysctl import SetSysctl
from engine.model.address import IPNetwork
from engine.model.firewall import Chain, Interval, Match, Name, Reject, Rule, RuleVerdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.where import Argv, Argvs, RulePlace, seen
from engine.records import dataclass, replace

_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}
#: Conditions that the tools add by themselves, or that say the protocol once more.
_IMPLIED = frozenset({"fib daddr type", "ct state", "ct direction"})


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


#: What ufw and firewalld can say of a port.
_WITH_PORTS = frozenset({"tcp", "udp"})


def ufw(snapshot: Snapshot, change: InsertRule | DeleteRule) -> Argvs:
    """`ufw [route] prepend allow …` for an exception, `ufw [route] delete deny …` for one of its rules.

    ufw keeps one rule for the same conditions, and skips a second one wherever it should stand: the first one goes
    before. A rule for every protocol is written as one of TCP and one of UDP, and can't go for one of them alone.
    """
    place, rule = change.place, change.rule
    chain = _ufw_chain(snapshot, place)
    words = said(rule) if chain is not None else None
    if chain is None or words is None or words.protocol not in _WITH_PORTS or place.netns != snapshot.host:
        return ()
    route = ("route",) if chain.name.endswith("forward") else ()
    client, told = (*_host(snapshot), "ufw"), _ufw_words(words, place.family)
    if isinstance(change, DeleteRule):
        alone = place.chain == chain.name and not _of_every_protocol(chain, rule, words)
        verb = _verb(rule) if alone else ""
        return ((*client, "--force", *route, "delete", verb, *told),) if verb else ()
    if _verb(rule) != "allow":
        return ()
    same = dict.fromkeys(_verb(each) for each in chain.rules if said(each) == words)
    gone = ((*client, "--force", *route, "delete", verb, *told) for verb in same if verb)
    return (*gone, (*client, *route, "prepend", "allow", *told))


def _ufw_chain(snapshot: Snapshot, place: RulePlace) -> Chain | None:
    """ufw's chain for the user's rules that decides before a place does, or that the place is in."""
    table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
    prefix = "ufw6" if place.family == "ip6" else "ufw"
    for hook in ("input", "forward"):
        chain = table.chain(f"{prefix}-user-{hook}") if table is not None else None
        if table is None or chain is None:
            continue
        base = table.chain(place.chain) if place.chain == hook.upper() else None
        before = base.rules[: place.index] if base is not None else ()
        led = any(getattr(s, "chain", None) == f"{prefix}-before-{hook}" for rule in before for s in rule.statements)
        if led or place.chain == chain.name:
            return chain
    return None


def _of_every_protocol(chain: Chain, rule: Rule, words: Said) -> bool:
    """Whether the rule is half of one that names no protocol: the other half, of the other protocol, is beside it."""
    (other,) = _WITH_PORTS - {words.protocol}
    beside = (each for each in chain.rules if abs(each.index - rule.index) == 1)
    return any(said(each) == replace(words, protocol=other) and _verb(each) == _verb(rule) for each in beside)


def _verb(rule: Rule) -> str:
    last = rule.statements[-1] if rule.statements else None
    if isinstance(last, Reject):
        return "reject"
    return _VERBS.get(last.kind, "") if isinstance(last, RuleVerdict) else ""


_VERBS: Mapping[VerdictKind, str] = {VerdictKind.DROP: "deny", VerdictKind.ACCEPT: "allow"}


def _ufw_words(words: Said, family: str) -> tuple[str, ...]:
    """Addresses tell which IP version is meant; `any` on both ends would be a rule for each."""
    devices = (*(("in", "on", words.iif) if words.iif else ()), *(("out", "on", words.oif) if words.oif else ()))
    port = ("port", words.port) if words.port else ()
    anybody = "any" if words.destination else "::/0" if family == "ip6" else "0.0.0.0/0"
    ends = ("from", words.source or anybody, "to", words.destination or "any", *port)
    return (*devices, "proto", words.protocol, *ends)


def firewalld(snapshot: Snapshot, change: InsertRule | DeleteRule) -> Argvs:
    """A rich rule of the zone whose chain the rule stands in, or a zone for a device; now and for good."""
    place, words = change.place, said(change.rule)
    if place.chain.endswith("_ZONES") and words is not None and isinstance(change, InsertRule):
        return _zone_of_device(snapshot, change, words)
    found = _zone(place)
    if found is None or isinstance(change, DeleteRule) or _verb(change.rule) != "allow" or words is None:
        return ()
    known = words.protocol in _WITH_PORTS and words.port and (words.source or words.destination)
    if not known or words.iif or words.oif:
        return ()
    zone, priority = found
    version = ip_network(words.destination or words.source).version
    ends = (("source", words.source), ("destination", words.destination))
    parts = [
        f'rule priority="{priority}" family="ipv{version}"' if priority else f'rule family="ipv{version}"',
        *(f'{end} address="{address}"' for end, address in ends if address),
        f'port port="{words.port.replace(":", "-")}" protocol="{words.protocol}" accept',
    ]
    what = f"--add-rich-rule={' '.join(parts)}"
    client = (*_host(snapshot), "firewall-cmd")
    return ((*client, f"--zone={zone}", what), (*client, "--permanent", f"--zone={zone}", what))


def _zone_of_device(snapshot: Snapshot, change: InsertRule, words: Said) -> Argvs:
    """What is accepted from a device is what the zone `trusted` is for."""
    last = change.rule.statements[-1]
    target = last.chain if isinstance(last, RuleVerdict) and last.chain else ""
    zone = re.sub(r"^(filter_)?(IN|FWDI?)_", "", target) or "trusted"
    what, client = (f"--zone={zone}", f"--change-interface={words.iif}"), (*_host(snapshot), "firewall-cmd")
    return ((*client, *what), (*client, "--permanent", *what)) if words == Said(iif=words.iif) else ()


#: What the rules of a zone are sorted into, in the order in which they are asked, and the priority of a rule that is
#: asked before them (firewalld.richlanguage(5)).
_PARTS_OF_A_ZONE: Mapping[str, int] = {"_pre": -32768, "_log": -1, "_deny": -1, "_allow": 0, "_post": 0}


def _zone(place: RulePlace) -> tuple[str, int] | None:
    """The zone of a chain of firewalld's that incoming packets pass (filter_IN_public, IN_public_allow), and the
    priority of a rule that is asked before the chain's own."""
    name = place.chain.removeprefix("filter_")
    if not name.startswith("IN_") or place.table not in ("firewalld", "filter"):
        return None
    zone = name.removeprefix("IN_")
    for suffix, priority in _PARTS_OF_A_ZONE.items():
        if zone.endswith(suffix):
            return zone.removesuffix(suffix), priority
    return zone, 0


#: Settings that are there only once a module is loaded, which may be after the files of sysctl.d are read.
_MODULES: Mapping[str, str] = {"net.netfilter.": "nf_conntrack", "net.bridge.": "br_netfilter"}


def sysctl_file(snapshot: Snapshot, change: SetSysctl) -> Argvs:
    """A file of its own below /etc/sysctl.d that is read at boot, after that which stands for /etc/sysctl.conf
    (99-sysctl.conf), since the last one decides; the device's dots are slashes there."""
    if snapshot.host_netns.path is not None and 1 not in snapshot.host_netns.pids:
        return ()
    name = change.name
    parts = name.split(".")
    if len(parts) > 5:
        name = "/".join([*parts[:3], ".".join(parts[3:-1]), parts[-1]])
    modules = (module for prefix, module in _MODULES.items() if change.name.startswith(prefix))
    return (
        *(_written(module, f"/etc/modules-load.d/{module}.conf") for module in modules),
        _written(f"{name} = {change.value}", f"/etc/sysctl.d/99-zz-{change.name}.conf"),
    )


def _written(line: str, path: str) -> Argv:
    return ("sh", "-c", f"echo {shlex.quote(line)} > {shlex.quote(path)}")


def _host(snapshot: Snapshot) -> tuple[str, ...]:
    return seen(snapshot).enter(snapshot.host)
