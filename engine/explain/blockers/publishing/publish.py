"""Publishing: the rules that publish a port and what does it for good, and a rule that keeps a packet from them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.new_rules import Selector, insertion, translation
from engine.change.rule import DeleteRule
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.services import IntendedService
from engine.explain.evidence.near_misses import Passed, kept_from, near_misses, targets
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import translates
from engine.explain.failure import FailedLeg, Failure, is_tcp, place_of, rule_at, translation_of
from engine.model.address import end_of
from engine.model.container import Container
from engine.model.firewall import Backend, Chain, Match, Reject, Rule, RuleVerdict, Table, VerdictKind
from engine.model.host import Netns
from engine.model.owner import owner_of_chain
from engine.model.plan import Change
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Step
from engine.model.traffic import Listener
from engine.model.verdict import FixKind, NearMiss
from engine.model.where import RulePlace
from engine.path.fields.matches import Answer, matches
from engine.path.lookup.view import View

#: Chains that an engine keeps for the translations and the ports that are let in; {} is the bridge's name.
OWN = ("DOCKER", "nat-prerouting-and-output", "filter-forward-in__{}")
#: Tools that write their tables anew, without what others put into them.
STRANGERS = frozenset({"firewalld", "libvirt", "kube-proxy", "incus", "lxd", "fail2ban", "crowdsec"})
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


def written_anew(container: Container) -> str:
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
    """None on a host that translates nothing, where no engine tells that it should."""
    own_packet = failure.trace.hops[0].netns == host.id and not failure.question.source.outside
    hook = "output" if own_packet else "prerouting"
    nat = engine_chain(host, "nat", hook, service)
    translates_here = any(_bases(table, "nat", hook) for table in host.firewall.tables)
    if nat is None and service.container is None and not translates_here:
        return ()  # nobody translates here, and no engine would: a program has to listen
    place = _end_of(host, *nat) if nat else iptables_place(host, service.address.version, "nat", hook.upper())
    own = nat is not None and nat[1].base is None
    # Where packets are made here they come in by no device, and iptables refuses -i.
    bridge = "" if hook == "output" and not own else service.bridge.name
    selector = Selector(failure.question.protocol, dport=asked, not_iif=bridge, local_destination=not own)
    return (translation(place, selector, service.address, service.port),)


def acceptance(failure: Failure, host: Netns, service: IntendedService) -> tuple[Change, ...]:
    """The filter rule that goes with a translation; none where it is there, or there is no filter at all."""
    accept = engine_chain(host, "filter", "forward", service)
    if accept is None:
        return ()
    table, chain = accept
    bridge = service.bridge.name
    selector = Selector(
        failure.question.protocol, destination=service.address, dport=service.port, not_iif=bridge, oif=bridge
    )
    change = insertion(_end_of(host, table, chain, before_drops=True), selector)
    there = any(rule.text == change.rule.text for rule in chain.rules)
    return () if there else (change,)


def held(failure: Failure, asked: int) -> Listener:
    """A program of the host's that takes the port that is asked for, at any address."""
    return Listener(failure.question.protocol, failure.packet.family, None, asked)


def engine_chain(host: Netns, kind: str, hook: str, service: IntendedService) -> tuple[Table, Chain] | None:
    """The engine's own chain in a table with a base chain of that kind and hook, else that base chain; of nftables'
    own tables, where a base chain accepts nothing for good, a filter is only meant where the chain is the engine's."""
    families = ("ip" if service.address.version == 4 else "ip6", "inet")
    names = {name.format(service.bridge.name) for name in OWN}
    for table in host.firewall.tables:
        bases = _bases(table, kind, hook)
        if not bases or table.family not in families or owner_of_chain(table.name, bases[0].name) in STRANGERS:
            continue
        own = next((each for each in _reached(table, bases[0]) if each.name in names), None)
        if own is not None or table.backend is not Backend.NFT or kind == "nat":
            return table, own or bases[0]
    return None


def _bases(table: Table, kind: str, hook: str) -> list[Chain]:
    return [each for each in table.chains if each.base and (each.base.kind, each.base.hook) == (kind, hook)]


def iptables_place(netns: Netns, version: int, table: str, chain: str) -> RulePlace:
    """The begin of a chain that iptables has, or makes when a rule is put there: of the kind that is in use."""
    legacy = any(each.backend is Backend.XT_LEGACY for each in netns.firewall.tables)
    backend = Backend.XT_LEGACY if legacy else Backend.XT_NFT
    return RulePlace(netns.id, backend, "ip" if version == 4 else "ip6", table, chain, 0)


def _reached(table: Table, chain: Chain) -> Iterator[Chain]:
    """The chains that rules of a chain lead to, and those that these lead to: Docker Engine 28 has two between."""
    seen, ahead = {chain.name}, [chain]
    for each in ahead:
        for target in (target for rule in each.rules for target in targets(table, rule)):
            if target.name not in seen:
                seen.add(target.name)
                ahead.append(target)
                yield target


def _end_of(host: Netns, table: Table, chain: Chain, *, before_drops: bool = False) -> RulePlace:
    """The end of a chain, before the rules that drop whatever is left."""
    end = len(chain.rules)
    while before_drops and end and _drops(chain.rules[end - 1]):
        end -= 1
    return RulePlace(host.id, table.backend, table.family, table.name, chain.name, end)


def _drops(rule: Rule) -> bool:
    last = rule.statements[-1] if rule.statements else None
    return isinstance(last, Reject) or (isinstance(last, RuleVerdict) and last.kind is VerdictKind.DROP)


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
