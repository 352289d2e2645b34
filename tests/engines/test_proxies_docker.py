"""nginx, HAProxy, Caddy and Apache httpd in containers: the status that a client gets is the one that is predicted.

Each proxy has the same servers: one that answers, one at a port where nothing listens, one at an address without a
holder, one behind a drop, one at its own loopback, one whose name is in another network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.docker import PROGRAMS as DOCKER
from tests.engines.docker import REPOSITORY
from tests.engines.stack import PROGRAMS, PROXIES, Stack, stack
from tests.harness.needs import require
from tests.harness.processes import wait

require(*DOCKER, *PROGRAMS, *PROXIES, "strace", root=True)

MODULES = Path("/usr/lib/apache2/modules")
HTTPD = ("/bin/httpd", "-f", "-p", "80")
#: Of each server its host and port, by the path under which a proxy has it.
SERVERS = {
    "works": ("web", 80),
    "refused": ("web", 81),
    "nobody": ("172.18.0.250", 80),
    "dropped": ("deaf", 80),
    "local": ("127.0.0.1", 3000),
}
#: Those of single proxies.
OTHER_SERVERS = {"late": ("db", 80), "down": ("web", 82), "deep/refused": ("caddy", 80)}
NGINX = """
daemon off; error_log stderr; pid /tmp/nginx.pid; user root; events {}
http {
  access_log off; proxy_connect_timeout 5s; proxy_read_timeout 3s;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d;
  scgi_temp_path /tmp/e;
  server { listen 80 default_server; server_name _; return 404; }
  server {
    listen 80; listen 8443; server_name nginx blog.test;
    location /private { auth_basic x; auth_basic_user_file /etc/nginx/secret.htpasswd; proxy_pass http://web:80; }
%s
    resolver 127.0.0.11; set $late db; location /late { proxy_pass http://$late:80; }
    location /deep/ { proxy_pass http://caddy:80/; proxy_set_header Host caddy; }
  }
}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 20s
  timeout server 3s
frontend f
  bind :80
%s
"""
CADDY = """
{
	auto_https off
	admin off
}
http://caddy, http://blog.test {
%s
	reverse_proxy /late db:80
}
"""
APACHE = """
ServerRoot /usr/lib/apache2
ServerName apache
PidFile /tmp/apache.pid
ErrorLog /dev/stderr
DefaultRuntimeDir /tmp
Mutex file:/tmp default
User www-data
Group www-data
ProxyTimeout 5
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MinSpareThreads 1
MaxSpareThreads 25
MaxRequestWorkers 25
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
Listen 80
<VirtualHost *:80>
  ServerName apache
  ServerAlias blog.test
%s
  ProxyPass /late http://db:80
</VirtualHost>
"""


def lines(form: str) -> str:
    """A line for each server."""
    return "\n".join(form.format(path=path, host=host, port=port) for path, (host, port) in SERVERS.items())


def haproxy() -> str:
    rules = lines("  use_backend {path} if {{ path_beg /{path} }}")
    rules += "\n  use_backend down if { path_beg /down }\n  use_backend works if { hdr(host) -i haproxy blog.test }\n"
    servers = (
        lines("backend {path}\n  server s {host}:{port}") + "\nbackend down\n  server s web:82 check inter 300ms\n"
    )
    return rules + servers


#: Of each proxy the place of its configuration, and the text. nginx is the last: it asks for a name of another one.
FILES = {
    "haproxy": ("/etc/haproxy/haproxy.cfg", HAPROXY % haproxy()),
    "caddy": ("/etc/caddy/Caddyfile", CADDY % lines("\treverse_proxy /{path} {host}:{port}")),
    "apache": ("/etc/apache2/apache2.conf", APACHE % lines("  ProxyPass /{path} http://{host}:{port}")),
    "nginx": ("/etc/nginx/nginx.conf", NGINX % lines("    location /{path} {{ proxy_pass http://{host}:{port}; }}")),
}
COMMANDS = {
    "nginx": ("/usr/sbin/nginx",),
    "haproxy": ("/usr/sbin/haproxy", "-f", "/etc/haproxy/haproxy.cfg"),
    "caddy": ("/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"),
    "apache": ("/usr/sbin/apache2", "-f", "/etc/apache2/apache2.conf", "-D", "FOREGROUND"),
}


@pytest.fixture(scope="module")
def host() -> Iterator[Stack]:
    with stack(*PROXIES) as made:
        made.run("web", "--network", "front", command=HTTPD)
        made.run("deaf", "--network", "front", command=HTTPD)
        made.run("app", "--network", "front", command=("/bin/httpd", "-f", "-p", "3000"))
        made.run("db", "--network", "back", command=HTTPD)
        made.inspect("deaf").netns.run(
            *["iptables", "-A", "INPUT", "-p", "tcp", "-m", "tcp", "--dport", "80", "-j", "DROP"]
        )
        for name in FILES:
            start(made, name, name)
        made.run("client", "--network", "front")
        for name in FILES:
            wait(lambda name=name: made.inspect(name).netns.listening(80), f"{name} does not listen")  # type: ignore[misc]
        time.sleep(1.5)  # HAProxy's health check has taken the server out
        yield made


def start(host: Stack, name: str, proxy: str, options: tuple[str, ...] = ()) -> None:
    """A container with one of the proxies."""
    inside, text = FILES[proxy]
    mine = host.folder / name
    mine.write_text(text)
    modules = ("-v", f"{MODULES}:{MODULES}:ro") if proxy == "apache" else ()
    given = ("--network", "front", "-e", "HOME=/tmp", "-v", f"{mine}:{inside}:ro", *modules, *options)
    host.run(name, *given, command=COMMANDS[proxy])


@contextmanager
def proxy_named(host: Stack, name: str, proxy: str, options: tuple[str, ...]) -> Iterator[None]:
    """One of the proxies under another name, for the length of a `with` block."""
    start(host, name, proxy, options)
    try:
        wait(lambda: host.inspect(name).netns.listening(80), f"{proxy} does not listen")
        yield
    finally:
        host.remove(name)


@dataclass(frozen=True)
class Request:
    """A proxy and a path; the code of the first cause, "" where the client is served."""

    proxy: str
    path: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.proxy}/{self.path}"


CODES = {
    "works": "",
    "refused": "HTTP_UPSTREAM_WRONG_PORT",
    "nobody": "HTTP_UPSTREAM_REFUSED",
    "dropped": "HTTP_UPSTREAM_TIMEOUT",
    "local": "HTTP_UPSTREAM_LOCALHOST",
}
LATE = "HTTP_UPSTREAM_WRONG_NETWORK"
REQUESTS = [
    *(Request(proxy, path, code) for proxy in ("nginx", "haproxy", "caddy", "apache") for path, code in CODES.items()),
    *(Request(proxy, "late", LATE) for proxy in ("nginx", "caddy", "apache")),
    Request("haproxy", "down", "HTTP_UPSTREAM_UNHEALTHY"),
    Request("nginx", "deep/refused", "HTTP_UPSTREAM_WRONG_PORT"),
]


@pytest.mark.parametrize("asked", REQUESTS, ids=str)
def test_the_status_is_what_a_client_gets(host: Stack, asked: Request) -> None:
    url = f"http://{asked.proxy}/{asked.path}"
    code, status = host.fetches("client", url)
    answer = host.asks(url, "client")
    http = answer["http"]
    assert code == 0
    if asked.code:
        assert (http["status"], http["served"], answer["reach"], answer["symptom"]) == (
            status,
            False,
            "no",
            "connected",
        ), host.within_logs(asked.proxy)[-2000:]
        assert answer["causes"][0]["code"] == asked.code, [each["sentence"] for each in answer["causes"]]
        assert http["at"]["file"].startswith("/etc/")
    else:
        assert (http["served"], answer["reach"], status) == (True, "yes", 404)
    host_of, port = (SERVERS | OTHER_SERVERS)[asked.path]
    assert (http["upstream"]["name"], http["upstream"]["port"]) == (host_of, port)


@pytest.mark.parametrize(
    ("proxy", "status"), [("nginx", 404), ("haproxy", 503), ("caddy", 200)], ids=["nginx", "haproxy", "caddy"]
)
def test_a_host_that_no_site_has(host: Stack, proxy: str, status: int) -> None:
    address = host.looks_up("client", proxy).addresses[0]
    assert host.fetches("client", f"http://{address}/") == (0, status)
    answer = host.asks(f"http://{address}/", "client")
    assert (answer["http"]["status"], answer["reach"]) == (status, "no")
    assert answer["causes"][0]["code"] == "HTTP_NO_SERVER_FOR_HOST"


def test_tls_to_a_plain_port_fails_at_the_handshake(host: Stack) -> None:
    code, _ = host.fetches("client", "https://nginx:8443/", "-k")
    assert code == 35
    answer = host.asks("https://nginx:8443/", "client")
    assert (answer["symptom"], answer["causes"][0]["code"]) == ("tls-failure", "HTTP_TLS_TO_PLAIN")


def test_no_secret_is_opened_and_no_file_outside_of_the_root(host: Stack) -> None:
    """The kernel's own record of what portscope opens, for a question that reads nginx's configuration: of a place that
    asks for a password, too."""
    told = host.folder / "opened"
    words = [sys.executable, "-m", "workbench.start", "why", "http://nginx/private", "--from", "client", "--json"]
    argv = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(told), *words]
    done = subprocess.run(
        host.host.enter(argv), capture_output=True, text=True, timeout=90, check=False, cwd=REPOSITORY
    )
    assert host.fetches("client", "http://nginx/private") == (0, 401)
    answer = json.loads(done.stdout)
    assert (answer["http"]["status"], answer["causes"][0]["code"]) == (401, "HTTP_ACCESS_DENIED"), done.stderr
    opened = re.findall(r'open(?:at2?)?\([^"]*"([^"]+)"', told.read_text())
    assert "/etc/nginx/nginx.conf" in opened
    assert [path for path in opened if re.search(r"htpasswd|\.key|privkey|/shadow$|/environ$", path)] == []


@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "caddy", "apache"])
@pytest.mark.parametrize("path", ["refused", "local"])
def test_the_fix_of_a_line_changes_it_in_place_and_the_client_is_served(host: Stack, proxy: str, path: str) -> None:
    with proxy_named(host, "mended", proxy, ("--network-alias", "blog.test")):
        url = f"http://blog.test/{path}"
        assert host.fetches("client", url)[1] in (502, 503)
        host.mends(host.asks(url, "client"))
        wait(lambda: host.fetches("client", url) == (0, 404), f"/{path} is not served")
        assert host.asks(url, "client")["reach"] == "yes"


def test_nginx_that_ended_for_want_of_a_name_is_told_by_its_mounted_file(host: Stack) -> None:
    folder = host.folder / "ended"
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX % "    location / { proxy_pass http://db:80; }")
    options = ("--network", "front", "-p", "8081:80", "-v", f"{folder}:/etc/nginx:ro")
    host.run("ended", *options, command=("/usr/sbin/nginx",))
    try:
        state = ("inspect", "-f", "{{.State.Status}}", "ended")
        wait(lambda: host.docker(*state).strip() == "exited", "nginx starts without the name")
        assert "host not found in upstream" in host.within_logs("ended")
        answer = host.asks("http://10.77.0.1:8081/", f"ns:{host.lan.name}")
        cause = answer["causes"][0]
        assert (answer["reach"], answer["symptom"], cause["code"]) == ("no", "refused", "DST_NOT_RUNNING")
        assert "/etc/nginx/nginx.conf:11 names db, which is in back only" in cause["sentence"]
    finally:
        host.remove("ended")


def test_an_address_that_nginx_has_kept(host: Stack) -> None:
    """The server is made again at another address; nginx goes on with the old one until it reads its files again."""
    mine = host.folder / "kept"
    mine.write_text(NGINX % "    location / { proxy_pass http://moved:80; }")
    host.run("moved", "--network", "front", command=HTTPD)
    options = ("--network", "front", "--network-alias", "blog.test", "-v", f"{mine}:/etc/nginx/nginx.conf:ro")
    host.run("keeper", *options, command=("/usr/sbin/nginx",))
    try:
        wait(lambda: host.inspect("keeper").netns.listening(80), "nginx does not listen")
        wait(lambda: host.fetches("client", "http://blog.test/") == (0, 404), "nginx does not serve")
        host.remove("moved")
        host.run("taker", "--network", "front")
        host.run("moved", "--network", "front", command=HTTPD)
        assert host.fetches("client", "http://blog.test/")[1] == 502
        answer = host.asks("http://blog.test/", "client")
        assert (answer["http"]["status"], answer["causes"][0]["code"]) == (502, "NAME_STALE_UPSTREAM")
        host.mends(answer)
        wait(lambda: host.fetches("client", "http://blog.test/") == (0, 404), "nginx does not serve again")
        assert host.asks("http://blog.test/", "client")["reach"] == "yes"
    finally:
        for name in ("keeper", "moved", "taker"):
            host.remove(name)
