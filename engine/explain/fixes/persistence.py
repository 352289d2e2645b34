"""What becomes of a fix later, and how its owner's own tool says it so that it stays.

Laws:
1. `survives` says what undoes the change: a reboot, a restart of the engine, a reload of the firewall. It is a table by
   kind of change; rules are told by whose chain they are in.
2. The tool's commands do the same as the fix does, and are only given where the tool demonstrably manages the thing:
   its chains are there, its mark is on the route. They are beside the fix, which works without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.change import part_of
from engine.change.address import AddAddress, DeleteAddress
from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.chain_policy import SetPolicy
from engine.change.conntrack import DeleteFlow
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.fdb import AddForwarding, DeleteForwarding
from engine.change.link import DeleteBridge, SetArp, SetLink
from engine.change.listener import Listen, StopListening
from engine.change.neighbour import DeleteNeighbour
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.port import ForwardOnPort, SetPort, SetSpanningTree
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.set_element import AddElement, DeleteElement
from engine.change.sysctl import SetSysctl
from engine.explain.fixes.network_manager import network_manager
from engine.explain.fixes.owner_tools import firewalld, sysctl_file, ufw
from engine.explain.fixes.unban import unban
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.model.owner import owner_of_chain, owner_of_set
from engine.model.plan import Change
from engine.model.where import Argvs, RulePlace
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a change stays, in words, and the commands of its owner's tool that make it stay."""

    survives: str
    commands: Argvs = ()


Kept = Callable[[Snapshot, Any], Lasting]


def lasting(snapshot: Snapshot, changes: Iterable[Change]) -> Lasting:
    """What becomes of some changes. Commands are given only where every change that needs them has some."""
    each = [KEPT[type(change)](part_of(snapshot, (change,)), change) for change in changes]
    words = tuple(dict.fromkeys(one.survives for one in each))
    commands = tuple(dict.fromkeys(argv for one in each for argv in one.commands))
    return Lasting("; ".join(words), commands if all(one.commands or one.survives in NOTHING for one in each) else ())


CACHE = "nothing to keep: the entry is a cache"
NOTHING = frozenset({CACHE})


def _inside(snapshot: Snapshot, netns: str) -> str:
    """Who makes the namespace anew, and the change with it undone; empty for the host."""
    if netns == snapshot.host:
        return ""
    containers = snapshot.containers_in(netns)
    return f"until {containers[0].name} restarts" if containers else f"while namespace {netns} exists"


def _sysctl(snapshot: Snapshot, change: SetSysctl) -> Lasting:
    inside = _inside(snapshot, change.netns)
    if inside:
        containers = snapshot.containers_in(change.netns)
        engine = containers[0].engine.partition(" ")[0] if containers else ""
        more = f"; permanent: {engine} run --sysctl {change.name}={change.value}" if engine else ""
        return Lasting(f"{inside}{more}")
    device = change.name.split(".", 3)[-1].rpartition(".")[0] if ".conf." in change.name else ""
    recreated = f" or until {device} is created again" if device in snapshot.host_netns.links_by_name else ""
    words = f"until reboot{recreated}; survives an engine restart and a firewall reload"
    return Lasting(words, sysctl_file(snapshot, change))


def _rule(snapshot: Snapshot, change: InsertRule | ReplaceRule | DeleteRule | SetPolicy) -> Lasting:
    place = change.place
    inside = _inside(snapshot, place.netns)
    if inside:
        return Lasting(inside)
    owner = owner_of_chain(place.table, place.chain)
    tool: Argvs = ()
    if isinstance(change, InsertRule | DeleteRule):
        tool = ufw(snapshot, change) or firewalld(snapshot, change)
    if isinstance(change, DeleteRule):
        tool = tool or unban(snapshot, change)
    return Lasting(RULES.get(owner, _of_admin)(place), tool)


def _element(snapshot: Snapshot, change: AddElement | DeleteElement) -> Lasting:
    inside = _inside(snapshot, change.netns)
    if inside:
        return Lasting(inside)
    owner = owner_of_set(change.table, change.name)
    saved = "/etc/nftables.conf has it" if change.table else "it is saved (ipset save)"
    words = BANS.get(owner, f"until reboot or a reload of the set, unless {saved}; survives an engine restart")
    return Lasting(words, unban(snapshot, change) if isinstance(change, DeleteElement) else ())


def _of_engine(place: RulePlace) -> str:
    return f"until reboot or engine restart, which writes {place.chain} again"


def _of_ufw(_: RulePlace) -> str:
    return "until reboot or `ufw reload`; survives an engine restart"


def _of_firewalld(_: RulePlace) -> str:
    return "until reboot or `firewall-cmd --reload`; survives an engine restart"


def _of_admin(place: RulePlace) -> str:
    saved = "/etc/nftables.conf has it" if place.backend is Backend.NFT else "it is saved (iptables-save)"
    keeps = "survives an engine restart"
    return f"until reboot or a reload of the firewall's rules, unless {saved}; {keeps}"


def _until(what: str) -> Callable[[RulePlace], str]:
    return lambda place: f"until reboot or until {what.format(place.chain)}"


#: Sets that a tool fills, and when it puts back what was taken out.
BANS: Mapping[str, str] = {
    "fail2ban": "until fail2ban bans the address again, or restarts with its bans",
    "crowdsec": "until CrowdSec decides on the address again, or its bouncer restarts with the decision",
    "firewalld": "until reboot or `firewall-cmd --reload`; survives an engine restart",
}

