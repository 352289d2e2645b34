"""The changes that build a lab, as the command lines that a person would type for them: `engine.change.command`'s part
for `engine.change.building`. Pure.

Sources: ip-link(8), ip-netns(8), iptables-restore(8), nft(8), tc-tbf(8), tc-netem(8).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from engine.change.building import (
    Command,
    CreateBridge,
    CreateNetns,
    CreateVeth,
    DeleteLink,
    DeleteNetns,
    LoadRules,
    Relay,
    Serve,
    Shape,
    Start,
)
from engine.change.where import NETNS_DIR, Where
from engine.change.words import Argv
from engine.model.firewall import Backend

Argvs = tuple[Argv, ...]
ROOT_NETNS = "/proc/1/ns/net"
NFT_TABLE = re.compile(r"^table (\w+ [\w-]+) \{", re.MULTILINE)

#: Which program speaks for a family of an xtables backend.
XT_PROGRAMS: dict[str, str] = {"ip": "iptables", "ip6": "ip6tables", "bridge": "ebtables", "arp": "arptables"}
XT_SUFFIX: dict[Backend, str] = {Backend.XT_NFT: "nft", Backend.XT_LEGACY: "legacy"}


def ip(where: Where, netns: str, *words: str) -> Argv:
    """An ip(8) command in a namespace."""
    return (*where.enter(netns), "ip", *words)


def _create_netns(change: CreateNetns, where: Where) -> Argvs:
    return (("ip", "netns", "add", change.name), ip(where, change.name, "link", "set", "lo", "up"))


def _create_bridge(change: CreateBridge, where: Where) -> Argvs:
    made = ip(where, change.netns, "link", "add", change.name, *_mtu(change.mtu), "type", "bridge")
    return (made, ip(where, change.netns, "link", "set", change.name, "up")) if change.up else (made,)


def _mtu(mtu: int | None) -> Argv:
    return () if mtu is None else ("mtu", str(mtu))


def _create_veth(change: CreateVeth, where: Where) -> Argvs:
    """The pair is made from the side that has no path, because `ip link … netns` can only name the other one."""
    here, there = (change.netns, change.name), (change.peer_netns, change.peer_name)
    if where.path(there[0]) is None:
        here, there = there, here
    path = where.path(there[0])
    beyond = ("netns", path.removeprefix(f"{NETNS_DIR}/")) if path is not None and here[0] != there[0] else ()
    master = ("master", change.master) if change.master else ()
    far = (*_mtu(change.mtu), *(("up",) if change.up else ()))
    return (
        ip(where, here[0], "link", "add", here[1], "type", "veth", "peer", "name", there[1], *beyond),
        ip(where, change.netns, "link", "set", change.name, *_mtu(change.mtu), *master, "up"),
        *((ip(where, change.peer_netns, "link", "set", change.peer_name, *far),) if far else ()),
    )


def _delete_netns(change: DeleteNetns, _where: Where) -> Argvs:
    return (("ip", "netns", "del", change.name),)


def _delete_link(change: DeleteLink, where: Where) -> Argvs:
    return (ip(where, change.netns, "link", "del", change.name),)


def load_argv(backend: Backend, family: str = "ip", *, replace: bool = False) -> Argv:
    """The program that loads restore text of a backend from its standard input.

    It adds to what is there; with `replace` the tables in the text are replaced (nft's text says so itself, see
    `load_text`).
    """
    if backend is Backend.NFT:
        return ("nft", "-f", "-")
    wait = ("-w",) if backend is Backend.XT_LEGACY else ()
    keep = () if replace else ("--noflush",)
    return (f"{XT_PROGRAMS[family]}-{XT_SUFFIX[backend]}-restore", *wait, *keep)


def save_argv(backend: Backend, family: str) -> Argv:
    """The program that prints an iptables backend's rules as its restore program reads them."""
    return (f"{XT_PROGRAMS[family]}-{XT_SUFFIX[backend]}-save",)


def load_text(change: LoadRules) -> str:
    """The text for `load_argv`'s program: nft replaces a table that is declared, deleted and declared again."""
    if change.backend is not Backend.NFT or not change.replace:
        return change.text
    tables = NFT_TABLE.findall(change.text)
    return "".join(f"table {name}\ndelete table {name}\n" for name in tables) + change.text


def _load_rules(change: LoadRules, where: Where) -> Argvs:
    argv = load_argv(change.backend, change.family, replace=change.replace)
    script = f"{shlex.join(argv)} <<'END'\n{load_text(change).rstrip()}\nEND"
    return ((*where.enter(change.netns), "sh", "-c", script),)


def _command(change: Command, where: Where) -> Argvs:
    return ((*where.enter(change.netns), *change.argv),)


def shape_words(change: Shape) -> Argv:
    """The queueing discipline in tc(8)'s words. A bucket holds 10 ms of its rate, and a packet at least."""
    if change.delay or change.loss:
        delay = ("delay", f"{change.delay:g}ms") if change.delay else ()
        loss = ("loss", f"{change.loss:g}%") if change.loss else ()
        rate = ("rate", f"{change.rate}bit") if change.rate else ()
        return ("netem", *delay, *loss, *rate)
    rate_bits = change.rate or 0
    return ("tbf", "rate", f"{rate_bits}bit", "burst", str(max(rate_bits // 800, 1600)), "latency", "50ms")


def _shape(change: Shape, where: Where) -> Argvs:
    words = ("tc", "qdisc", "replace", "dev", change.link, "root", *shape_words(change))
    return ((*where.enter(change.netns), *words),)


def _serve(change: Serve, where: Where) -> Argvs:
    path = where.path(change.netns) or ROOT_NETNS
    return (("python3", "-P", "-m", "engine.apply.server", serve_words(change, path)),)


def serve_words(change: Serve, path: str) -> str:
    """A listener in the words of `engine.apply.server`; `path` enters its namespace."""
    return f"{path} {change.protocol} {change.address} {change.port} {change.name}"


def relay_words(change: Relay) -> str:
    """A port in the words of `engine.apply.relay`."""
    target = f" {change.target} {change.target_port}" if change.target else ""
    return f"{change.protocol} {change.address} {change.port}{target}"


def _relay(change: Relay, where: Where) -> Argvs:
    path = where.path(change.netns) or ROOT_NETNS
    return (("python3", "-P", "-m", "engine.apply.relay", change.holder, path, relay_words(change)),)


def _start(change: Start, where: Where) -> Argvs:
    return ((*where.enter(change.netns), *change.argv),)


BUILDING: Mapping[type[Any], Callable[[Any, Where], Argvs]] = {
    Command: _command,
    CreateBridge: _create_bridge,
    CreateNetns: _create_netns,
    CreateVeth: _create_veth,
    DeleteLink: _delete_link,
    DeleteNetns: _delete_netns,
    LoadRules: _load_rules,
    Relay: _relay,
    Serve: _serve,
    Shape: _shape,
    Start: _start,
}
