"""What a name was taken for: causes that say so, where the look-up gave an address and nothing is there.

1. `localhost` in a container is the container, and its published port is not one inside.
2. A line of the hosts file comes before the servers. Where the servers' address connects, the line is the cause.
3. Other answers for the same name (`other_answers`) tell that the client got one that is not for it.
"""

from __future__ import annotations

from engine.change import applied
from engine.change.application.hosts_line import DeleteHostsLine
from engine.explain.fixes.persistence import lasting
from engine.explain.intent.codes_of_nothing import NOTHING
from engine.explain.intent.other_answers import by_another_resolver, by_search_list
from engine.explain.search.endings import connects
from engine.model.application.naming import NameConfig, NamedBy, NameLookup, NameStep
from engine.model.container import Container
from engine.model.host import Snapshot
from engine.model.plan import Plan
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Fix, FixKind, Question
from engine.model.where import named
from engine.path.exchange.conversation import conversations
from engine.path.naming.lookup import config_of
from engine.path.world import World
from engine.records import replace


def with_names(world: World, question: Question, talk: Conversation, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes, with what the name has to do with them."""
    lookup = talk.name
    if lookup is None or lookup.used is None or not causes:
        return causes
    shadowed = _shadowed(world, question, lookup)
    if shadowed is not None:
        return (shadowed, *causes)
    other = by_search_list(world, question, lookup) or by_another_resolver(world, question, talk)
    if other is not None:
        return (other, *causes)
    first, *others = causes
    if first.code not in NOTHING:
        return causes
    snapshot = world.snapshot.around(question.source.netns)
    if lookup.asked == "localhost":
        where = question.source.netns
        why = f"localhost in {where} is {where} itself: {first.sentence}"
        return (replace(first, code="NAME_LOCALHOST_IS_ITSELF", sentence=why), *others)
    holder = _published_as(snapshot, question, lookup)
    if holder is not None:
        inner = holder[1]
        fact = first.sentence.partition(": ")[0]
        why = f"{fact}: {question.port} is the port that it publishes on the host, inside it is {inner}"
        return (replace(first, code="NAME_PUBLISHED_PORT_USED_INSIDE", sentence=why), *others)
    return causes


def _published_as(snapshot: Snapshot, question: Question, lookup: NameLookup) -> tuple[Container, int] | None:
    """The container that the name is of, and its port behind the published one that was asked for."""
    for container in snapshot.containers:
        own = {place.address for place in container.attachments} | {place.address6 for place in container.attachments}
        if lookup.used in own:
            for port in container.published:
                if port.host_port == question.port != port.container_port and port.protocol is question.protocol:
                    return container, port.container_port
    return None


def _shadowed(world: World, question: Question, lookup: NameLookup) -> Cause | None:
    """A line of the hosts file that keeps the client from an address at which it would connect."""
    config = config_of(world.snapshot, question.source)
    step = next((each for each in lookup.order if each.by is NamedBy.HOSTS), None)
    if (
        config is None
        or step is None
        or step.at is None
        or lookup.used not in step.answer
        or lookup.asked == "localhost"
    ):
        return None
    number = step.at.key[1]
    change = DeleteHostsLine(
        config.netns, config.container, config.hosts_file, int(number), _enter(world.snapshot, config)
    )
    after = world.derive(applied(world.snapshot, (change,)))
    runs, complete = conversations(after, question)
    if not connects(runs, complete) or runs[0].result.name is None:
        return None
    now = runs[0].result.name
    title = f"remove line {number} of {config.hosts_file} ({step.at.text})"
    fix = Fix(
        title,
        Plan(title, (change,)),
        change.argv(named()),
        survives=lasting(world.snapshot, (change,)).survives,
        kind=FixKind.APPLICATION,
    )
    why = (
        f"{config.hosts_file} line {number} gives {lookup.asked} the address {lookup.used}, and is asked first; "
        f"{_teller(now)} has {now.used}, where the client connects"
    )
    return Cause("NAME_SHADOWED_BY_HOSTS", why, step.at, fixes=(fix,))


def _teller(lookup: NameLookup) -> str:
    last: NameStep | None = lookup.last
    if last is None or last.server is None:
        return "the next line"
    return {NamedBy.DOCKER: "Docker's resolver", NamedBy.AARDVARK: "Podman's resolver"}.get(last.by, str(last.server))


def _enter(snapshot: Snapshot, config: NameConfig) -> tuple[str, ...]:
    container = next((each for each in snapshot.containers if each.id == config.container), None)
    if container is None:
        return ()
    return (*(container.command or (container.engine,)), "exec", container.name)
