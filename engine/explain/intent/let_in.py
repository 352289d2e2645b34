"""A client that nginx turns away by its address is let in by a line of its own."""

from __future__ import annotations

from ipaddress import ip_address

from engine.change import applied
from engine.change.application.proxy import ReloadProxy
from engine.change.application.proxy_access import LetIn
from engine.explain.blockers.proxies.answers import proxy_of
from engine.explain.fixes.config_files import written_at
from engine.explain.fixes.persistence import lasting
from engine.explain.search.endings import connects
from engine.model.application.proxy import ConfigPlace, ProxyKind
from engine.model.plan import Plan
from engine.model.trace import Conversation
from engine.model.verdict import Fix, FixKind, Question
from engine.model.where import named
from engine.path.exchange.conversation import conversations
from engine.path.world import World

DENIES = "denies "


def let_in(world: World, question: Question, talk: Conversation) -> tuple[Fix, ...]:
    """The fix for a client that is denied; none where another thing turns it away, or no file has the line. An address
    that the client got on the way is that of others as well."""
    http, snapshot = talk.http, world.snapshot
    proxy = proxy_of(snapshot, http) if http is not None else None
    if http is None or proxy is None or http.at is None or proxy.kind is not ProxyKind.NGINX:
        return ()
    if not http.words.startswith(DENIES):
        return ()
    client, place = ip_address(http.words.removeprefix(DENIES)), ConfigPlace(str(http.at.key[0]), int(http.at.key[1]))
    container = next((each for each in snapshot.containers if each.id == proxy.container), None)
    reload = ReloadProxy.of(snapshot, proxy)
    if reload is None or not place.line:
        return ()
    change = LetIn(proxy.netns, proxy.pids[0], place, client, *written_at(container, place.file))
    runs, complete = conversations(world.derive(applied(snapshot, (change, reload))), question)
    if not connects(runs, complete):
        return ()
    others = "" if client == talk.forward.hops[0].packet.src else ", the address of all who come that way"
    title = f"{http.at.name}: allow {client}{others}, then reload {http.by}"
    commands = (*change.argv(named()), *reload.argv(named()))
    survives = lasting(snapshot, (change,)).survives
    return (Fix(title, Plan(title, (change, reload)), commands, kind=FixKind.APPLICATION, survives=survives),)
