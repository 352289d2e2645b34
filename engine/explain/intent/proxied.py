"""What a proxy's line meant: the server that it names is nothing, and one beside it serves what is asked for.

The same alternatives as a client's own (`alternatives`) are walked from the proxy's namespace; the first that serves
the client, with the line changed, is the fix. A server is written by its container's name where the proxy can look that
up.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from engine.change import applied
from engine.change.application.proxy import ReloadProxy, SetUpstream, is_plain
from engine.explain.blockers.naming.resolvers import unanswered
from engine.explain.blockers.proxies.answers import answered, is_loopback, proxy_of
from engine.explain.fixes.config_files import written_at
from engine.explain.fixes.persistence import lasting
from engine.explain.intent.alternative import Alternative, Trust
from engine.explain.intent.asked import Asked
from engine.explain.intent.codes_of_nothing import NOTHING
from engine.explain.intent.instead import asked_at, connecting
from engine.explain.intent.let_in import let_in
from engine.explain.search.endings import connects
from engine.model.application.proxy import CIRCLE, HttpAnswer
from engine.model.plan import Plan
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Fix, FixKind, Question, Source
from engine.model.where import named
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace

#: Causes of the proxy's own connection that say that it is in another network than its server.
_APART = ("NAME_OTHER_NETWORK", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS", "FW_NET_ISOLATION_DROP")


def with_proxy(world: World, question: Question, talk: Conversation, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes behind that of the proxy's own answer. Where its line is the fault, that is the whole answer. Of
    proxies one behind the other it is the last one that counts."""
    blocker = answered(world.snapshot, talk)
    behind = _behind(talk)
    if behind is not None and blocker is not None:
        first, *rest = with_proxy(world, question, behind, causes)
        through = () if behind.http is talk.http else (blocker.cause.sentence,)
        return (replace(first, evidence=(*first.evidence, *through)), *rest)
    said = causes[0].code if causes else ""
    if said == "HTTP_ACCESS_DENIED" and not causes[0].fixes:
        return (replace(causes[0], fixes=let_in(world, question, talk)), *causes[1:])
    if blocker is None or talk.http is None or said in (blocker.code, "NAME_STALE_UPSTREAM"):
        return causes
    first = blocker.cause
    if not causes:
        return (first,)
    if causes[0].code in NOTHING:
        meant = _meant(world, question, talk)
        if meant is not None:
            code, because, fix = meant
            sentence = f"{first.sentence}; {because}" if because else first.sentence
            return (replace(first, code=code, sentence=sentence, fixes=(fix,), evidence=(causes[0].sentence,)),)
    causes = (*_unanswered(world, talk.http, talk), *causes)
    settled = (
        "the fix of the next cause lets the proxy through" if any(each.fixes for each in causes) else causes[0].settled
    )
    return (replace(first, code=_code(talk.http, causes[0]), settled=settled), *causes)


def _behind(talk: Conversation) -> Conversation | None:
    """The connection of a proxy or relay, where another proxy takes it and cannot serve."""
    second = talk.relayed
    if second is None or second.http is None or second.http.served or second.http.words == CIRCLE:
        return None
    return second


def _code(http: HttpAnswer, inner: Cause) -> str:
    """The proxy's answer by what is behind it."""
    if inner.code in _APART:
        return "HTTP_UPSTREAM_WRONG_NETWORK"
    if http.upstream is not None and is_loopback(http.upstream.host) and inner.code in NOTHING:
        return "HTTP_UPSTREAM_LOCALHOST"
    return http.reason


def _unanswered(world: World, http: HttpAnswer, talk: Conversation) -> tuple[Cause, ...]:
    """The look-up of the server's name, where its query got no answer."""
    if http.upstream is None or talk.relayed is None or talk.relayed.name is None:
        return ()
    asked = Question(Source(http.netns), IPv4Address(0), http.upstream.port, name=http.upstream.host)
    blocker = unanswered(world, asked, talk.relayed)
    return (blocker.cause,) if blocker is not None else ()


def _meant(world: World, question: Question, talk: Conversation) -> tuple[str, str, Fix] | None:
    """The code, the reason and the fix for a line that names the wrong server."""
    http, second = talk.http, talk.relayed
    proxy = proxy_of(world.snapshot, http) if http is not None else None
    if http is None or http.upstream is None or http.at is None or second is None or proxy is None:
        return None
    address = http.address or IPv4Address(0)
    inner = Question(Source(http.netns), address, http.upstream.port)
    asked = asked_at(world, inner, second)
    local = is_loopback(http.upstream.host)
    for alternative in connecting(world, asked, Trust.POSSIBLE if local else Trust.LIKELY):
        fix = _fix(world, question, http, asked, alternative)
        if fix is not None:
            return _code_of_line(http, moved=alternative.port != inner.port), alternative.because, fix
    return None


def _code_of_line(http: HttpAnswer, *, moved: bool) -> str:
    """What is wrong with a line: its host is the proxy's own, or its port is another one."""
    if http.upstream is not None and is_loopback(http.upstream.host):
        return "HTTP_UPSTREAM_LOCALHOST"
    return "HTTP_UPSTREAM_WRONG_PORT" if moved and http.reason != "HTTP_UPSTREAM_UNHEALTHY" else http.reason


def _fix(world: World, question: Question, http: HttpAnswer, asked: Asked, meant: Alternative) -> Fix | None:
    """The line with the other server, and the proxy that reads it again; None where the client is not served by it."""
    snapshot, server, at = world.snapshot, http.upstream, http.at
    proxy = proxy_of(snapshot, http)
    if proxy is None or server is None or at is None:
        return None
    container = next((each for each in snapshot.containers if each.id == proxy.container), None)
    place = server.at
    if not place.line or not is_plain(server.host):  # no file has it, or it is nothing that a command may hold
        return None
    path, enter = written_at(container, place.file)
    reload = ReloadProxy.of(snapshot, proxy)
    for host in (_name(world, asked, meant), str(meant.address)):
        if host is None or reload is None or not is_plain(host):
            continue
        old, new = (server.host, server.port), (host, meant.port)
        change = SetUpstream(proxy.netns, proxy.pids[0], place, old, new, path, enter)
        runs, complete = conversations(world.derive(applied(snapshot, (change, reload))), question)
        if connects(runs, complete):
            title = f"{at.name}: {old[0]}:{old[1]} → {new[0]}:{new[1]}, then reload {http.by}"
            commands = (*change.argv(named()), *reload.argv(named()))
            return Fix(
                title,
                Plan(title, (change, reload)),
                commands,
                kind=FixKind.APPLICATION,
                survives=lasting(snapshot, (change,)).survives,
            )
    return None


def _name(world: World, asked: Asked, meant: Alternative) -> str | None:
    """The container's name, where the proxy finds its address by it."""
    netns = world.snapshot.by_id.get(meant.netns)
    inside = world.snapshot.containers_in(meant.netns) if netns is not None else ()
    for container in inside:
        for name in dict.fromkeys((container.service, container.name)):
            if name:
                probe = Question(asked.question.source, IPv4Address(0), meant.port, name=name)
                runs, complete = conversations(world, probe)
                if connects(runs, complete):
                    return name
    return None
