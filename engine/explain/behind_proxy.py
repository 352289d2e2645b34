"""The connection works, and the proxy that takes it cannot serve: a client that speaks HTTP gets its error.

A question for a port names no Host. Each name that the proxy has at that door is tried, and the first whose server is
not reached is named, as a question with that URL would be.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.causes import causes_of
from engine.explain.search.endings import main_run
from engine.model.application.proxy import Proxy
from engine.model.packet import Protocol
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question, Url
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace

#: So many names are tried.
MOST = 4


def unserved(world: World, question: Question, talk: Conversation) -> list[Cause]:
    """Why HTTP clients of a proxy are not served, where a question for its port connects."""
    if question.url is not None or question.protocol is not Protocol.TCP or not world.snapshot.proxies:
        return []
    while talk.relayed is not None:
        talk = talk.relayed
    last = talk.forward.last
    proxy = next((each for each in world.snapshot.proxies if each.netns == talk.forward.hops[-1].netns), None)
    for url in _urls(proxy, question, last.packet.dport or 0) if proxy is not None else ():
        asked = replace(question, url=url)
        runs, _ = conversations(world, asked)
        main = main_run(runs)
        http = main.result.http
        if http is not None and not http.served and http.upstream is not None:
            return list(causes_of(world, asked, main))
    return []


def _urls(proxy: Proxy, question: Question, port: int) -> Iterator[Url]:
    """A URL for each of the first names at a door; for sites without a name the address itself."""
    doors = [(site, door) for site in proxy.table.sites for door in site.doors if door.port == port]
    for site, door in doors[:MOST]:
        plain = [name for name in site.names if name and not name.startswith(("*", "~", "."))]
        host = plain[0] if plain else question.name or str(question.address)
        yield Url("https" if door.tls else "http", host, question.port)
