"""Names that an engine serves in another network than the client's, or in none of the client's.

Docker's resolver answers names of networks of a user's own, never of the default bridge; `docker network connect` gives
a container that resolver at once, also one of the default bridge. Podman's answers in networks with `dns_enabled`.
"""

from __future__ import annotations

from engine.change.engines.network import joinable, joining
from engine.change.engines.new_network import new_network
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.naming.missed_name import NAMELESS, MissedName, container_ref
from engine.model.application.lab_resolver import LAB_RESOLVER
from engine.model.container import Attachment, Container, Network
from engine.model.verdict import FixKind
from engine.path.naming.answers import network_of


def without_names(missed: MissedName) -> list[Blocker]:
    """The client is in networks without names only."""
    client = missed.client
    if client is None or not client.attachments or any(at.network not in NAMELESS for at in client.attachments):
        return []
    found = next(iter(missed.holders()), None)
    if found is None:
        return []
    holder, _ = found
    network = client.attachments[0].network
    why = (
        f"{client.name} is on the default network {network}, whose containers have no names for each other: "
        f"{missed.name} is looked up at {_servers(missed)}"
    )
    remedies = _joins(missed, client) or _common(missed, client, holder)
    at = container_ref(missed.snapshot, client)
    return [Blocker("NAME_DEFAULT_BRIDGE_HAS_NO_DNS", why, at, tuple(remedies), client.engine.partition(" ")[0])]


def _servers(missed: MissedName) -> str:
    return ", ".join(map(str, missed.config.servers)) or "no server"


def elsewhere(missed: MissedName) -> list[Blocker]:
    """Somebody has the name in a network that the client is not in."""
    client = missed.client
    if client is None:
        return _other_tables(missed)
    mine = {place.network for place in client.attachments}
    if mine <= NAMELESS:
        return []
    found = [(holder, place) for holder, place in missed.holders() if place.network not in mine | NAMELESS]
    if not found:
        return _nameless_holder(missed, client)
    holder = found[0][0]
    where = ", ".join(dict.fromkeys(at.network for each, at in found if each is holder))
    why = (
        f"{missed.name} is a name in the network {where} ({holder.name} is there); {client.name} is in "
        f"{', '.join(sorted(mine))}, where nothing has that name"
    )
    at = container_ref(missed.snapshot, holder)
    owner = client.engine.partition(" ")[0]
    return [Blocker("NAME_OTHER_NETWORK", why, at, tuple(_joins(missed, client)), owner)]


def _other_tables(missed: MissedName) -> list[Blocker]:
    """In a lab without an engine: the resolver that was asked has the name at another of its doors only."""
    snapshot = missed.snapshot
    asked = next((step.at.netns for step in missed.lookup.order if step.server is not None and step.at is not None), "")
    labs = [each for each in snapshot.resolvers if each.program == LAB_RESOLVER]
    door = next((each for each in labs if each.netns == asked), None)
    if door is None:
        return []
    client = snapshot.by_id[missed.config.netns].addresses_by_value
    own = {zone.network for zone in door.zones if not zone.clients or any(each in client for each in zone.clients)}
    all_zones = [zone for each in labs if each.pid == door.pid for zone in each.zones]
    found = [zone.network for zone in all_zones if zone.network not in own and zone.has(missed.name)]
    if not found:
        return []
    where = ", ".join(dict.fromkeys(found))
    why = f"{missed.name} is a name in the network {where}; {missed.who} asks for names of {', '.join(sorted(own))}"
    listing = f"list the network {found[0]} for {missed.who} in the lab's file, and build the lab again"
    return [Blocker("NAME_OTHER_NETWORK", why, missed.at, (), settled=listing)]


def _nameless_holder(missed: MissedName, client: Container) -> list[Blocker]:
    """The name is that of a container which is in networks without names only: it joins one of the client's."""
    found = [holder for holder, place in missed.holders() if place.network in NAMELESS]
    if not found:
        return []
    holder = found[0]
    why = (
        f"{holder.name} is on the default network {holder.attachments[0].network}, whose containers have no names; "
        f"{client.name} looks {missed.name} up in {', '.join(sorted(place.network for place in client.attachments))}"
    )
    remedies = tuple(
        _join(holder, network) for network in _own(missed, client) if joinable(missed.snapshot, holder, network)
    )
    at = container_ref(missed.snapshot, holder)
    return [Blocker("NAME_DEFAULT_BRIDGE_HAS_NO_DNS", why, at, remedies, client.engine.partition(" ")[0])]


def _own(missed: MissedName, client: Container) -> list[Network]:
    """The client's networks in which there are names."""
    found = (network_of(missed.snapshot, client, place.network) for place in client.attachments)
    return [each for each in found if each is not None and each.name not in NAMELESS]


def _join(container: Container, network: Network) -> Remedy:
    title = f"connect {container.name} to network {network.name}"
    return Remedy(title, (joining(container, network),), kind=FixKind.PUBLISH, meant=True)


def _joins(missed: MissedName, client: Container) -> list[Remedy]:
    """The client joins a network in which the name is served."""
    places: list[tuple[Container, Attachment]] = list(missed.holders())
    networks = [network_of(missed.snapshot, holder, place.network) for holder, place in places]
    wanted = [each for each in networks if each is not None and each.name not in NAMELESS]
    return [_join(client, each) for each in dict.fromkeys(wanted) if joinable(missed.snapshot, client, each)]


def _common(missed: MissedName, client: Container, holder: Container) -> list[Remedy]:
    """Both join a new network, where they have names for each other."""
    create = new_network(missed.snapshot, client, holder)
    made = create.made(missed.snapshot) if create is not None else None
    if create is None or made is None:
        return []
    title = f"create the network {create.network} and connect {client.name} and {holder.name} to it"
    changes = (create, *(joining(each, made) for each in (client, holder)))
    return [Remedy(title, changes, kind=FixKind.PUBLISH, meant=True)]


def closed(missed: MissedName) -> list[Blocker]:
    """All networks of the client lead nowhere else, so its resolver asks no server outside."""
    client = missed.client
    if client is None or not client.attachments:
        return []
    own = _own(missed, client)
    if len(own) < len(client.attachments) or not all(each.internal for each in own):
        return []
    names = ", ".join(each.name for each in own)
    why = f"{client.name} is only in {names}, made with --internal: outside names are not looked up there"
    others = [each for each in missed.snapshot.networks if not each.internal and each.driver == "bridge"]
    remedies = tuple(_join(client, each) for each in others if joinable(missed.snapshot, client, each))
    at = container_ref(missed.snapshot, client)
    return [Blocker("NAME_INTERNAL_NETWORK", why, at, remedies, client.engine.partition(" ")[0])]
