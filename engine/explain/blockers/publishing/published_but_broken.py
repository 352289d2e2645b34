"""Blockers of publishing: a port that the engine was asked for, and that the host does not have.

The reasons are asked in the order of `REASONS`; the last one always has an answer: the engine's rules are gone.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.change.engines.container import SetContainer
from engine.change.listener import Listen
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.proxies.start import nameless_servers
from engine.explain.blockers.publishing.publish import (
    HOLDING,
    asking,
    held,
    left_to_the_proxy,
    port_ref,
    publish,
    rewriting,
    run_again,
    untranslated,
)
from engine.explain.blockers.publishing.services import intention, services_for
from engine.explain.failure import FailedLeg, Failure, translation_of
from engine.model.address import Family, end_of
from engine.model.container import Container, PublishedPort
from engine.model.ref import Ref, RefKind
from engine.model.verdict import FixKind, NearMiss
from engine.records import dataclass, replace

#: What became of a container, where the word for its state does not say it.
STATES = {"exited": "has exited", "created": "was never started", "stopped": "was stopped"}

#: Drivers of networks that publish no ports: their containers have addresses of the LAN.
UNPUBLISHED = ("macvlan", "ipvlan")


@dataclass(frozen=True, slots=True)
class Wish:
    """A port that the engine was asked to publish, and the packet that it did not serve."""

    failure: Failure
    container: Container
    published: PublishedPort

    @property
    def asked(self) -> int:
        """The host's port."""
        return self.published.host_port

    @property
    def manual(self) -> Remedy:
        """The container is run again, so that the port is published as it is asked for."""
        again = run_again(self.container, asking(self.failure, self.asked, self.published.container_port))
        return Remedy(again, (self.served,), manual=True, kind=FixKind.PUBLISH)

    @property
    def served(self) -> Listen:
        """What comes of it: somebody takes the port on the host."""
        return Listen(self.failure.netns.id, held(self.failure, self.asked))

    def blocker(
        self,
        code: str,
        sentence: str,
        remedies: tuple[Remedy, ...],
        misses: tuple[NearMiss, ...] = (),
        evidence: tuple[str, ...] = (),
    ) -> Blocker:
        """A reason, at the host's port."""
        at = port_ref(self.failure, self.failure.netns)
        return Blocker(code, sentence, at, remedies, self.container.engine, evidence, misses)


def rules_wiped(failure: Failure) -> list[Blocker]:
    """The engine published the port, but no rule translated the packet, which then fell in INPUT."""
    if failure.step.hook != "input" or failure.leg is not FailedLeg.FORWARD or translation_of(failure) or failure.depth:
        return []
    meant = intention(failure, failure.packet.dport or 0)
    if meant is None or failure.packet.dst.is_loopback:
        return []
    blocker = unfulfilled(failure, *meant)
    return [blocker] if blocker.code == "NAT_RULES_WIPED" else []


def held_only(failure: Failure) -> list[Blocker]:
    """SERVICE: a process of the engine holds the port and passes nothing on, for it relies on rules that are gone."""
    meant = intention(failure, failure.packet.dport or 0)
    return [] if meant is None or failure.depth else [unfulfilled(failure, *meant)]


def unfulfilled(failure: Failure, container: Container, published: PublishedPort) -> Blocker:
    """Why a port that the engine was asked to publish does not work."""
    wish = Wish(failure, container, published)
    return next(found for reason in REASONS if (found := reason(wish)) is not None)


