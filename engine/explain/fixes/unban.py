"""A ban that goes, in the words of the tool that made it: fail2ban-client, cscli, firewall-cmd.

A command is given only where names tell the tool. Sources: config/action.d of fail2ban (iptables.conf: chain f2b-JAIL;
iptables-ipset.conf: set f2b-JAIL, for IPv6 f2b-JAIL6; nftables.conf: set addr-set-JAIL, for IPv6 addr6-set-JAIL),
cs-firewall-bouncer of CrowdSec (sets crowdsec-…, crowdsec6-…), firewall-cmd(1).
"""

from __future__ import annotations

from engine.change.rule import DeleteRule
from engine.change.set_element import DeleteElement
from engine.explain.fixes.owner_tools import said
from engine.model.host import Snapshot
from engine.model.owner import owner_of_chain, owner_of_set
from engine.model.where import Argvs, seen

#: What fail2ban puts before a jail's name, for each version of IP.
_OF_JAILS = ("addr-set-", "addr6-set-", "f2b-")


def unban(snapshot: Snapshot, change: DeleteElement | DeleteRule) -> Argvs:
    """The tool's own commands; () where no tool keeps the ban."""
    if isinstance(change, DeleteElement):
        owner = owner_of_set(change.table, change.name)
        name, banned = change.name, change.words
    else:
        words = said(change.rule)
        owner, name = owner_of_chain(change.place.table, change.place.chain), change.place.chain
        banned = words.source if words is not None else ""
    enter = seen(snapshot).enter(snapshot.host)
    return tuple((*enter, *argv) for argv in _COMMANDS[owner](name, banned)) if owner in _COMMANDS and banned else ()


def _fail2ban(name: str, banned: str) -> Argvs:
    before = next((each for each in _OF_JAILS if name.startswith(each)), None)
    if before is None:
        return ()
    jail = name.removeprefix(before)
    six = before == "f2b-" and ":" in banned and jail.endswith("6")
    return (("fail2ban-client", "set", jail.removesuffix("6") if six else jail, "unbanip", banned),)


def _crowdsec(_name: str, banned: str) -> Argvs:
    return (("cscli", "decisions", "delete", "--range" if "/" in banned else "--ip", banned),)


def _firewalld(name: str, banned: str) -> Argvs:
    what = (f"--ipset={name}", f"--remove-entry={banned}")
    return (("firewall-cmd", *what), ("firewall-cmd", "--permanent", *what))


_COMMANDS = {"fail2ban": _fail2ban, "crowdsec": _crowdsec, "firewalld": _firewalld}
