"""Random configurations of nginx, run by the real one: the status that is predicted is the one that a client gets.

What they are made of is the rewrite phase: `set`, `if`, `return`, `break`, redirects, in server blocks and locations.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind
from engine.observe.proxies.nginx.configuration import table
from engine.observe.proxies.nginx.syntax import Directive, NginxReader
from engine.path.proxies.choosing import choose
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait

require("nginx", "curl", "ss", root=True)

HOSTS = ("a.test", "www.a.test", "b.test", "x.c.test", "other.test")
PATHS = ("/", "/api/x", "/img.png")
NAMES = ("a.test www.a.test", "b.test", "*.c.test", "_", "~^www", "a.test", "www.a.test")
VARIABLES = (
    "$host",
    "$http_host",
    "$scheme",
    "$request_method",
    "$query_string",
    "$http_x_forwarded_proto",
    "$v",
    "$w",
)
VARIABLES += ("$http_user_agent", "$request_uri", "$arg_a", "$https", "$remote_addr")
VALUES = ("a.test", "www.a.test", "http", "https", "GET", '""', "1", "0", "on")
PATTERNS = (r"^www\.", "^a", "(?i)bot", "^(POST|PUT)$", "test$", "http", ".")
ENDS = ("return 403;", "return 301 https://$host$request_uri;", "return 302 /new;", "return 200 ok;", "return 444;")
ENDS += ("rewrite ^ https://z.test$request_uri? permanent;", "rewrite ^/(.*)$ http://z.test/$1 redirect;")
LOCATIONS = ("/", "/api", "= /", "^~ /api", r"~ \.png$", "~* ^/API")
ACTS = ("proxy_pass http://127.0.0.1:9;", "return 204;", "", "proxy_pass $scheme://127.0.0.1:9;", "return 301 /x;")
HEAD = """\
daemon off; master_process off; pid {0}/pid; error_log /dev/null; events {{}}
http {{
  access_log off; root {0}/none; resolver 127.0.0.1; client_body_temp_path {0}/a; proxy_temp_path {0}/b;
  fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;
"""


class Writer:
    """Writes configurations, each the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._any = random.Random(seed)

    def servers(self) -> list[str]:
        """One to three server blocks of different names."""
        found: list[str] = []
        used: set[str] = set()
        for number in range(self._any.randint(1, 3)):
            names = self._any.choice(NAMES)
            if not used & {*names.split()}:
                used |= {*names.split()}
                first = " default_server" if not number and self._any.random() < 0.5 else ""
                rules = " ".join((*self._body("", 3), *self._locations()))
                found.append(f'server {{ listen 8080{first}; server_name {names}; set $v ""; set $w ""; {rules} }}')
        return found

    def _locations(self) -> list[str]:
        wanted = {self._any.choice(LOCATIONS) for _ in range(self._any.randint(0, 3))}
        passes = "proxy_pass http://127.0.0.1:9;"
        bodies = {name: " ".join(self._body(passes, 2)) for name in sorted(wanted)}
        return [f"location {name} {{ {body} {self._any.choice(ACTS)} }}" for name, body in bodies.items()]

    def _body(self, passes: str, most: int) -> Iterator[str]:
        for _ in range(self._any.randint(0, most)):
            kind = self._any.random()
            if kind < 0.3:
                value = self._any.choice((*VALUES, "$host", "$scheme", "${v}x"))
                yield f"set {self._any.choice(('$v', '$w'))} {value};"
            elif kind < 0.85:
                insides = (self._any.choice(ENDS), f"set $v {self._any.choice(VALUES)};", "break;", passes)
                yield f"if {self._condition()} {{ {self._any.choice(insides)} }}"
            else:
                yield self._any.choice((*ENDS, "break;"))

    def _condition(self) -> str:
        variable, kind = self._any.choice(VARIABLES), self._any.random()
        if kind < 0.15:
            return f"({variable})"
        if kind < 0.65:
            return f"({variable} {self._any.choice(('=', '!='))} {self._any.choice(VALUES)})"
        if kind < 0.95:
            return f'({variable} {self._any.choice(("~", "~*", "!~", "!~*"))} "{self._any.choice(PATTERNS)}")'
        return "(-f $request_filename)"


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("web")


@pytest.mark.parametrize("seed", range(24))
def test_the_status_is_that_of_the_real_one(netns: Netns, tmp_path: Path, seed: int) -> None:
    servers = Writer(seed).servers()
    file = tmp_path / "nginx.conf"
    file.write_text(HEAD.format(tmp_path) + "\n".join(servers) + "\n}\n")
    nginx = subprocess.Popen(netns.enter(["nginx", "-c", str(file)]), stderr=subprocess.DEVNULL)
    try:
        wait(lambda: netns.listening(8080) or nginx.poll() is not None, "nginx does not listen")
        if nginx.poll() is not None:
            return  # nginx itself does not take it
        proxy = Proxy(ProxyKind.NGINX, netns.name, (nginx.pid,), table(read(file)), "")
        for host in HOSTS:
            for path in PATHS:
                expected = predicted(proxy, host, path)
                assert expected in (None, fetched(netns, host, path)), (host, path, servers)
    finally:
        nginx.terminate()
        nginx.wait()


def read(file: Path) -> tuple[Directive, ...]:
    return NginxReader(lambda path: Path(path).read_text(), lambda _folder: [], str(file.parent)).file(str(file))


def predicted(proxy: Proxy, host: str, path: str) -> int | None:
    """The status; None where it depends on what is not followed."""
    chosen = choose(proxy, ip_address("127.0.0.1"), 8080, host, path)
    route = chosen.route if chosen is not None else None
    if route is None or (route.action is Action.ANSWER and route.words == "files"):
        return 404
    if route.action is Action.UNKNOWN:
        return None
    closed = 444  # nginx's own: the connection ends without an answer
    return 502 if route.action is Action.PASS else 0 if route.status == closed else route.status


def fetched(netns: Netns, host: str, path: str) -> int:
    words = ["-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", "-H", f"Host: {host}", "-A", "client"]
    argv = netns.enter(["curl", *words, f"http://127.0.0.1:8080{path}"])
    return int(re.sub(r"\D", "", subprocess.run(argv, capture_output=True, text=True, check=False).stdout))
