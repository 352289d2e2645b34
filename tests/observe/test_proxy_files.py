"""Configurations of reverse proxies as people write them, as tables of sites and routes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, ConfigPlace, PathMatch, Proxy, ProxyKind, ProxyTable, ResolvedWhen
from engine.model.container import Attachment, Container
from engine.observe.base.inside_root import Root
from engine.observe.proxies import apache, haproxy, traefik
from engine.observe.proxies.caddy import configuration as caddy
from engine.observe.proxies.certificate import parse_certificate
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.running import READERS
from engine.observe.proxies.traefik_files import provided
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.path.proxies.access import as_asked_by
from engine.path.proxies.choosing import Chosen, choose, fits_expression
from engine.records import replace

USUAL = {
    ProxyKind.NGINX: "/etc/nginx/nginx.conf",
    ProxyKind.HAPROXY: "/etc/haproxy/haproxy.cfg",
    ProxyKind.CADDY: "/etc/caddy/Caddyfile",
    ProxyKind.APACHE: "/etc/apache2/apache2.conf",
}


def read(kind: ProxyKind, root: Path, text: str, words: Sequence[str] = (), **more: str) -> ProxyTable:
    """The table of a configuration below a root; `more` are files beside it, by name."""
    path = root / USUAL[kind].lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for name, inside in more.items():
        (path.parent / name).write_text(inside)
    with Root(str(root)) as opened:
        return READERS[kind](RootFiles(opened), [str(kind), *words])


def chosen(table: ProxyTable, kind: ProxyKind, host: str, path: str = "/", port: int = 80) -> Chosen | None:
    return choose(Proxy(kind, "web", (1,), table), ip_address("10.0.0.1"), port, host, path)


def where(table: ProxyTable, kind: ProxyKind, host: str, path: str = "/", port: int = 80) -> str:
    """In a word, what a request falls to: the servers, or the status."""
    found = chosen(table, kind, host, path, port)
    if found is None or found.route is None:
        return "nothing"
    route = found.route
    if route.action is Action.PASS:
        return ",".join(f"{each.host}:{each.port}{'/tls' if each.tls else ''}" for each in route.upstreams)
    if route.action is Action.REDIRECT:
        return f"{route.status} {route.location}"
    return route.words if route.action is Action.UNKNOWN else str(route.status)


NGINX = """
user www-data; # a comment with { braces ;
events { worker_connections 1; }
http {
  upstream pool { server app1:3000 weight=2; server app2; server spare:9 backup; server gone:1 down; }
  map $host $x { default 1; }
  include sites/*.conf;
  server { listen 80 default_server; server_name _; return 444; }
  server {
    listen 80; listen [::]:80; listen 443 ssl; server_name blog.example.test *.blog.test ~^www\\d+\\.re\\.test$;
    set $api api; resolver 127.0.0.11 valid=10s;
    location / { proxy_pass http://pool; }
    location = /exact { return 204; }
    location ^~ /static/ { root /srv; }
    location ~* \\.(png|jpg)$ { proxy_pass https://images; }
    location /api/ { proxy_pass http://$api:8080/; }
    location /lua { content_by_lua_block { if x then ngx.say("}") end } }
    location /var { proxy_pass http://$upstream; }
    location /nested { location /nested/in { proxy_pass http://inner:7; } proxy_pass http://outer:6; }
    location "/quo ted" { return 302 https://other.test$request_uri; }
  }
}
"""


def test_nginx(tmp_path: Path) -> None:
    (tmp_path / "etc/nginx/sites").mkdir(parents=True)
    (tmp_path / "etc/nginx/sites/b.conf").write_text("server { listen 8080; location / { proxy_pass http://b; } }")
    (tmp_path / "srv").mkdir()
    table = read(ProxyKind.NGINX, tmp_path, NGINX)
    asked = {
        ("blog.example.test", "/"): "app1:3000,app2:80,spare:9,gone:1",
        ("a.blog.test", "/"): "app1:3000,app2:80,spare:9,gone:1",
        ("www7.re.test", "/exact"): "204",
        ("blog.example.test", "/exact/more"): "app1:3000,app2:80,spare:9,gone:1",
        ("blog.example.test", "/static/x.png"): "200",
        ("blog.example.test", "/pics/x.PNG"): "images:443/tls",
        ("blog.example.test", "/api/v1?x=1"): "api:8080",
        ("blog.example.test", "/nested/in/x"): "inner:7",
        ("blog.example.test", "/nested"): "outer:6",
        ("blog.example.test", "/quo ted"): "302 https://other.test$request_uri",
        ("blog.example.test", "/var"): "proxy_pass http://$upstream",
        ("10.0.0.1", "/"): "444",
    }
    assert {key: where(table, ProxyKind.NGINX, *key) for key in asked} == asked
    assert where(table, ProxyKind.NGINX, "any", "/", 8080) == "b:80"
    found = chosen(table, ProxyKind.NGINX, "blog.example.test", "/api/")
    assert found is not None
    assert found.route is not None
    assert (found.route.when, found.route.resolvers) == (ResolvedWhen.EACH, ("127.0.0.11",))
    assert str(found.route.at) == "/etc/nginx/nginx.conf:16"
    assert {door.tls for site in table.sites for door in site.doors if door.port == 443} == {True}


@pytest.mark.parametrize(
    ("passes", "server", "when"),
    [
        ("http://app:3000", "app:3000", ResolvedWhen.START),
        ("http://app/x/", "app:80", ResolvedWhen.START),
        ("http://app:3000$request_uri", "app:3000", ResolvedWhen.EACH),
        ("https://app:3000/$1", "app:3000/tls", ResolvedWhen.EACH),
        ("$up", "app:7", ResolvedWhen.EACH),
        ("http://$name:8$request_uri", "app:8", ResolvedWhen.EACH),
        ("http://[fd00::1]:3000", "fd00::1:3000", ResolvedWhen.START),
        ("http://$unknown", "proxy_pass http://$unknown", ResolvedWhen.EACH),
        ("http://app$port", "proxy_pass http://app$port", ResolvedWhen.EACH),
    ],
)
def test_nginx_passes_on(passes: str, server: str, when: ResolvedWhen, tmp_path: Path) -> None:
    text = f"set $up http://app:7; set $name app; location / {{ proxy_pass {passes}; }}"
    table = read(ProxyKind.NGINX, tmp_path, f"http {{ server {{ listen 80; {text} }} }}")
    assert where(table, ProxyKind.NGINX, "") == server
    found = chosen(table, ProxyKind.NGINX, "")
    assert found is not None
    assert found.route is not None
    assert found.route.when is when


HAPROXY = """
global
  daemon
defaults
  mode http
frontend f
  bind :80
  bind *:443 ssl crt /etc/x.pem
  acl blog hdr(host) -i blog.example.test
  acl api path_beg /api
  http-request redirect scheme https code 301 if { hdr(host) -i old.test }
  use_backend apis if blog api
  use_backend blogs if blog
  use_backend odd if { req.hdr(x-odd) 1 }
  default_backend rest
backend apis
  server a1 api:8080 check
backend blogs
  default-server check inter 2s
  server b1 blog:3000
  server b2 10.0.0.9:3000 backup ssl verify none
backend rest
  server r rest:80
listen stats
  bind 127.0.0.1:9000
  server s stat:1
"""


def test_haproxy(tmp_path: Path) -> None:
    table = read(ProxyKind.HAPROXY, tmp_path, HAPROXY)
    asked = {
        ("blog.example.test", "/api/x"): "api:8080",
        ("blog.example.test", "/"): "blog:3000,10.0.0.9:3000/tls",
        ("old.test", "/"): "301 https://$host$request_uri",
        ("other.test", "/"): "use_backend odd if { req.hdr(x-odd) 1 }",
    }
    assert {key: where(table, ProxyKind.HAPROXY, *key) for key in asked} == asked
    plain = read(ProxyKind.HAPROXY, tmp_path, HAPROXY.replace("  use_backend odd if { req.hdr(x-odd) 1 }\n", ""))
    assert where(plain, ProxyKind.HAPROXY, "other.test") == "rest:80"
    found = chosen(table, ProxyKind.HAPROXY, "blog.example.test")
    assert found is not None
    assert found.route is not None
    assert [each.checked for each in found.route.upstreams] == [True, True]


@pytest.mark.parametrize(
    ("test", "host", "fits"),
    [
        ("hdr(host) -i a.test", "a.test", True),
        ("hdr(host) -i a.test", "a.test:8080", False),
        ("hdr(host) -i a.test:8080", "a.test:8080", True),
        ("hdr(host),field(1,:) -i a.test", "a.test:8080", True),
        ("req.hdr(host),host_only -m str a.test", "a.test:8080", True),
        ("hdr_dom(host) -i a.test", "www.a.test:8080", True),
        ("hdr_dom(host) -i a.test", "xa.test", False),
    ],
)
def test_haproxy_compares_the_host_with_its_port(test: str, host: str, fits: bool, tmp_path: Path) -> None:
    text = f"frontend f\n  bind :80\n  use_backend b if {{ {test} }}\nbackend b\n  server s app:1\n"
    table = read(ProxyKind.HAPROXY, tmp_path, text)
    assert where(table, ProxyKind.HAPROXY, host) == ("app:1" if fits else "503")


CADDY = """
{
	email me@example.test
}
(common) {
	encode gzip
}
blog.example.test, www.example.test {
	import common
	@api path /api/* /v2/*
	reverse_proxy @api api:8080
	handle /files/* {
		file_server
	}
	reverse_proxy {$UPSTREAM:blog:3000} {
		health_uri /up
	}
}
http://plain.test {
	redir https://{host}{uri} permanent
}
:8080 {
	reverse_proxy /one one:1
	reverse_proxy https://all
}
"""


@pytest.mark.parametrize(
    ("option", "asks"), [("", ()), ("init-addr last,libc,none", ()), ("init-addr none", ("127.0.0.11:53", "10.0.0.1"))]
)
def test_haproxy_looks_names_up_at_its_resolvers_alone(option: str, asks: tuple[str, ...], tmp_path: Path) -> None:
    resolvers = "resolvers d\n nameserver a 127.0.0.11:53\n nameserver b 10.0.0.1\n"
    text = f"{resolvers}listen l\n mode http\n bind :80\n server s web:80 resolvers d {option}\n"
    table = read(ProxyKind.HAPROXY, tmp_path, text)
    assert [route.resolvers for site in table.sites for route in site.routes] == [asks]


def test_caddy(tmp_path: Path) -> None:
    table = read(ProxyKind.CADDY, tmp_path, CADDY)
    asked = {
        ("blog.example.test", "/", 443): "blog:3000",
        ("www.example.test", "/api/x", 443): "api:8080",
        ("blog.example.test", "/files/x", 443): "200",
        ("blog.example.test", "/", 80): "308 https://$host$request_uri",
        ("plain.test", "/x", 80): "301 https://$host$request_uri",
        ("whatever", "/one", 8080): "one:1",
        ("whatever", "/two", 8080): "all:443/tls",
        ("unknown.test", "/", 80): "308 https://$host$request_uri",
    }
    assert {key: where(table, ProxyKind.CADDY, *key) for key in asked} == asked


def json_route(*handlers: dict[str, object], **matcher: list[str]) -> dict[str, object]:
    """A route of Caddy's JSON."""
    return {"handle": list(handlers), **({"match": [matcher]} if matcher else {})}


PASSED: dict[str, object] = {"handler": "reverse_proxy", "upstreams": [{"dial": "blog:3000"}]}
BY_TLS = {"handler": "reverse_proxy", "transport": {"tls": {}}, "upstreams": [{"dial": "tcp/api:8443"}]}
STRIPPED = json_route({"handler": "rewrite", "strip_path_prefix": "/in"})
INSIDE = [
    json_route(
        {"handler": "subroute", "routes": [STRIPPED, json_route({"handler": "encode"}, PASSED)]}, path=["/in/*"]
    ),
    json_route(BY_TLS, path=["/api/*", "/v2"]),
    json_route({"handler": "static_response", "status_code": "404"}, path=["/none"]),
    json_route({"handler": "authentication"}, path=["/secret"]),
    json_route(PASSED),
]
SERVERS = {
    "srv0": {"listen": [":443"], "routes": [json_route({"handler": "subroute", "routes": INSIDE}, host=["Blog.test"])]},
    "srv1": {"listen": [":8080"], "routes": [json_route({"handler": "static_response"}, method=["GET"])]},
}


def test_caddys_own_json_as_a_caddy_with_labels_saves_it(tmp_path: Path) -> None:
    file = tmp_path / "config/caddy/autosave.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"apps": {"http": {"servers": SERVERS}}}))
    with Root(str(tmp_path)) as root:
        table = caddy.read(RootFiles(root), ["caddy", "docker-proxy"])
    asked = {
        ("blog.test", "/", 443): "blog:3000",
        ("blog.test", "/in/x", 443): "blog:3000",
        ("blog.test", "/api/x", 443): "api:8443/tls",
        ("blog.test", "/v2", 443): "api:8443/tls",
        ("blog.test", "/none", 443): "404",
        ("blog.test", "/secret", 443): "handler authentication",
        ("blog.test", "/", 80): "308 https://$host$request_uri",
        ("any", "/", 8080): "200",
        ("other.test", "/", 443): "nothing",
    }
    assert {key: where(table, ProxyKind.CADDY, *key) for key in asked} == asked
    inner = chosen(table, ProxyKind.CADDY, "blog.test", "/in/x", 443)
    assert inner is not None
    assert inner.path == "/x"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"apps": 5}', '{"apps": {"http": {"servers": {"a": {"routes": 5}}}}}']
)
def test_json_of_something_else_is_said_in_a_line(text: str) -> None:
    with pytest.raises(SyntaxTrouble, match="is no configuration of Caddy"):
        caddy.table_of_json(text, "/x.json")


def test_caddy_with_one_site_may_leave_out_its_braces(tmp_path: Path) -> None:
    table = read(ProxyKind.CADDY, tmp_path, "localhost:2015\nreverse_proxy app:9\n")
    assert where(table, ProxyKind.CADDY, "localhost", "/", 2015) == "app:9"


APACHE = """
ServerRoot /etc/apache2
Define UP app
Listen 80
Listen 8081
IncludeOptional more-*.conf
<VirtualHost *:80>
  ServerName blog.example.test
  ServerAlias www.example.test *.alias.test
  ProxyPass /static !
  ProxyPass "/api" "http://api:8080" \\
     retry=0
  <Location "/loc">
    ProxyPass http://loc:5
  </Location>
  ProxyPassMatch ^/m/(.*)$ http://match:6/$1
  ProxyPass / balancer://pool/
</VirtualHost>
<Proxy "balancer://pool">
  BalancerMember http://${UP}:3000
  BalancerMember https://10.0.0.9
</Proxy>
<VirtualHost *:80>
  ServerName old.test
  Redirect permanent / https://new.test/
</VirtualHost>
"""


def test_apache(tmp_path: Path) -> None:
    more = {"more-a.conf": "ProxyPass /main http://main:4\n"}
    table = read(ProxyKind.APACHE, tmp_path, APACHE, **more)
    asked = {
        ("blog.example.test", "/", 80): "app:3000,10.0.0.9:443/tls",
        ("x.alias.test", "/api/x", 80): "api:8080",
        ("blog.example.test", "/static/x", 80): "200",
        ("blog.example.test", "/loc", 80): "loc:5",
        ("blog.example.test", "/m/x", 80): "match:6",
        ("old.test", "/x", 80): "301 https://new.test$request_uri",
        ("unknown.test", "/", 80): "app:3000,10.0.0.9:443/tls",
        ("any", "/main", 8081): "main:4",
    }
    assert {key: where(table, ProxyKind.APACHE, *key) for key in asked} == asked


def trouble_of(kind: ProxyKind, root: Path, text: str) -> str:
    """Why a configuration is not understood; "" for one that is, which is asked then."""
    try:
        table = read(kind, root, text)
    except (SyntaxTrouble, OSError) as error:
        return str(error) or "nothing said"
    for host in ("blog.example.test", "", "x" * 300):
        where(table, kind, host, "/api/x")
    return ""


@pytest.mark.parametrize("kind", USUAL, ids=str)
def test_a_file_that_includes_itself_ends(kind: ProxyKind, tmp_path: Path) -> None:
    path = USUAL[kind]
    text = {
        ProxyKind.NGINX: f"http {{ include {path}; }}",
        ProxyKind.HAPROXY: "",
        ProxyKind.CADDY: f"import {path}\n",
        ProxyKind.APACHE: f"Include {path}\n",
    }[kind]
    assert "\n" not in trouble_of(kind, tmp_path, text)


@pytest.mark.parametrize("kind", USUAL, ids=str)
def test_what_is_no_plain_file_or_holds_a_secret_is_not_opened(kind: ProxyKind, tmp_path: Path) -> None:
    path = tmp_path / USUAL[kind].lstrip("/")
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with Root(str(tmp_path)) as root:
        with pytest.raises(OSError, match="not a plain file"):
            READERS[kind](RootFiles(root), [str(kind)])
        with pytest.raises(PermissionError, match="secrets"):
            RootFiles(root).text("/etc/ssl/private/site.key")


@pytest.mark.parametrize("kind", USUAL, ids=str)
def test_damaged_configurations_end_in_a_table_or_in_one_line(kind: ProxyKind, tmp_path: Path) -> None:
    """A fresh seed each time: bytes are cut, doubled and exchanged for signs that the grammars know."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    text = {ProxyKind.NGINX: NGINX, ProxyKind.HAPROXY: HAPROXY, ProxyKind.CADDY: CADDY, ProxyKind.APACHE: APACHE}[kind]
    for _ in range(150):
        damaged = text
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(damaged) or 1)
            piece = chance.choice(["{", "}", ";", '"', "'", "\\", "\0", "\n", "${", "@", "#", "\ud7ff", "x" * 300, ""])
            damaged = damaged[:at] + piece + damaged[at + chance.randint(0, 12) :]
        assert "\n" not in trouble_of(kind, tmp_path, damaged), seed


@pytest.mark.parametrize(
    ("inside", "host", "onto"),
    [
        ("location /a/ { proxy_pass http://web:8080; }", "web", None),
        ("location /a/ { proxy_pass http://web/; }", "web", "/"),
        ("location /a/ { proxy_pass http://web/b/c; proxy_set_header Host $host; }", "", "/b/c"),
        ("proxy_set_header Host $http_host; location /a/ { proxy_pass http://web; }", "", None),
        ("proxy_set_header Host $host; location /a/ { proxy_set_header X y; proxy_pass http://web; }", "web", None),
        ("location /a/ { proxy_pass http://web; proxy_set_header Host Shop.test:80; }", "shop.test", None),
        ("location ~ /a/ { proxy_pass http://web; }", "web", None),
    ],
)
def test_what_nginx_asks_its_server_for(inside: str, host: str, onto: str | None, tmp_path: Path) -> None:
    table = read(ProxyKind.NGINX, tmp_path, f"events {{}} http {{ server {{ listen 80; {inside} }} }}")
    route = next(each for each in table.sites[0].routes if each.pattern == "/a/")
    assert (route.host, route.onto) == (host, onto)


@pytest.mark.parametrize(
    ("lines", "host", "onto"),
    [
        ("ProxyPass /a/ http://web:8080/b/", "web", "/b/"),
        ("ProxyPreserveHost On\nProxyPass /a/ http://web:8080/", "", "/"),
    ],
)
def test_what_apache_asks_its_server_for(lines: str, host: str, onto: str, tmp_path: Path) -> None:
    table = read(ProxyKind.APACHE, tmp_path, f"Listen 80\n<VirtualHost *:80>\nServerName s\n{lines}\n</VirtualHost>\n")
    assert [(each.host, each.onto) for each in table.sites[0].routes if each.pattern == "/a/"] == [(host, onto)]


def test_a_variable_does_not_grow_without_end_nor_do_names(tmp_path: Path) -> None:
    """Each line doubles a value; a thousand names are looked at as one where a condition asks for the Host.

    Without limits this would not end."""
    doubled = 'set $v "$v$v"; ' * 60
    names = " ".join(f"n{number}.test" for number in range(1000))
    server = f"server {{ listen 80; server_name {names}; set $v x; {doubled} if ($host = n1.test) {{ return 403; }} }}"
    assert trouble_of(ProxyKind.NGINX, tmp_path, f"events {{}} http {{ {server * 20} }}") == ""


def test_readers_of_all_kinds_are_there() -> None:
    assert set(READERS) == {ProxyKind.NGINX, ProxyKind.HAPROXY, ProxyKind.CADDY, ProxyKind.APACHE}
    assert {nginx.read, haproxy.read, caddy.read, apache.read} == set(READERS.values())
    assert PathMatch.PREFIX in PathMatch


def test_a_certificate_is_read_for_its_names_and_its_end_and_no_file_with_a_key(tmp_path: Path) -> None:
    made = tmp_path / "etc/ssl"
    made.mkdir(parents=True)
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=x", "-addext"]
    names = "subjectAltName=DNS:Blog.example.test,DNS:*.b.test,IP:10.0.0.1"
    files = ["-keyout", str(made / "site.key"), "-out", str(made / "site.crt")]
    subprocess.run(["openssl", *words, names, *files], check=True, capture_output=True)
    (made / "both.pem").write_text((made / "site.key").read_text() + (made / "site.crt").read_text())
    text = "http { ssl_certificate /etc/ssl/both.pem; server { listen 443 ssl; ssl_certificate /etc/ssl/site.crt; } "
    table = read(ProxyKind.NGINX, tmp_path, text + "server { listen 444 ssl; server_name two; } }")
    first, second = (site.certificate for site in table.sites)
    assert first is not None
    assert first.names == ("blog.example.test", "*.b.test", "10.0.0.1")
    assert 29 * 86400 < first.until - time.time() < 31 * 86400
    assert second is None


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "x" * 9000])
def test_a_damaged_certificate_is_none(text: str) -> None:
    assert parse_certificate(text, ConfigPlace()) is None


def routed(name: str, network: str, address: str, **labels: str) -> Container:
    """A container with labels of Traefik; a double underscore is a dot."""
    told = tuple((f"traefik.{key.replace('__', '.')}", value) for key, value in labels.items())
    return Container(
        name, name, "docker", "running", attachments=(Attachment(network, ip_address(address)),), labels=told
    )


def test_traefik(tmp_path: Path) -> None:
    containers = (
        routed(
            "shop", "front", "172.18.0.3", http__routers__shop__rule="Host(`shop.test`) && PathPrefix(`/api`, `/v2`)"
        ),
        routed("all", "front", "172.18.0.4", http__routers__all__rule="Host(`shop.test`) || Host(`b.test`)"),
        routed(
            "port", "back", "172.19.0.5", http__routers__p__rule="Host(`p.test`)", http__routers__p__entrypoints="alt"
        ),
        routed("odd", "front", "172.18.0.6", http__routers__o__rule="HostRegexp(`.+`)", http__routers__o__priority="1"),
        routed("off", "front", "172.18.0.7", enable="false", http__routers__x__rule="Host(`off.test`)"),
    )
    server = replace(
        containers[2], labels=(*containers[2].labels, ("traefik.http.services.p.loadbalancer.server.port", "3000"))
    )
    words = ["traefik", "--entrypoints.web.address=:80", "--entryPoints.alt.address=:8080/tcp"]
    table = traefik.table(options(tmp_path, *words), None, (*containers[:2], server, *containers[3:]))
    asked = {
        ("shop.test", "/api/x", 80): "172.18.0.3:80",
        ("shop.test", "/v2", 80): "172.18.0.3:80",
        ("shop.test", "/", 80): "172.18.0.4:80",
        ("b.test", "/", 8080): "172.18.0.4:80",
        ("p.test", "/", 8080): "172.19.0.5:3000",
        ("off.test", "/", 80): "172.18.0.6:80",
    }
    assert {key: where(table, ProxyKind.TRAEFIK, *key) for key in asked} == asked
    plain = traefik.table(options(tmp_path, "traefik"), None, containers[:2])
    assert where(plain, ProxyKind.TRAEFIK, "unknown.test") == "nothing"


def options(root: Path, *words: str) -> dict[str, str]:
    with Root(str(root)) as opened:
        return traefik.options_of(words, RootFiles(opened))


SECURE = (
    "--entrypoints.web.address=:80",
    "--entrypoints.web.http.redirections.entrypoint.to=websecure",
    "--entrypoints.websecure.address=:443",
)
TRAEFIKS_FILE = """
entryPoints:
  web:
    address: ":80"
    http: {redirections: {entryPoint: {to: websecure, permanent: false}}}
  websecure: {address: ":8443", http: {tls: {}}}
providers:
  docker: {exposedByDefault: false, network: back}
  file: {directory: /dynamic}
"""


def test_traefik_redirects_to_https_and_any_word_about_tls_switches_it_on(tmp_path: Path) -> None:
    shop = routed("shop", "front", "172.18.0.3", http__routers__shop__rule="Host(`shop.test`)")
    labels = (
        ("traefik.http.routers.shop.tls.certresolver", "le"),
        ("traefik.http.routers.shop.entrypoints", "websecure"),
        ("traefik.http.routers.old.rule", "Host(`old.test`)"),
        ("traefik.http.routers.old.entrypoints", "websecure"),
        ("traefik.http.routers.old.middlewares", "away@docker"),
        ("traefik.http.middlewares.away.redirectscheme.scheme", "https"),
        ("traefik.http.middlewares.away.redirectscheme.permanent", "true"),
    )
    shop = replace(shop, labels=(*shop.labels, *labels))
    table = traefik.table(options(tmp_path, "traefik", *SECURE), None, (shop,))
    assert where(table, ProxyKind.TRAEFIK, "shop.test", "/", 80) == "301 https://$host$request_uri"
    assert where(table, ProxyKind.TRAEFIK, "shop.test", "/", 443) == "172.18.0.3:80"
    assert where(table, ProxyKind.TRAEFIK, "old.test", "/", 443) == "301 https://$host$request_uri"
    found = chosen(table, ProxyKind.TRAEFIK, "shop.test", "/", 443)
    assert found is not None
    assert found.door.tls


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ("(Host(`a.test`) || Host(`b.test`)) && PathPrefix(`/x`)", {"b.test/x/y": True, "b.test/": False}),
        ("Host(`a.test`) && !PathPrefix(`/x`)", {"a.test/": True, "a.test/x": False}),
        ("!(Host(`a.test`) && Path(`/x`))", {"a.test/x": False, "a.test/y": True, "b.test/x": True}),
        ("HostRegexp(`^.+\\.a\\.test$`) && PathRegexp(`\\.(png|jpg)$`)", {"x.a.test/i.png": True, "x.a.test/": False}),
        ("Host(`a.test`) && Method(`POST`)", {"a.test/": False}),
        ("Host(`a.test`) && Headers(`X-A`, `b`)", {"a.test/": None, "b.test/": False}),
        ("Host(`a.test`", {"b.test/": None}),
        ("&&", {"b.test/": None}),
        ("!" * 3000 + "Host(`a.test`)", {"a.test/": True}),
        ("(" * 3000, {"a.test/": None}),
        (" || ".join(["Host(`a.test`) && Path(`/`)"] * 100), {"a.test/": None}),
    ],
)
def test_traefik_s_rules_are_taken_apart(rule: str, asked: dict[str, bool | None], tmp_path: Path) -> None:
    shop = routed("shop", "front", "172.18.0.3", http__routers__shop__rule=rule)
    table = traefik.table(options(tmp_path, "traefik"), None, (shop,))
    for end, fits in asked.items():
        host, _, path = end.partition("/")
        found = where(table, ProxyKind.TRAEFIK, host, f"/{path}")
        assert found == (f"rule {rule}" if fits is None else "172.18.0.3:80" if fits else "nothing")


DYNAMIC = """
http:
  routers:
    nas: {rule: "Host(`nas.test`)", service: nas, entryPoints: [web]}
    shop: {rule: "Host(`shop2.test`)", service: shop@docker}
    board: {rule: "Host(`board.test`)", service: api@internal}
    gone: {rule: "Host(`gone.test`)", service: gone}
    away: {rule: "Host(`away.test`)", service: nas, middlewares: [to-https]}
    secure: {rule: "Host(`secure.test`)", service: nas, tls: {certResolver: le}}
  middlewares:
    to-https: {redirectScheme: {scheme: https, permanent: true}}
  services:
    nas: {loadBalancer: {servers: [{url: "http://192.168.1.9:5000"}, {url: "https://nas2"}, {odd: 1}]}}
"""


@pytest.mark.parametrize("option", ["--providers.file.filename=/dynamic/a.yml", "--providers.file.directory=/dynamic"])
def test_traefik_s_file_provider(option: str, tmp_path: Path) -> None:
    (tmp_path / "dynamic").mkdir()
    (tmp_path / "dynamic/a.yml").write_text(DYNAMIC)
    shop = routed("shop", "front", "172.18.0.3", http__routers__shop__rule="Host(`shop.test`)")
    ports = (("traefik.http.services.shop.loadbalancer.server.port", "3000"),)
    shop = replace(shop, labels=(*shop.labels, *ports))
    given = options(tmp_path, "traefik", "--entrypoints.web.address=:80", option)
    with Root(str(tmp_path)) as opened:
        table = traefik.table(given, None, (shop,), provided(given, RootFiles(opened)))
    asked = {
        "nas.test": "192.168.1.9:5000,nas2:443/tls",
        "shop.test": "172.18.0.3:3000",
        "shop2.test": "172.18.0.3:3000",
        "board.test": "200",
        "gone.test": "service gone",
        "away.test": "301 https://$host$request_uri",
        "secure.test": "192.168.1.9:5000,nas2:443/tls",
        "other.test": "nothing",
    }
    assert {host: where(table, ProxyKind.TRAEFIK, host) for host in asked} == asked


def test_a_container_with_two_services_names_one_for_each_router(tmp_path: Path) -> None:
    both = routed(
        "both",
        "front",
        "172.18.0.3",
        http__routers__a__rule="Host(`a.test`)",
        http__routers__a__service="one",
        http__services__one__loadbalancer__server__port="1000",
        http__routers__b__rule="Host(`b.test`)",
        http__routers__b__service="two",
        http__services__two__loadbalancer__server__port="2000",
    )
    table = traefik.table(options(tmp_path, "traefik"), None, (both,))
    asked = {"a.test": "172.18.0.3:1000", "b.test": "172.18.0.3:2000"}
    assert {host: where(table, ProxyKind.TRAEFIK, host) for host in asked} == asked


def test_traefiks_file_counts_where_no_command_line_has_options(tmp_path: Path) -> None:
    file = tmp_path / "etc/traefik/traefik.yml"
    file.parent.mkdir(parents=True)
    file.write_text(TRAEFIKS_FILE)
    shop = routed("shop", "front", "172.18.0.3", enable="true", http__routers__shop__rule="Host(`shop.test`)")
    hidden = routed("off", "front", "172.18.0.4", http__routers__off__rule="Host(`off.test`)")
    table = traefik.table(options(tmp_path, "traefik"), None, (shop, hidden))
    assert where(table, ProxyKind.TRAEFIK, "shop.test", "/", 80) == "302 https://$host:8443$request_uri"
    assert where(table, ProxyKind.TRAEFIK, "shop.test", "/", 8443) == "172.18.0.3:80"
    assert where(table, ProxyKind.TRAEFIK, "off.test", "/", 8443) == "routers of a file (providers.file)"
    assert options(tmp_path, "traefik", "--api") == {"--api": "true"}


@pytest.mark.parametrize("text", ["a: &x [1]", "a: [", "\t: x", "x" * 300_000], ids=["anchor", "open", "tab", "long"])
def test_a_file_of_yaml_that_is_not_understood_is_said_in_a_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "etc/traefik/traefik.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(SyntaxTrouble, match=r"traefik\.yml"):
        options(tmp_path, "traefik")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "((a)*b?)*$", "(.*)*x", ".*.*.*.*.*x", "(", "a" * 500])
def test_an_expression_that_could_take_for_ever_is_not_tried(pattern: str) -> None:
    assert not fits_expression(pattern, "a" * 60 + "!", folded=False)


def test_an_expression_is_found_anywhere_and_may_name_its_groups() -> None:
    assert fits_expression(r"^/(?<version>v[0-9]+)/", "/v2/x", folded=False)
    assert fits_expression(r"\.(png|jpg)$", "/a.PNG", folded=True)
    assert not fits_expression(r"\.png$", "/a.PNG", folded=False)


PHP_SITE = """
DocumentRoot /var/www/html
Listen 80
ProxyPass /shared http://shared:1/
<FilesMatch "^.+\\.php$">
  SetHandler "proxy:fcgi://php:9000"
</FilesMatch>
<VirtualHost *:80>
  ServerName handler.test
  DirectoryIndex index.php index.html
</VirtualHost>
<VirtualHost *:80>
  ServerName match.test
  DirectoryIndex index.php
  FallbackResource /index.php
  ProxyPassMatch ^/(.*\\.php(/.*)?)$ fcgi://app/srv/$1
</VirtualHost>
<VirtualHost *:80>
  ServerName front.test
  <Directory /var/www/html>
    RewriteEngine On
    RewriteCond %{REQUEST_FILENAME} !-f
    RewriteRule . /index.php [L]
  </Directory>
</VirtualHost>
<VirtualHost *:80>
  ServerName socket.test
  <Files *.php>
    SetHandler "proxy:unix:/run/php/fpm.sock|fcgi://localhost"
  </Files>
</VirtualHost>
"""


@pytest.mark.parametrize("files", [("index.php",), ("index.html",), ()])
def test_apache_before_php(files: tuple[str, ...], tmp_path: Path) -> None:
    root = tmp_path / "var/www/html"
    root.mkdir(parents=True)
    for name in files:
        (root / name).write_text("")
    table = read(ProxyKind.APACHE, tmp_path, PHP_SITE)
    there = "index.php" in files
    asked = {
        ("handler.test", "/index.php"): "php:9000",
        ("handler.test", "/a/b.php"): "php:9000",
        ("handler.test", "/"): "php:9000" if there else "200",
        ("handler.test", "/about"): "200",
        ("handler.test", "/shared/x"): "shared:1",
        ("match.test", "/x.php"): "app:8000",
        ("match.test", "/"): "app:8000",
        ("match.test", "/about"): "app:8000",
        ("match.test", "/a.png"): "200",
        ("front.test", "/about"): "php:9000",
        ("front.test", "/a.png"): "200",
        ("socket.test", "/x.php"): "SetHandler proxy:unix:/run/php/fpm.sock|fcgi://localhost",
    }
    assert {key: where(table, ProxyKind.APACHE, *key) for key in asked} == asked


IDIOMS = """
defaults
  mode http
frontend web
  bind *:80
  bind :443 ssl crt /certs
  http-request redirect scheme https unless { ssl_fc } || { path_beg /.well-known/ }
  acl blog hdr(host) -i blog.test www.blog.test
  acl static path_end .png .jpg
  acl inside req.hdr(x-inside) 1
  http-request deny if inside { path_beg /admin }
  use_backend api if blog { path_beg /api }
  use_backend blog if blog !static
  use_backend upkeep if { hdr_end(host) -i .down.test }
  use_backend %[req.hdr(host),lower,host_only,map(/etc/haproxy/hosts.map,blog)]
backend api
  server-template api 3 api:3000 check
backend blog
  server a web:80
backend upkeep
  http-request return status 503
"""


def test_haproxy_s_conditions_are_taken_apart(tmp_path: Path) -> None:
    table = read(ProxyKind.HAPROXY, tmp_path, IDIOMS, **{"hosts.map": "# hosts\nshop.test api\n\nodd\n"})
    asked = {
        ("blog.test", "/", 80): "302 https://$host$request_uri",
        ("blog.test", "/.well-known/x", 80): "web:80",
        ("blog.test", "/", 443): "web:80",
        ("www.blog.test", "/api/x", 443): "api:3000",
        ("blog.test", "/admin/x", 443): "http-request deny if inside { path_beg /admin }",
        ("a.down.test", "/", 443): "503",
        ("shop.test", "/a.png", 443): "api:3000",
        ("blog.test", "/a.png", 443): "web:80",
    }
    assert {key: where(table, ProxyKind.HAPROXY, *key) for key in asked} == asked


def test_a_map_that_is_not_there_is_an_unknown_rule_and_no_more(tmp_path: Path) -> None:
    table = read(ProxyKind.HAPROXY, tmp_path, IDIOMS)
    assert where(table, ProxyKind.HAPROXY, "blog.test", "/", 443) == "web:80"
    assert where(table, ProxyKind.HAPROXY, "shop.test", "/", 443).startswith("use_backend %[req.hdr(host)")


@pytest.mark.parametrize("condition", ["{ path /a", "nobody", " || ".join(["{ path /a } !{ path /b }"] * 99)])
def test_a_condition_that_is_not_understood_is_an_unknown_rule(condition: str, tmp_path: Path) -> None:
    text = f"frontend f\n mode http\n bind :80\n use_backend b unless {condition}\nbackend b\n server a web:80\n"
    found = where(read(ProxyKind.HAPROXY, tmp_path, text), ProxyKind.HAPROXY, "x")
    assert found.startswith("use_backend b unless")


WILDCARD = """
http://*.wild.test {
	@a host a.wild.test
	handle @a {
		reverse_proxy a:80
	}
	@bc {
		host b.wild.test c.wild.test
		path /api/* /v2/*
	}
	handle @bc {
		reverse_proxy bc:80
	}
	handle {
		respond 418
	}
}
http://m.test {
	@ws {
		header Connection *Upgrade*
		header Upgrade websocket
	}
	reverse_proxy @ws ws:80
	@static path_regexp static \\.(png|jpg)$
	respond @static 410
	@posted method POST
	respond @posted 411
	@outside not path /api/* /v2
	respond @outside 412
	reverse_proxy app:80
}
"""


def test_caddy_s_matchers_by_host_and_path(tmp_path: Path) -> None:
    table = read(ProxyKind.CADDY, tmp_path, WILDCARD)
    asked = {
        ("a.wild.test", "/"): "a:80",
        ("b.wild.test", "/api/x"): "bc:80",
        ("c.wild.test", "/v2/x"): "bc:80",
        ("c.wild.test", "/"): "418",
        ("z.wild.test", "/"): "418",
        ("m.test", "/x.png"): "410",
        ("m.test", "/"): "412",
        ("m.test", "/api/x"): "app:80",
        ("m.test", "/v2"): "app:80",
    }
    assert {key: where(table, ProxyKind.CADDY, *key) for key in asked} == asked


FOR_CLIENTS = """defaults
  mode http
frontend web
  bind :80
  acl lan src 10.0.0.0/8 192.168.0.0/16
  http-request deny if !lan
  use_backend inner if { src 10.1.0.0/16 } || { src fd00::/8 }
  default_backend outer
backend inner
  server a inner:80
backend outer
  server b outer:80
"""


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("10.1.2.3", "inner:80"),
        ("10.2.0.1", "outer:80"),
        ("192.168.1.1", "outer:80"),
        ("203.0.113.9", "denies 203.0.113.9"),
        ("fd00::1", "denies fd00::1"),
    ],
)
def test_haproxy_s_rules_for_clients_are_for_these_alone(tmp_path: Path, client: str, expected: str) -> None:
    table = read(ProxyKind.HAPROXY, tmp_path, FOR_CLIENTS)
    proxy = as_asked_by(Proxy(ProxyKind.HAPROXY, "web", (1,), table), ip_address(client))
    found = choose(proxy, ip_address("10.0.0.1"), 80, "a.test", "/")
    assert found is not None
    assert found.route is not None
    route = found.route
    assert (route.words or f"{route.upstreams[0].host}:{route.upstreams[0].port}") == expected
    assert route.action is (Action.REFUSE if "denies" in expected else Action.PASS)


CLOSING = """defaults
  mode http
frontend web
  bind :80
  tcp-request connection accept if { src 10.0.0.0/8 }
  tcp-request connection reject if { src_conn_rate gt 100 }
  tcp-request connection reject
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 50 }
  default_backend outer
backend outer
  server b outer:80
"""


@pytest.mark.parametrize(("client", "words"), [("10.1.2.3", ""), ("203.0.113.9", "denies 203.0.113.9")])
def test_haproxy_closes_connections_of_some_and_counts_none_of_a_first_request(
    tmp_path: Path, client: str, words: str
) -> None:
    proxy = Proxy(ProxyKind.HAPROXY, "web", (1,), read(ProxyKind.HAPROXY, tmp_path, CLOSING))
    found = choose(as_asked_by(proxy, ip_address(client)), ip_address("10.0.0.1"), 80, "a.test", "/")
    assert found is not None
    assert found.route is not None
    assert (found.route.words, found.route.action) == (words, Action.REFUSE if words else Action.PASS)
