"""A client whose environment names a proxy for the URL: it may ask that, and never the server."""

from __future__ import annotations

from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question
from engine.path.world import World

_HEEDED = "curl, wget, git, and clients of Go, Python and Node heed these variables; a plain TCP client does not"


def asked_of_a_proxy(world: World, question: Question, _talk: Conversation) -> list[Cause]:
    """HTTP_CLIENT_PROXY: the container has http_proxy or https_proxy, and no_proxy does not have the URL's host."""
    url = question.url
    if url is None or question.source.outside or url.via:
        return []
    found = []
    for client in world.snapshot.containers_in(question.source.netns):
        named = client.client_proxy
        proxy = named.of(url.scheme, url.host) if named is not None else ""
        if named is None or not proxy:
            continue
        variable, exempt = f"{url.scheme}_proxy", ",".join(named.exempt)
        sentence = (
            f"{variable} of {client.name} is {proxy}, and no_proxy does not list {url.host}: programs that heed it ask "
            "that proxy, not the server"
        )
        at = Ref(RefKind.CONTAINER, question.source.netns, (client.id,), client.name, f"{variable}={proxy}")
        entries = f"no_proxy={exempt}" if exempt else "no_proxy is not set"
        settled = f"add {url.host} to no_proxy in the environment of {client.name}, and make it again"
        found.append(Cause("HTTP_CLIENT_PROXY", sentence, at, evidence=(entries, _HEEDED), settled=settled))
    return found