RULES: Mapping[str, Callable[[RulePlace], str]] = {
    "docker": _of_engine,
    "podman": _of_engine,
    "libvirt": _until("libvirt starts its network, and writes {} again"),
    "kube-proxy": _until("kube-proxy writes {} again, as at every change of a service"),
    "cni": _until("the network plugin writes {} again"),
    "incus": _until("Incus starts its network, and writes {} again"),
    "lxd": _until("LXD starts its network, and writes {} again"),
    "tailscale": _until("tailscaled restarts, and writes {} again"),
    "fail2ban": _until("fail2ban bans the address again, or restarts with its bans"),
    "crowdsec": _until("CrowdSec's bouncer restarts, and writes {} again"),
    "ufw": _of_ufw,
    "firewalld": _of_firewalld,
}


def _network(
    snapshot: Snapshot, change: AddRoute | DeleteRoute | AddPolicyRule | DeletePolicyRule | AddAddress | DeleteAddress
) -> Lasting:
    inside = _inside(snapshot, change.netns)
    if inside:
        return Lasting(inside)
    words = "until reboot or until the network manager configures the device again"
    return Lasting(words, network_manager(snapshot, change))


def _link(snapshot: Snapshot, change: SetLink | SetPort | ForwardOnPort | SetSpanningTree | SetArp) -> Lasting:
    inside = _inside(snapshot, change.netns)
    link = snapshot.by_id[change.netns].links_by_name.get(change.link)
    if not inside and link is not None and link.kind == "veth" and link.peer is not None:
        peer = snapshot.containers_in(link.peer.netns or "")
        inside = f"until {peer[0].name} restarts, with a new device" if peer else ""
    return Lasting(inside or "until reboot; survives an engine restart")


def _gone(snapshot: Snapshot, change: DeleteBridge) -> Lasting:
    inside = _inside(snapshot, change.netns)
    return Lasting(inside or f"until who made {change.link} makes it again, as an engine does with its networks")


def _forwarding(_snapshot: Snapshot, change: AddForwarding | DeleteForwarding) -> Lasting:
    return Lasting(f"until {change.link} is created again, or its control plane writes its entries again")


def _cache(_snapshot: Snapshot, _change: DeleteNeighbour | DeleteFlow) -> Lasting:
    return Lasting(CACHE)


def _container(snapshot: Snapshot, change: SetContainer) -> Lasting:
    if change.words[0] != "start":
        return Lasting("until the container stops")
    words = "until reboot or engine restart, unless the container has a restart policy"
    client = change.client
    if not client or client[0] != "docker":
        return Lasting(words)
    name = next((each.name for each in snapshot.containers if each.id == change.container), change.words[-1])
    return Lasting(words, ((*client, "update", "--restart", "unless-stopped", name),))


def _connected(snapshot: Snapshot, change: ConnectNetwork) -> Lasting:
    """A place in a network is the container's until it is removed; Compose makes it again from its file."""
    words = f"until {change.name} is created again; survives a reboot and an engine restart"
    container = next((each for each in snapshot.containers if each.id == change.container), None)
    if container is None or not container.service:
        return Lasting(words)
    return Lasting(f"{words}; permanent: list {change.network} under `networks:` of the service {container.service}")


def _created(_snapshot: Snapshot, _change: CreateNetwork) -> Lasting:
    return Lasting("until the network is removed; a Compose file makes it again where it lists it under `networks:`")


def _kept_in_file(_snapshot: Snapshot, change: SetUpstream | LetIn) -> Lasting:
    return Lasting("until the container is created again: change the image as well" if change.enter else "stays")


def _until_next(_snapshot: Snapshot, change: ReloadProxy) -> Lasting:
    return Lasting(f"until an address changes again: {change.kind} looks names up when it reads its configuration")


def _hosts_line(_snapshot: Snapshot, change: AddHostsLine | DeleteHostsLine) -> Lasting:
    if not change.container:
        return Lasting("stays")
    if isinstance(change, AddHostsLine):
        return Lasting(f"until the container is created again; permanent: `extra_hosts: {change.name}:host-gateway`")
    return Lasting("until the container is created again: remove it from `extra_hosts:` (--add-host) as well")


def _listen(_snapshot: Snapshot, _change: Listen) -> Lasting:
    return Lasting("while the program runs with these arguments")


def _stopped(_snapshot: Snapshot, _change: StopListening) -> Lasting:
    return Lasting("until the program is started again")


KEPT: Mapping[type[Any], Kept] = {
    SetSysctl: _sysctl,
    InsertRule: _rule,
    ReplaceRule: _rule,
    DeleteRule: _rule,
    SetPolicy: _rule,
    AddElement: _element,
    DeleteElement: _element,
    AddRoute: _network,
    DeleteRoute: _network,
    AddPolicyRule: _network,
    DeletePolicyRule: _network,
    AddAddress: _network,
    DeleteAddress: _network,
    DeleteNeighbour: _cache,
    AddForwarding: _forwarding,
    DeleteForwarding: _forwarding,
    DeleteFlow: _cache,
    SetLink: _link,
    SetArp: _link,
    DeleteBridge: _gone,
    SetPort: _link,
    ForwardOnPort: _link,
    SetSpanningTree: _link,
    SetContainer: _container,
    ConnectNetwork: _connected,
    CreateNetwork: _created,
    AddHostsLine: _hosts_line,
    DeleteHostsLine: _hosts_line,
    SetUpstream: _kept_in_file,
    LetIn: _kept_in_file,
    ReloadProxy: _until_next,
    Listen: _listen,
    StopListening: _stopped,
}
