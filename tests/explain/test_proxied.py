"""Requests through proxies: several servers, several proxies, what is not understood, and what a plain port hides."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.change.application.proxy import SetUpstream
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.application.proxy import ConfigPlace, Proxy, ProxyKind, ProxyTable
from engine.model.container import PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.traffic import ConntrackEntry, Process, Relay, Tuple4
from engine.model.verdict import Reach, Verdict
from engine.model.where import named
from engine.prove.prove import Wishes
from tests.hosts.named import named_world, proxied, server, table, to
from views.reports.answer_json import document
from workbench.exits import Refusal
from workbench.session.attempt import attempt, nameless

URL = "http://proxy/"


def why(snapshot: Snapshot, target: str = URL, source: str = "client") -> Verdict:
    return ask(snapshot, resolve(snapshot, target, source))


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.told]


def test_a_request_that_is_served_names_the_server() -> None:
    found = document(why(proxied(server(to("web:80")))))
    assert (found["reach"], found["symptom"], found["causes"], found["findings"]) == ("yes", "connected", [], [])
    assert found["http"] == {
        "url": URL,
        "status": 200,
        "by": "nginx",
        "netns": "proxy",
        "at": {"file": "/etc/nginx/nginx.conf", "line": 3},
        "upstream": {"name": "web", "address": "172.18.0.3", "port": 80, "tls": False},
        "served": True,
    }
    assert found["relayed"]["name"]["addresses"] == ["172.18.0.3"]
    assert found["relayed"]["name"]["order"][0]["query"]["forward"]["outcome"] == "DELIVERED"


def test_another_server_is_asked_where_the_first_one_is_down() -> None:
    pool = "upstream pool { server web:81; server web:80 backup; }\n"
    verdict = why(proxied(pool + server(to("pool"))))
    assert verdict.reach is Reach.YES
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.upstream is not None
    assert verdict.conversation.http.upstream.port == 80


def test_what_is_not_understood_decides_nothing_and_is_named_by_its_line() -> None:
    verdict = why(proxied(server("location / { content_by_lua_block { x() } }")))
    assert verdict.reach is Reach.DEPENDS
    assert codes(verdict) == ["INFO_DEPENDS"]
    assert verdict.causes[0].at.name == "/etc/nginx/nginx.conf:3"
    assert "content_by_lua_block" in verdict.causes[0].sentence


def test_a_server_whose_name_is_looked_up_outside_leaves_the_answer_open() -> None:
    verdict = why(proxied(server(to("api.example.com"))))
    assert verdict.reach is Reach.DEPENDS
    assert "INFO_DEPENDS" in codes(verdict)
    assert any("api.example.com" in each.sentence for each in verdict.causes)


def test_a_configuration_that_cannot_be_read_leaves_the_answer_open() -> None:
    snapshot = proxied(server(to("web")))
    unread = replace(snapshot.proxies[0], table=ProxyTable(unread="its configuration cannot be read: x"))
    verdict = why(replace(snapshot, proxies=(unread,)))
    assert (verdict.reach, codes(verdict)) == (Reach.DEPENDS, ["INFO_DEPENDS"])
    assert "cannot be read" in verdict.causes[0].sentence


def test_a_proxy_behind_a_proxy() -> None:
    world = named_world()
    second = Process(901, "nginx")
    world["web"].listeners.clear()
    world["web"].listen(80, process=second)
    snapshot = proxied(server(to("web")), world)
    web = next(each for each in snapshot.containers if each.name == "web")
    inner = Proxy(ProxyKind.NGINX, "web", (second.pid,), table(server(to("client:3001"), "_")), web.id)
    verdict = why(replace(snapshot, proxies=(*snapshot.proxies, inner)))
    assert verdict.reach is Reach.NO
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.status == 502
    cause = verdict.causes[0]
    assert (cause.at.netns, "on to client:3001" in cause.sentence) == ("web", True)
    assert [each for each in cause.evidence if "nginx in proxy" in each and "answers 502 itself" in each]


def test_a_flow_to_another_server_is_no_old_address_of_a_name() -> None:
    snapshot = proxied(server(to("gone") + " location /web { proxy_pass http://web; }"))
    proxy = snapshot.by_id["proxy"]
    ends = ip_address("172.18.0.2"), ip_address("172.18.0.3")
    flow = ConntrackEntry(Protocol.TCP, Tuple4(*ends, 40000, 80), Tuple4(ends[1], ends[0], 80, 40000))
    verdict = why(snapshot.with_netns(replace(proxy, conntrack=(flow,))))
    assert verdict.reach is Reach.DEPENDS  # on what a server outside says of the name
    assert "NAME_STALE_UPSTREAM" not in codes(verdict)
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.address is None


def test_the_published_port_of_a_proxy() -> None:
    world = named_world()
    relay = Process(790, "docker-proxy", relay=Relay("docker-proxy", ip_address("172.18.0.2"), 80))
    world["host"].listen(8080, process=relay)
    world.containers[0] = replace(world.containers[0], published=(PublishedPort(Protocol.TCP, None, 8080, 80),))
    snapshot = proxied(server(to("web:81"), "_"), world)
    verdict = why(snapshot, "http://10.77.0.1:8080/", "ns:lan")
    assert (verdict.reach, verdict.symptom) == (Reach.NO, Symptom.CONNECTED)
    assert codes(verdict) == ["HTTP_UPSTREAM_WRONG_PORT"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (server(to("web:81"), "blog.test"), ["HTTP_UPSTREAM_WRONG_PORT"]),
        (server(to("db:5432"), "blog.test"), ["HTTP_UPSTREAM_WRONG_NETWORK", "NAME_OTHER_NETWORK"]),
        (server(to("web"), "blog.test"), []),
        (server("return 404;", "blog.test"), []),
    ],
)
def test_a_port_that_connects_is_told_of_the_server_that_is_not_reached(text: str, found: list[str]) -> None:
    verdict = why(proxied(text), "proxy:80")
    assert (verdict.reach, verdict.causes) == (Reach.YES, ())
    assert codes(verdict) == found


@pytest.mark.parametrize(
    ("inside", "url", "status", "served"),
    [
        ("return 204;", URL, 204, True),
        ("return 301 https://proxy$request_uri;", URL, 301, True),
        ("return 301 http://$host$request_uri;", "http://proxy/a", 301, False),
        ("root /srv;", URL, 200, True),
        ("return 503;", URL, 503, False),
        (f"{to('web')} location /down {{ return 500; }}", "http://proxy/down/x", 500, False),
    ],
)
def test_a_proxy_that_answers_itself(inside: str, url: str, status: int, served: bool) -> None:
    http = why(proxied(server(inside)), url).conversation.http
    assert http is not None
    assert (http.status, http.served, http.upstream) == (status, served, None)


def test_nothing_is_sent_for_a_name_without_an_address() -> None:
    snapshot = proxied(server(to("web")))
    verdict = why(snapshot, "http://db/")
    assert nameless(verdict)
    assert not nameless(why(snapshot))
    with pytest.raises(Refusal, match="nothing can be sent: db has no address"):
        attempt(snapshot, verdict, Wishes(1.0, None))


@pytest.mark.parametrize("host", ["x'$(id)'", "x#e;id#", "a b", "`id`", "x|id", "x/../y"])
def test_a_fix_holds_nothing_of_a_stranger_s_text_that_a_shell_or_sed_would_run(host: str) -> None:
    snapshot = proxied(server(to("web:81")))
    (proxy,) = snapshot.proxies
    (site,) = proxy.table.sites
    (route,) = site.routes
    (told,) = route.upstreams
    strange = replace(site, routes=(replace(route, upstreams=(replace(told, host=host, port=81),)),))
    changed = replace(snapshot, proxies=(replace(proxy, table=ProxyTable((strange,))),))
    verdict = why(changed)
    commands = [argv for each in verdict.told for fix in each.fixes for argv in fix.commands]
    assert not any(host in word for argv in commands for word in argv)
    with pytest.raises(ValueError, match="a command may hold"):
        SetUpstream("proxy", 900, told.at, (host, 81), ("web", 80), "/etc/nginx/nginx.conf")


def test_a_path_is_quoted() -> None:
    change = SetUpstream("proxy", 900, ConfigPlace("/x", 3), ("a", 1), ("b", 2), "/srv/my files/$(id).conf")
    ((*_, script),) = change.argv(named())
    assert script.count("'/srv/my files/$(id).conf'") == 2
