"""Publishing: the rules that publish a port and what does it for good, and a rule that keeps a packet from them."""

from __future__ import annotations

from engine.change.rule import DeleteRule
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.rules import accepting, translating
from engine.explain.blockers.publishing.services import IntendedService
from engine.explain.evidence.near_misses import Passed, kept_from, near_misses
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import translates
from engine.explain.failure import FailedLeg, Failure, is_tcp, place_of, rule_at, translation_of
from engine.model.address import end_of
from engine.model.container import Container
from engine.model.firewall import Match, Rule
from engine.model.host import Netns
from engine.model.plan import Change
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Step
from engine.model.traffic import Listener
from engine.model.verdict import FixKind, NearMiss
from engine.path.fields.matches import Answer, matches
from engine.path.lookup.view import View

#: Engines with a program of their own that holds a published port, and with a client that runs a container again.
HOLDING = ("docker", "podman")


def kept_from_translation(failure: Failure) -> list[Blocker]:
    """A rule of nat that returns or accepts takes the packet before the rule that translates it is asked."""
    if failure.leg is not FailedLeg.FORWARD or failure.depth or translation_of(failure):
        return []
    hop = failure.trace.hops[-1]
    ref = kept_from(Passed(failure.world, hop.netns, _first_hook(failure), hop.steps), translates)
    found = rule_at(failure.world, ref) if ref is not None else None
    if ref is None or found is None:
        return []
    sentence = f"{ref.words} in {ref.netns} accepts the packet untranslated, before the rule that translates it"
    remedy = Remedy(f"delete {ref.words}", (DeleteRule(place_of(ref), found[1]),))
    owner = owner_of(ref, failure.netns.firewall)
    return [
        Blocker("NAT_DNAT_SHADOWED", sentence, ref, (remedy,), owner, (f"rule: {ref.text}",), untranslated(failure))
    ]


def left_to_the_proxy(failure: Failure) -> Rule | None:
    """The rule that would have translated the packet if it came by any other device: as Docker writes it beside its
    proxy, which takes what a container asks of its own bridge."""
    first = _first_hook(failure)
    view = View(failure.netns, failure.world.fib(failure.netns), first.packet, first.context, first.hook)
    for table in failure.netns.firewall.tables:
        for rule in (each for chain in table.chains for each in chain.rules if any(map(translates, each.statements))):
            conditions = [each for each in rule.statements if isinstance(each, Match)]
            failed = [each for each in conditions if matches(each, view, table) is not Answer.YES]
            if len(failed) == 1 and failed[0].negate and failed[0].fields[0].name == "meta iifname":
                return rule
    return None


def run_again(container: Container, port: str) -> str:
    """What publishes a port for good: the pod's specification, the Compose file, else the container's command line."""
    if container.pod and not container.engine.startswith(HOLDING):
        outer, _, inner = port.rpartition(":")
        return f"make {container.pod} again with a port whose hostPort is {outer} and containerPort {inner}"
    if container.service:
        client = (container.command or (container.engine,))[0]
        return (
            f'put "{port}" under `ports:` of the service {container.service} of {container.project or "its project"}, '
            f"then `{client} compose up -d {container.service}`"
        )
    return f"run {container.name} again with -p {port}"


def rewriting(container: Container) -> str:
    """What has a container's engine write the rules of its published ports again; empty where that is not known."""
    if container.engine.startswith("podman"):
        return f"podman network reload {container.name} writes its rules again"
    if not container.engine.startswith("docker"):
        return ""
    return f"restart the engine{' (systemctl restart docker)' if container.of_host else ''}: it writes its rules again"


def asking(failure: Failure, asked: int, port: int) -> str:
    """The ports of a published service in the words of the engine's client: `8080:80`, `5353:53/udp`."""
    return f"{asked}:{port}" + ("" if is_tcp(failure) else f"/{failure.question.protocol}")


def publish(failure: Failure, host: Netns, service: IntendedService, asked: int, lasting: str = "") -> Remedy:
    """The rules that the engine itself writes for a published port, in the chains that it keeps for them. `lasting` is
    what publishes it for good, where the container need not be run again for that."""
    port = asking(failure, asked, service.port)
    title = f"publish {asked} for {service.name} at {end_of(service.address, service.port)}"
    if service.container:
        title = f"{lasting or run_again(service.container, port)}; until then: {title}"
    return Remedy(
        title, (*_translation(failure, host, service, asked), *acceptance(failure, host, service)), kind=FixKind.PUBLISH
    )


def _translation(failure: Failure, host: Netns, service: IntendedService, asked: int) -> tuple[Change, ...]:
    own_packet = failure.trace.hops[0].netns == host.id and not failure.question.source.outside
    return translating(host, service, asked, failure.question.protocol, "output" if own_packet else "prerouting")


def acceptance(failure: Failure, host: Netns, service: IntendedService) -> tuple[Change, ...]:
    """The filter rule that goes with a translation; none where it is there, or there is no filter at all."""
    return accepting(host, service, failure.question.protocol)


def held(failure: Failure, asked: int) -> Listener:
    """A program of the host's that takes the port that is asked for, at any address."""
    return Listener(failure.question.protocol, failure.packet.family, None, asked)


def port_ref(failure: Failure, host: Netns) -> Ref:
    """The port that is asked for, on the host."""
    port = f"{failure.packet.dport}/{failure.question.protocol}"
    return Ref(RefKind.NETNS, host.id, (), f"port {port}", f"port {port} of {host.id}")


def untranslated(failure: Failure, where: Hop | None = None) -> tuple[NearMiss, ...]:
    """Rules that would have translated the packet where it ended (or on that part of its way), but for a condition or
    two."""
    hop = where or failure.trace.hops[-1]
    return near_misses(Passed(failure.world, hop.netns, _first_hook(failure, hop), hop.steps), translates)


def _first_hook(failure: Failure, hop: Hop | None = None) -> Step:
    """The step at which a translation would have been made."""
    steps = (hop or failure.trace.hops[-1]).steps
    return next((step for step in steps if step.hook in ("prerouting", "output")), steps[-1])
