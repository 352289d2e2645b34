"""Random Caddy sites of handlers in blocks, matchers and rewrites, run by the real Caddy: the status, and the path that
a server is asked for, are those that a client sees; read from the Caddyfile, and from the JSON that Caddy makes of it.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind, ProxyTable
from engine.observe.base.inside_root import Root
from engine.observe.proxies.caddy import configuration as caddy
from engine.observe.proxies.root_files import RootFiles
from engine.path.proxies.choosing import choose
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait

require("caddy", "curl", "ss", root=True)

PATHS = ("/", "/api", "/api/", "/api/x", "/API/x", "/b.php", "/app/", "/app/a/b", "/x.png", "/old/z", "/index.html")
HOSTS = ("a.test", "b.test", "k.w.test", "other.test")
MATCHED = ("/api", "/api/*", "/old/*", "*.php", "*", "/app/*/b", "/a*", "*p*", "/x.png", "/")
#: Those that can stand in a directive's own line.
INLINE = tuple(each for each in MATCHED if each.startswith("/") or each == "*")
REWRITES = ("/index.html", "/api{uri}", "{path}.html", "/up{path}", "/app/", "/old/z?x=1")
TARGETS = ("/up", "{uri}", "/moved 301", "https://{host}{uri}", "/x{path} permanent")
#: What the server at port 9090 answers with, so that its answers are known from those of the sites.
UPSTREAM = 299
HEAD = """\
{{
  admin off
  auto_https off
  {0}
}}
:9090 {{
  respond "{{http.request.uri.path}}" 299
}}
"""


class Writer:
    """Writes sites, each the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)
        self.count = 0

    def file(self) -> str:
        """A Caddyfile of a few sites at port 8080."""
        order = self.any.choice(("", "", "", "order rewrite first", "order respond before redir", "order handle last"))
        keys = ("http://a.test:8080", "http://b.test:8080", "http://*.w.test:8080", "http://:8080")
        wanted = sorted({self.any.choice(keys) for _ in range(self.any.randint(1, 3))})
        self.any.shuffle(wanted)
        sites = (f"{key} {{\n{self.block(0)}}}\n" for key in wanted)
        return HEAD.format(order) + "".join(sites)

    def block(self, depth: int) -> str:
        """The lines of a block."""
        lines = [self.directive(depth) for _ in range(self.any.randint(1, 5 - depth))]
        return "".join(f"{line}\n" for line in lines)

    def matcher(self) -> tuple[str, str]:
        """A matcher, and the lines that name it."""
        kind = self.any.random()
        if kind < 0.25:
            return "", ""
        if kind < 0.6:
            return self.any.choice(INLINE), ""
        self.count += 1
        name = f"@m{self.count}"
        inside = "".join(f"  {self.condition()}\n" for _ in range(self.any.choice((1, 1, 1, 2))))
        return name, f"{name} {{\n{inside}}}\n"

    def condition(self) -> str:
        """A line of a matcher."""
        some = " ".join(self.any.choice(MATCHED) for _ in range(self.any.choice((1, 1, 2))))
        kinds = (
            f"path {some}",
            f"path {some}",
            f"not path {some}",
            f"path_regexp re {self.any.choice(('^/api/(.*)$', '^/(old|app)/(.*)$', '[.]php$'))}",
            f"not {{\n path {some}\n host a.test\n}}",
            f"host {self.any.choice(('a.test', 'k.w.test', '*.w.test', 'b.test a.test'))}",
            f"method {self.any.choice(('GET', 'POST', 'GET HEAD'))}",
            f"header {self.any.choice(('X-None *', '!X-None', 'Upgrade websocket'))}",
            f"protocol {self.any.choice(('http', 'https'))}",
        )
        return self.any.choice(kinds)

    def directive(self, depth: int) -> str:
        """One directive, with the lines of its matcher before it."""
        matcher, before = self.matcher()
        code = self.any.choice((200, 201, 404, 410, 500))
        blocks = () if depth == 2 else ("handle", "handle", "route", "handle_path")
        kind = self.any.choice((*blocks, "respond", "redir", "rewrite", "uri", "proxy", "proxy", "error", "plain"))
        if kind == "handle_path":
            path = self.any.choice(("/api/*", "/old/*", "/app*"))
            return f"handle_path {path} {{\n{self.block(depth + 1)}}}"
        if kind in ("handle", "route"):
            return f"{before}{kind} {matcher} {{\n{self.block(depth + 1)}}}"
        groups = "path_regexp" in before and self.any.random() < 0.5
        onto = "/re/{re.re.1}" if groups else self.any.choice(REWRITES)
        lines = {
            "respond": f'respond {matcher} "text" {code}',
            "redir": f"redir {matcher or '*'} {self.any.choice(TARGETS)}",
            "rewrite": f"rewrite {matcher or '*'} {onto}",
            "uri": f"uri {matcher} {self.any.choice(('strip_prefix /api', 'strip_suffix .php', 'replace /a /b'))}",
            "proxy": f"reverse_proxy {matcher} 127.0.0.1:9090",
            "error": f"error {matcher} {code if code >= 400 else 403}",
            "plain": self.any.choice(("encode gzip", "header X-A b", "basicauth {\n u JDJhJDE0JGFhYWE=\n}")),
        }
        return before + lines[kind]


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("web")