def _not_running(wish: Wish) -> Blocker | None:
    container, failure = wish.container, wish.failure
    if container.state in ("running", "paused"):
        return None
    text = f"{container.name} ({container.state})"
    ref = Ref(RefKind.CONTAINER, failure.netns.id, (container.id,), container.name, text)
    state = STATES.get(container.state, f"is {container.state}")
    if container.exit_code:
        ends = ": its program ends with" if container.state == "restarting" else " with"
        state += f"{ends} code {container.exit_code}"
    nameless = nameless_servers(failure.home, container)
    sentence = f"{container.name} publishes the port, but {state}{''.join(f'; {each}' for each in nameless[:1])}"
    remedy = _client(container, "start")
    log = " ".join((*(container.command or (container.engine,)), "logs", container.name))
    if container.exit_code:
        remedy = replace(remedy, title=f"{remedy.title}, once its log is read: {log}")
    if container.state == "restarting":
        stays = f"keep {container.name}'s program running; its log shows why it ends: {log}"
        up = Listen(failure.netns.id, held(failure, failure.packet.dport or 0))
        remedy = Remedy(stays, (up,), manual=True)
    return Blocker("DST_NOT_RUNNING", sentence, ref, (remedy,), container.engine, nameless[1:])


def _on_another_address(wish: Wish) -> Blocker | None:
    failure, bound = wish.failure, wish.published.host_address
    if bound is None or bound == failure.packet.dst:
        return None
    sentence = f"{wish.container.name} is published on {end_of(bound, wish.asked)} only, not on {failure.packet.dst}"
    found = services_for(failure, failure.netns, wish.asked) if not failure.packet.dst.is_loopback else []
    by_hand = tuple(publish(failure, failure.netns, service, wish.asked) for service in found[:1])
    remedies = (*by_hand, replace(wish.manual, fallback=bool(by_hand)))
    return wish.blocker("NAT_DNAT_HOSTIP_MISMATCH", sentence, remedies, untranslated(failure))


def _of_another_version(wish: Wish) -> Blocker | None:
    packet = wish.failure.packet
    if wish.published.family in (None, packet.family):
        return None
    everywhere = "0.0.0.0" if wish.published.family is Family.INET else "[::]"
    sentence = f"{wish.container.name} is published on {everywhere}:{wish.asked} only, not on {packet.dst}"
    return wish.blocker("NAT_DNAT_HOSTIP_MISMATCH", sentence, (wish.manual,), untranslated(wish.failure))


def _without_a_network(wish: Wish) -> Blocker | None:
    mode = wish.container.network_mode
    if mode not in ("none", "host"):
        return None
    sentence = f"{wish.container.name} has network mode {mode}, which publishes no ports"
    return wish.blocker("NAT_NOT_PUBLISHED", sentence, (wish.manual,))


def _not_translated(wish: Wish) -> Blocker | None:
    """A network that is `routed` or `isolated` for the packet's IP version."""
    container, failure = wish.container, wish.failure
    option = f"com.docker.network.bridge.gateway_mode_ipv{failure.packet.dst.version}"
    names = {place.network for place in container.attachments}
    networks = (n for n in failure.home.networks if n.name in names and n.engine == container.engine)
    modes = (dict(network.options).get(option, "") for network in networks)
    mode = next((mode for mode in modes if mode in ("routed", "isolated")), "")
    if not mode:
        return None
    own = services_for(failure, failure.netns, wish.asked)
    ask = f": use {end_of(own[0].address, own[0].port)}, with a route to it" if own else ""
    sentence = f"{container.name}'s network is {mode}: {container.engine} translates no port for it{ask}"
    return wish.blocker("NAT_NOT_PUBLISHED", sentence, (wish.manual,))


def _internal(wish: Wish) -> Blocker | None:
    """All networks of the container are internal."""
    container, snapshot = wish.container, wish.failure.home
    inside = {each.name for each in snapshot.networks if each.internal and each.engine == container.engine}
    names = [place.network for place in container.attachments]
    if not names or not inside.issuperset(names):
        return None
    sentence = (
        f"{container.name} is only in {', '.join(names)}, an internal network, "
        f"on which {container.engine} publishes no ports"
    )
    connect = f"connect {container.name} to a network that is not internal, or run it again in one"
    return wish.blocker("NAT_NOT_PUBLISHED", sentence, (Remedy(connect, (wish.served,), manual=True),))


