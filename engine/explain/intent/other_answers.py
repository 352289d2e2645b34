"""Other answers for the same name: a search list's, another resolver's. Each is walked before it is shown.

1. A name that only the search list completed belongs to another domain, and a container has the plain name.
2. Two resolvers of one client may answer from different sides (split horizon): the one that it asks gives an address
   that is not for it, another one that it could ask gives one at which it connects.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.search.endings import connects
from engine.model.address import IPAddress
from engine.model.application.naming import DNS_PORT, NameConfig, NamedBy, NameLookup, NameSymptom
from engine.model.packet import Protocol
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question
from engine.path.choices import Choices
from engine.path.exchange.by_name import at_address
from engine.path.exchange.conversation import conversations, converse
from engine.path.naming.answers import names_of
from engine.path.naming.lookup import config_of, file_ref, look_up
from engine.path.naming.servers import NameAsker
from engine.path.world import World
from engine.records import replace

#: So many other resolvers are asked.
MOST = 4


def by_search_list(world: World, question: Question, lookup: NameLookup) -> Cause | None:
    """The search list gave the name an address of another domain, and a container is called so."""
    config, step = config_of(world.snapshot, question.source), lookup.last
    plain = lookup.asked.lower().rstrip(".")
    if config is None or step is None or step.symptom is not NameSymptom.FOUND or step.name == plain:
        return None
    holder = next(
        (each for each in world.snapshot.containers for place in each.attachments if plain in names_of(each, place)),
        None,
    )
    if holder is None or step.by not in (NamedBy.DNS, NamedBy.LOCAL, NamedBy.DOCKER):
        return None
    why = (
        f"{question.source.netns} takes {lookup.asked} for {step.name} ({lookup.used}), by the search list of "
        f"{config.resolv_file}; the container {holder.name} is not asked"
    )
    return Cause("NAME_SEARCH_DOMAIN", why, file_ref(config.netns, config.resolv_file))


def by_another_resolver(world: World, question: Question, talk: Conversation) -> Cause | None:
    """Another resolver has an address for the name at which the client connects."""
    lookup = talk.name
    config = config_of(world.snapshot, question.source)
    if lookup is None or config is None or lookup.last is None or lookup.last.server is None:
        return None
    for server in list(_others(world, config, lookup))[:MOST]:
        found = _asked(world, question, replace(config, servers=(server,), hosts=(), sources=("dns",)))
        for address in found.addresses:
            if address not in lookup.addresses and connects(*conversations(world, at_address(question, address))):
                why = (
                    f"{lookup.last.server} says that {lookup.asked} is {lookup.used}, {server} that it is {address}, "
                    f"where {question.source.netns} connects: the first answer is for clients elsewhere"
                )
                return Cause("NAME_SPLIT_HORIZON", why, file_ref(config.netns, config.resolv_file))
    return None


def _others(world: World, config: NameConfig, lookup: NameLookup) -> Iterator[IPAddress]:
    """The client's other servers, and addresses of resolvers that are in the snapshot."""
    asked = {step.server for step in lookup.order}
    yield from (server for server in config.servers if server not in asked)
    for resolver in world.snapshot.resolvers:
        netns = world.netns(resolver.netns)
        heard = [each for each in netns.listeners if each.port == DNS_PORT and each.protocol is Protocol.UDP]
        own = [each for each in netns.addresses_by_value if not each.is_loopback]
        for listener in heard:
            yield from (each for each in own if listener.address in (None, each) and each not in asked)


def _asked(world: World, question: Question, config: NameConfig) -> NameLookup:
    """The look-up by another configuration."""
    asker = NameAsker(world, config, lambda query: converse(world, query, Choices(), 1))
    return look_up(asker, question.source, question.name)
