"""Random nginx sites of locations, files, try_files and rewrites, run by the real nginx: the status, and the path that
a server is asked for, are those that a client sees.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind, ProxyRoute
from engine.observe.base.inside_root import Root
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.root_files import RootFiles
from engine.path.proxies.access import as_asked_by
from engine.path.proxies.choosing import choose
from engine.path.proxies.passing import path_for
from engine.records import replace
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait

require("nginx", "curl", "ss", root=True)

PATHS = ("/", "/api", "/api/", "/api/x", "/b.php", "/index.php", "/app/", "/x.png", "/old/z", "/index.html", "/b.html")
LOCATIONS = (
    "/",
    "/api",
    "/api/",
    "= /",
    "= /index.php",
    "^~ /a",
    r"~ \.php$",
    "~* ^/API/",
    "/old",
    r"~ \.png$",
    "= /api",
)
NESTED = (r"~ \.php$", "/api/x", "= /api/x", "^~ /api/x", "~ x")
PASS = (
    "proxy_pass http://127.0.0.1:9000;",
    "proxy_pass http://127.0.0.1:9000/up/;",
    "proxy_pass http://127.0.0.1:9000/u;",
)
ENDS = (*PASS, "", "return 204;", "fastcgi_pass 127.0.0.1:9;", "return 301 /moved;", "")
TRIES = (
    "$uri $uri/ /index.php",
    "$uri /index.html",
    "$uri =404",
    "$uri $uri/ @app",
    "/maintenance.html @app",
    "$uri @none",
)
TRIES += ("$uri $uri/ /index.php?$query_string", "$uri $uri/ =410", "/index.html /api/x")
REWRITES = ("^/old/(.*)$ /api/$1", "^/api/(.*)$ /$1", "^ /index.php", "^/(x).png$ /api/$1", "^/(.*)\\.php$ /$1.html")
FLAGS = ("last", "break", "", "permanent", "redirect", "last", "break")
RULES = ("allow 127.0.0.1;", "deny 127.0.0.1;", "allow 10.0.0.0/8;", "deny 10.0.0.0/8;", "allow all;", "deny all;")
RULES += ("deny 127.0.0.0/8;", "allow ::1;", "allow 127.0.0.2/8;", "deny unix:;", "allow unix:;")
USERS = "auth_basic_user_file /etc/hostname;"
HEAD = """\
daemon off; master_process off; pid {0}/pid; error_log {0}/log; events {{}}
http {{
  access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;
  uwsgi_temp_path {0}/d; scgi_temp_path {0}/e; absolute_redirect off;
  server {{ listen 9000; location / {{ return 200 "upstream $request_uri"; }} }}
"""
#: The status of fastcgi_pass to a port on which nothing listens.
GATEWAY = 502
#: A file of which it is not known whether it is there.
FILES = (200, "a file")


class Writer:
    """Writes sites, each the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)

    def site(self, folder: Path) -> str:
        """A server block, whose files are made below a folder."""
        made = [name for name in ("index.php", "index.html", "maintenance.html") if self.any.random() < 0.5]
        made += ["x.png", "b.php", "b.html"]  # a file with an ending is taken to be there
        root = folder / "www"
        if self.any.random() < 0.9:
            root.mkdir()
            for name in made:
                (root / name).write_text(name)
        rules = " ".join(self._rewrite() for _ in range(self.any.choice((0, 0, 0, 1, 2))))
        index = self.any.choice(("", "index index.php index.html;", "index index.php;", "autoindex on;"))
        named = "location @app { proxy_pass http://127.0.0.1:9000; }"
        inside = " ".join((index, self._askers(0.1), rules, self._tries(0.15), self._locations(LOCATIONS, 4), named))
        return f"server {{ listen 8080; root {root}; {inside} }}"

    def _locations(self, patterns: tuple[str, ...], most: int, depth: int = 0) -> str:
        wanted = sorted({self.any.choice(patterns) for _ in range(self.any.randint(0, most))})
        self.any.shuffle(wanted)
        return " ".join(f"location {each} {{ {self._body(each, depth)} }}" for each in wanted)

    def _body(self, name: str, depth: int) -> str:
        end = self.any.choice(ENDS)
        sign, _, fits = name.rpartition(" ")
        if sign.startswith("~"):
            end = end.replace("/up/;", ";").replace("/u;", ";")
        rules = "".join(self._rewrite() for _ in range(self.any.choice((0, 0, 1))))
        nested = tuple(each for each in NESTED if each.startswith("~") or each.split()[-1].startswith(fits))
        inner = self._locations(nested, 2, 1) if not depth and not name.startswith("=") and nested else ""
        return f"{rules} {self._askers(0.3)} {self._tries(0.3)} {end} {inner}"

    def _askers(self, chance: float) -> str:
        """Who may ask: nobody gives a password."""
        words = []
        if self.any.random() < chance:
            words += [self.any.choice(RULES) for _ in range(self.any.choice((1, 1, 2, 3)))]
        if self.any.random() < chance / 3:
            words += self.any.choice((("auth_basic x;", USERS), ("auth_basic x;",), (USERS,), ("auth_basic off;",)))
        if self.any.random() < chance / 3:
            words.append(self.any.choice(("satisfy any;", "satisfy all;")))
        self.any.shuffle(words)
        return " ".join(words)

    def _tries(self, chance: float) -> str:
        return f"try_files {self.any.choice(TRIES)};" if self.any.random() < chance else ""

    def _rewrite(self) -> str:
        line = f"rewrite {self.any.choice(REWRITES)} {self.any.choice(FLAGS)};"
        kind = self.any.random()
        if kind < 0.3:
            return f"if ({self.any.choice(('-f', '!-f', '-e', '!-e'))} $request_filename) {{ {line} }} "
        return f"{line} "


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("web")


@pytest.mark.parametrize("seed", range(40))
def test_a_path_ends_where_the_real_one_leads_it(netns: Netns, tmp_path: Path, seed: int) -> None:
    ask_all(netns, tmp_path, seed)


def ask_all(netns: Netns, tmp_path: Path, seed: int) -> int:
    """Asks every path of a seed's site; gives how many were followed."""
    site = Writer(seed).site(tmp_path)
    file = tmp_path / "nginx.conf"
    file.write_text(f"{HEAD.format(tmp_path)}  {site}\n}}\n")
    tmp_path.chmod(0o755)
    process = subprocess.Popen(netns.enter(["nginx", "-c", str(file)]), stderr=subprocess.DEVNULL)
    try:
        wait(lambda: netns.listening(8080) or process.poll() is not None, "nginx does not listen")
        if process.poll() is not None:
            return 0  # nginx itself does not take it
        with Root("/") as root:
            proxy = Proxy(ProxyKind.NGINX, netns.name, (1,), nginx.read(RootFiles(root), ("nginx", "-c", str(file))))
        followed = 0
        for path in PATHS:
            expected, found = predicted(proxy, path), fetched(netns, path)
            followed += expected is not None
            files = expected == FILES and found[0] in (200, 301, 403, 404)
            assert files or expected in (None, found), (path, site)
        return followed
    finally:
        process.terminate()
        process.wait()


def predicted(proxy: Proxy, path: str) -> tuple[int, str] | None:
    """The status, and the path that a server is asked for; None where it depends on what is not followed."""
    found = choose(as_asked_by(proxy, ip_address("127.0.0.1")), ip_address("127.0.0.1"), 8080, "127.0.0.1", path)
    assert found is not None
    route = found.route or ProxyRoute(action=Action.ANSWER, status=404)
    if route.action is Action.UNKNOWN:
        return None
    if route.words == "files" and route.folder is not None and found.path not in route.folder.files:
        return FILES if found.path != "/" else (200, "")
    if route.action is not Action.PASS:
        return route.status, ""
    if route.upstreams[0].port != 9000:
        return GATEWAY, ""
    if found.moved:
        route = replace(route, onto=None)
    return 200, path_for(route, found.path)


def fetched(netns: Netns, path: str) -> tuple[int, str]:
    argv = ["curl", "-s", "-m", "5", "-w", "\n%{http_code}", f"http://127.0.0.1:8080{path}"]
    body, _, status = subprocess.run(netns.enter(argv), capture_output=True, text=True, check=False).stdout.rpartition(
        "\n"
    )
    return int(status), body.removeprefix("upstream ") if body.startswith("upstream ") else ""