def _gateway_elsewhere(wish: Wish) -> Blocker | None:
    """The network of a container's default route is one of the LAN, and it is there that ports are published
    (libnetwork, getGatewayEndpoint; since Docker 28 `--gw-priority` of docker-network-connect(1) chooses)."""
    container, snapshot = wish.container, wish.failure.home
    drivers = {each.name: each.driver for each in snapshot.networks if each.engine == container.engine}
    bridged = [place.network for place in container.attachments if drivers.get(place.network) == "bridge"]
    inside = snapshot.by_id.get(container.netns or "")
    if inside is None or not bridged or not container.engine.startswith("docker"):
        return None
    defaults = [route for route in inside.routes if not route.destination.prefixlen]
    gateways = {hop.gateway for route in defaults for hop in route.nexthops if hop.gateway}
    way = next((place for place in container.attachments if gateways & {place.gateway, place.gateway6}), None)
    if way is None or drivers.get(way.network) not in UNPUBLISHED:
        return None
    sentence = (
        f"{container.engine} publishes ports on the network of a container's default route, and {container.name}'s is "
        f"{way.network} ({drivers[way.network]}), which has none"
    )
    title = (
        f"connect {container.name} to {bridged[0]} with a higher gateway priority (--gw-priority 1, since Docker 28; "
        f"before, the first network by name has the default route), or take it out of {way.network}"
    )
    return wish.blocker("NAT_NOT_PUBLISHED", sentence, (Remedy(title, (wish.served,), manual=True),))


def _proxy_gone(wish: Wish) -> Blocker | None:
    """What rules of publishing leave to the engine's proxy: loopback addresses, and the container's own bridge."""
    failure, container = wish.failure, wish.container
    left = left_to_the_proxy(failure)
    holds = container.engine.startswith(HOLDING) and failure.leg is not FailedLeg.SERVICE
    if not holds or not (failure.packet.dst.is_loopback or left is not None):
        return None
    end = end_of(failure.packet.dst, wish.asked)
    sentence = f"{container.engine}'s proxy no longer holds {end} for {container.name}"
    if left is not None:
        sentence += f"; the port's rule leaves packets from the container's own bridge to it: {left.text}"
    return wish.blocker("NAT_PROXY_ABSENT", sentence, (_client(container, "restart"),), untranslated(failure))


def _wiped(wish: Wish) -> Blocker:
    failure, container, host = wish.failure, wish.container, wish.failure.netns
    found = services_for(failure, host, wish.asked)
    again = rewriting(container)
    reload = (_reload(container),) if container.engine.startswith("podman") and container.attachments else ()
    by_hand = tuple(publish(failure, host, service, wish.asked, again) for service in found)
    lasting = replace(wish.manual, title=again) if again and not reload else wish.manual
    remedies = (*reload, *(replace(each, fallback=bool(reload)) for each in by_hand))
    remedies += (replace(lasting, fallback=bool(by_hand) and not reload),)
    sentence = f"{container.engine} published {wish.asked} for {container.name}, but no rule of {host.id} translates it"
    evidence = tuple(f"{each.name} listens on {end_of(each.address, each.port)}" for each in found)
    return wish.blocker("NAT_RULES_WIPED", sentence, remedies, untranslated(failure), evidence)


REASONS: tuple[Callable[[Wish], Blocker | None], ...] = (
    _not_running,
    _on_another_address,
    _of_another_version,
    _without_a_network,
    _not_translated,
    _internal,
    _gateway_elsewhere,
    _proxy_gone,
    _wiped,
)


def _client(container: Container, verb: str) -> Remedy:
    """The engine's own client; it makes the rules and holds the port again."""
    change = SetContainer(container.id, container.command or (container.engine,), (verb, container.name), "running")
    return Remedy(f"{verb} {container.name}", (change,))


def _reload(container: Container) -> Remedy:
    """Podman makes a container's rules again while it runs."""
    words = ("network", "reload", container.name)
    change = SetContainer(container.id, container.command or (container.engine,), words, container.state)
    return Remedy(f"write the rules of {container.name} again with podman", (change,))
