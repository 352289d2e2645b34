"""Command lines of an administrator as changes with a way back. Pure.

An iptables rule that was added is deleted by what it says; a policy is set back to ACCEPT; what nft adds has a way
back where it is a whole table. Anything else has none, and goes with its namespace.
"""

from __future__ import annotations

from engine.change.program import Command
from engine.lab.spec import ExtraRule
from engine.model.address import IPAddress, IPNetwork
from engine.model.where import Argv

ADDED = ("-I", "--insert", "-A", "--append")
WAITING = ("-w", "--wait")


def command_of(rule: ExtraRule, netns: str) -> Command:
    """An administrator's line; plain `iptables` means the nft variant, as the layouts' own does.

    The legacy variant waits for the lock that all its processes on a machine share (iptables(8), -w).
    """
    argv = rule.argv
    if argv[0] in ("iptables", "ip6tables"):
        argv = (f"{argv[0]}-nft", *argv[1:])
    elif argv[0] in ("iptables-legacy", "ip6tables-legacy") and not any(word in WAITING for word in argv):
        argv = (argv[0], "-w", *argv[1:])
    return Command(netns, argv, way_back(argv))


def way_back(argv: Argv) -> Argv:
    """The command line that undoes another one; () where there is none."""
    if argv[0] == "nft":
        return ("nft", "delete", "table", *argv[3:5]) if argv[1:3] == ("add", "table") else ()
    for position, word in enumerate(argv):
        if word in ADDED:
            rest = argv[position + 2 :]
            rest = rest[1:] if rest[:1] and rest[0].isdecimal() else rest
            return (*argv[:position], "-D", argv[position + 1], *rest)
        if word in ("-P", "--policy"):
            return (*argv[: position + 2], "ACCEPT")
        if word in ("-N", "--new-chain"):
            return (*argv[:position], "-X", argv[position + 1])
    return ()


def device_route(netns: str, destination: IPNetwork, device: str, gateway: IPAddress | None) -> Command:
    """A route by a device's name."""
    family = ("-6",) if destination.version == 6 else ()
    via = ("via", str(gateway)) if gateway else ()
    words = (str(destination), *via, "dev", device)
    return Command(netns, ("ip", *family, "route", "add", *words), ("ip", *family, "route", "del", *words))
