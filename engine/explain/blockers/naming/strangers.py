"""Names that nothing has where the client looks: the engine's name for the host, a stopped container, a slip."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from engine.change.application.hosts_line import AddHostsLine
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.naming.missed_name import NAMELESS, MissedName, container_ref
from engine.model.application.naming import NameStep, NameSymptom
from engine.model.container import Container
from engine.model.verdict import FixKind
from engine.path.naming.answers import HOST_NAMES, names_of

_ADD = "start it with `--add-host {name}:host-gateway` (Compose: extra_hosts), which needs a new container"


def host_gateway(missed: MissedName) -> list[Blocker]:
    """The engine's name for the host, which the container was not given."""
    if missed.name not in HOST_NAMES:
        return []
    why = (
        f"{missed.who} has no name {missed.name}: on Linux the engine writes it into {missed.config.hosts_file} only "
        "for a container that asks for it"
    )
    at = container_ref(missed.snapshot, missed.client) if missed.client is not None else missed.resolv
    remedies = tuple(_written(missed, missed.client)) if missed.client is not None else ()
    return [Blocker("NAME_HOST_GATEWAY_ABSENT", why, at, remedies, evidence=(_ADD.format(name=missed.name),))]


def _written(missed: MissedName, client: Container) -> Iterator[Remedy]:
    """The name with the address that `host-gateway` stands for: the default bridge's, else that of the client's own."""
    default = [each for each in missed.snapshot.networks if each.engine == client.engine and each.name in NAMELESS]
    bridge = missed.snapshot.host_netns.links_by_name.get(default[0].bridge) if default else None
    own = [each.address for each in missed.snapshot.host_netns.addresses if bridge and each.link == bridge.index]
    gateways = [*own, *(place.gateway for place in client.attachments)]
    address = next((each for each in gateways if each is not None and each.version == 4), None)
    if address is not None:
        enter = (*(client.command or (client.engine,)), "exec", client.name)
        config = missed.config
        change = AddHostsLine(config.netns, config.container, config.hosts_file, address, missed.name, enter)
        title = f"write {missed.name} into {config.hosts_file} of {client.name}, as {address}"
        yield Remedy(title, (change,), kind=FixKind.PUBLISH, meant=True)


def stopped(missed: MissedName) -> list[Blocker]:
    """The container of that name does not run, and has no name then."""
    found = next((holder for holder, _ in missed.holders() if holder.state not in ("running", "paused")), None)
    if found is None or any(holder.state in ("running", "paused") for holder, _ in missed.holders()):
        return []
    start = " ".join((*(found.command or (found.engine,)), "start", found.name))
    why = f"{missed.name} is the container {found.name}, which is {found.state}: only a running one has a name"
    at = container_ref(missed.snapshot, found)
    return [
        Blocker("NAME_NOT_FOUND", why, at, owner=found.engine.partition(" ")[0], evidence=(f"start it: `{start}`",))
    ]


def slip(missed: MissedName) -> list[Blocker]:
    """A word without a dot, and nearly a name that the client's networks have."""
    near = _near(missed) if "." not in missed.name else ""
    if not near or any(missed.holders()):
        return []
    why = f"nothing in {missed.who}'s networks has the name {missed.name}; {near} is one: did you mean that?"
    return [Blocker("NAME_NOT_FOUND", why, missed.at)]


def _near(missed: MissedName) -> str:
    return next(iter(get_close_matches(missed.name, sorted(_names(missed)), 1)), "")


def nowhere(missed: MissedName) -> list[Blocker]:
    """Every place that is looked at says that there is no such name."""
    asked = ", ".join(dict.fromkeys(_place(missed, step) for step in missed.lookup.order)) or missed.config.hosts_file
    why = f"no address has the name {missed.name} for {missed.who}: {asked} say{'' if ',' in asked else 's'} so"
    return [Blocker("NAME_NOT_FOUND", why, missed.at, evidence=_evidence(missed))]


def _place(missed: MissedName, step: NameStep) -> str:
    if step.server is None:
        return missed.config.hosts_file
    of = {"docker": "Docker's resolver", "aardvark": "Podman's resolver"}.get(str(step.by), "the server")
    return f"{of} {step.server}"


def _names(missed: MissedName) -> set[str]:
    """The names that the client could have meant: those in its networks."""
    if missed.client is None:
        return set()
    mine = {place.network for place in missed.client.attachments}
    found = (
        (each, place) for each in missed.snapshot.containers for place in each.attachments if place.network in mine
    )
    return {name for each, place in found for name in names_of(each, place)}


def _evidence(missed: MissedName) -> tuple[str, ...]:
    tried = [step.name for step in missed.lookup.order if step.symptom is NameSymptom.NO_NAME]
    names = list(dict.fromkeys(tried))
    return (f"asked for: {', '.join(names)}",) if len(names) > 1 else ()
