"""Nouns in the words of the tools that change them: ip, iptables, sysctl.

A word is one argument for execve: nothing here is quoted for a shell.
Sources: ip-route(8), ip-address(8), iptables-extensions(8), sysctl(8).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from engine.model.file_name import is_file_name
from engine.model.firewall import Interval, Match, Rule
from engine.model.link import Address
from engine.model.route import NextHop, PolicyRule, Route, table_name
from engine.model.where import Argv, Where

MAIN_TABLE = 254

#: The numbers of protocols that have ports: TCP, UDP, DCCP, SCTP.
HAVING_PORTS = frozenset({6, 17, 33, 132})

#: Address flags that ip-address(8) takes as words; the other flags are states that the kernel reports.
ADDRESS_FLAGS = ("home", "mngtmpaddr", "nodad", "noprefixroute")


def ip(where: Where, netns: str, *words: str) -> Argv:
    """An ip(8) command in a namespace."""
    return (*where.enter(netns), "ip", *words)


def sysctl_word(name: str) -> str:
    """A sysctl as sysctl(8) takes it: with dots, or where the device has dots of its own as a path."""
    path = sysctl_path(name)
    return name if name.replace(".", "/") == path else path


def sysctl_path(name: str) -> str:
    """The path of a sysctl below /proc/sys. The device part may have dots of its own ("eth0.100").

    Raises ValueError for a name that is no sysctl of a network namespace: one outside of `net.`, or one that as a path
    would lead elsewhere.

    >>> sysctl_path("net.ipv4.conf.eth0.100.rp_filter")
    'net/ipv4/conf/eth0.100/rp_filter'
    """
    parts = name.split(".")
    if len(parts) > 5 and parts[0] == "net" and parts[2] in ("conf", "neigh"):
        parts = [*parts[:3], ".".join(parts[3:-1]), parts[-1]]
    if parts[0] != "net" or len(parts) < 3 or any(not is_file_name(part) for part in parts):
        raise ValueError(f"{name!r} is not a setting of a network namespace (net.…)")
    return "/".join(parts)


def route_words(route: Route, device: Callable[[int], str], *, exact: bool = False) -> Argv:
    """A route in ip-route(8)'s words. `exact` leaves out what only an addition can say (mtu). Ways out that come from a
    nexthop object are named by it: by themselves they are those of another route. An IPv4 route by such an object is of
    type unicast for the kernel, also where the object is a blackhole (fib_table_delete compares types)."""
    plain = route.kind == "unicast" or (route.nexthop is not None and route.destination.version == 4)
    words: list[str] = [] if plain else [route.kind]
    words.append("default" if route.destination.prefixlen == 0 else str(route.destination))
    if route.nexthop is not None:
        words += ["nhid", str(route.nexthop)]
    elif len(route.nexthops) == 1:
        words += _nexthop_words(route.nexthops[0], device)
    if route.table != MAIN_TABLE:
        words += ["table", table_name(route.table)]
    if route.tos:
        words += ["tos", hex(route.tos)]
    if route.scope != "global" and route.destination.version == 4:
        words += ["scope", route.scope]
    if route.protocol not in ("", "boot"):
        words += ["proto", route.protocol]
    if route.preferred_source is not None:
        words += ["src", str(route.preferred_source)]
    if route.metric:
        words += ["metric", str(route.metric)]
    if route.mtu is not None and not exact:
        words += ["mtu", str(route.mtu)]
    if len(route.nexthops) > 1 and route.nexthop is None:
        for hop in route.nexthops:
            words += ["nexthop", *_nexthop_words(hop, device), "weight", str(hop.weight)]
    return tuple(words)


def policy_rule_words(rule: PolicyRule) -> Argv:
    """A policy rule in ip-rule(8)'s words, priority first: `ip rule del` wants every selector that the rule has.

    They are the rule's own line, without the remarks in brackets that `ip rule` only prints.
    """
    line = rule.text.partition(":")[2].replace("lookup [l3mdev-table]", "l3mdev")
    words = [word for word in line.split() if not word.startswith("[")]
    return ("pref", str(rule.priority), *words)


def _nexthop_words(hop: NextHop, device: Callable[[int], str]) -> list[str]:
    words: list[str] = []
    if hop.gateway is not None:
        words += ["via", str(hop.gateway)]
    if hop.link is not None:
        words += ["dev", device(hop.link)]
    if "onlink" in hop.flags:
        words.append("onlink")
    return words


def address_words(address: Address) -> Argv:
    """An address in ip-address(8)'s words, without its device."""
    words = [str(address.address), "peer", f"{address.peer}/{address.prefixlen}"] if address.peer else [str(address)]
    if address.broadcast is not None:
        words += ["broadcast", str(address.broadcast)]
    if address.scope != "global":
        words += ["scope", address.scope]
    return (*words, *(flag for flag in ADDRESS_FLAGS if flag in address.flags))


def save_words(line: str) -> list[str]:
    r"""The words of a line of iptables-save, which puts a backslash before every quote and backslash in "…"
    (xtables_save_string); a shell would keep the one before '.

    >>> save_words(r'--comment "it\'s"')
    ['--comment', "it's"]
    """
    return shlex.split(line.replace(r"\'", "'") if '"' in line else line)


def rule_spec(rule: Rule, chain: str) -> Argv:
    """The words of an iptables rule after `-A CHAIN`, from its line in iptables-save's format (counters or not).

    Raises ValueError when the line belongs to another chain.
    """
    words = save_words(rule.text)
    if words and words[0].startswith("[") and words[0].endswith("]"):
        words = words[1:]
    if words[:1] == ["-A"]:
        if words[1:2] != [chain]:
            raise ValueError(f"rule {rule.text!r} is not one of chain {chain}")
        words = words[2:]
    return tuple(words)


def may_name_ports(rule: Rule) -> bool:
    """Whether a translation in a rule may have ports: it asks for a protocol that has them (xt_nat's xtables_check in
    libxt_NAT.c; stmt_evaluate_nat of nftables, "transport protocol mapping is only valid after ...")."""
    return any(_asks_for_ports(each) for each in rule.statements if isinstance(each, Match) and not each.negate)


def _asks_for_ports(match: Match) -> bool:
    name = match.fields[0].name
    if name in ("meta l4proto", "ip protocol", "ip6 nexthdr"):
        return bool(match.elements) and all(
            isinstance(atom, Interval) and atom.low == atom.high and atom.low in HAVING_PORTS
            for (atom, *_) in match.elements
        )
    return name.partition(" ")[0] in ("tcp", "udp", "sctp", "th")
