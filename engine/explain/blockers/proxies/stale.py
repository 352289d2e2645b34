"""A name that the proxy looked up before its address changed: it asks the old one until it reads its files again."""

from __future__ import annotations

from engine.change.application.proxy import ReloadProxy
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.proxies.answers import proxy_of
from engine.explain.failure import Failure
from engine.model.ref import Ref, RefKind
from engine.model.verdict import FixKind


def stale_upstream(failure: Failure) -> list[Blocker]:
    """The address that the proxy asks is none of those that the name has now."""
    http, lookup = failure.http, failure.conversation.name
    if http is None or http.upstream is None or lookup is None or lookup.used in (None, *lookup.addresses):
        return []
    proxy = proxy_of(failure.world.snapshot, http)
    if proxy is None or not lookup.addresses:
        return []
    reload = ReloadProxy.of(failure.world.snapshot, proxy)
    now = ", ".join(map(str, lookup.addresses))
    why = (
        f"{http.by} in {http.netns} asks {lookup.used}, which {lookup.asked} had when it was last looked up; "
        f"it has {now} now"
    )
    at = http.at or Ref(RefKind.NETNS, http.netns, (), http.netns, http.netns)
    title = f"have {http.by} read its configuration again"
    remedies = (Remedy(title, (reload,), kind=FixKind.APPLICATION, meant=True),) if reload is not None else ()
    return [Blocker("NAME_STALE_UPSTREAM", why, at, remedies)]