@pytest.mark.parametrize("seed", range(40))
def test_a_path_ends_where_the_real_one_leads_it(netns: Netns, tmp_path: Path, seed: int) -> None:
    ask_all(netns, tmp_path, seed)


def ask_all(netns: Netns, tmp_path: Path, seed: int) -> tuple[int, int]:
    """Asks every path and name of a seed's sites; gives how many were asked, and how many of them followed."""
    text = Writer(seed).file()
    file = tmp_path / "Caddyfile"
    file.write_text(text)
    adapted = subprocess.run(
        ["caddy", "adapt", "--config", str(file), "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
        env=_settings(tmp_path),
    )
    if adapted.returncode:
        return 0, 0  # Caddy itself does not take it
    with Root("/") as root:
        tables = {
            "Caddyfile": caddy.read(RootFiles(root), ("caddy", "run", "--config", str(file))),
            "JSON": caddy.table_of_json(adapted.stdout, "/config.json"),
        }
    argv = netns.enter(["caddy", "run", "--config", str(file), "--adapter", "caddyfile"])
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=_settings(tmp_path))
    asked = followed = 0
    try:
        for port in (8080, 9090):
            wait(partial(_is_up, netns, process, port), "Caddy does not listen")
        if process.poll() is not None:
            return 0, 0
        seen = fetched(netns)
        for (host, path), found in seen.items():
            for name, table in tables.items():
                expected = predicted(table, netns, host, path)
                asked += 1
                followed += expected is not None
                assert expected in (None, found), (name, host, path, expected, found, text)
        return asked, followed
    finally:
        process.terminate()
        process.wait()


def _is_up(netns: Netns, process: subprocess.Popen[bytes], port: int) -> bool:
    return netns.listening(port) or process.poll() is not None


def _settings(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), "HOME": str(folder)}


def predicted(table: ProxyTable, netns: Netns, host: str, path: str) -> tuple[int, str] | None:
    """The status, and the path that a server is asked for; None where it depends on what is not followed."""
    found = choose(Proxy(ProxyKind.CADDY, netns.name, (1,), table), ip_address("127.0.0.1"), 8080, host, path)
    if found is None or found.route is None:
        return 200, ""
    if found.route.action is Action.UNKNOWN:
        return None
    if found.route.action is not Action.PASS:
        return found.route.status, ""
    return UPSTREAM, found.path


def fetched(netns: Netns) -> dict[tuple[str, str], tuple[int, str]]:
    """What each name and path is answered with."""
    asked = [(host, path) for host in HOSTS for path in PATHS]
    argv = ["curl", "-s", "-m", "5", "-w", r" %{http_code}\n"]
    for number, (host, path) in enumerate(asked):
        argv += [*(("--next", "-s", "-m", "5", "-w", r" %{http_code}\n") if number else ())]
        argv += ["-H", f"Host: {host}", f"http://127.0.0.1:8080{path}"]
    lines = subprocess.run(netns.enter(argv), capture_output=True, text=True, check=False).stdout.splitlines()
    found = {}
    for key, line in zip(asked, lines, strict=True):
        body, _, status = line.rpartition(" ")
        found[key] = (int(status), body if int(status) == UPSTREAM else "")
    return found
