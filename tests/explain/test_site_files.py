"""nginx before PHP and single pages: where a path leads by index files and try_files, and what is then wrong."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.application.proxy import Proxy, ProxyKind
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.nginx.folders import FolderScope
from engine.observe.proxies.nginx.syntax import NginxReader
from engine.records import replace
from tests.hosts.named import NGINX, named, server

ROOT = "/var/www/html"
PHP = """root /var/www/html; index index.php index.html;
location / {{ try_files $uri $uri/ /index.php?$query_string; }}
location ~ \\.php$ {{ try_files $uri =404; fastcgi_pass {}; include fastcgi_params; }}
location ~ /\\.ht {{ deny all; }}"""
PAGE = "root /var/www/html; location / { try_files $uri $uri/ /index.html; } location /api/ { proxy_pass http://web; }"
STATIC = "root /var/www/html;"


def site(rules: str, files: Collection[str], folder: bool = True) -> Snapshot:
    """The host with nginx in `proxy`, which has these rules, and these files in its root."""
    there = {f"{ROOT}/{name}" for name in files} | ({ROOT} if folder else set())
    whole = f"events {{}}\nhttp {{\n{server(rules.replace(chr(10), ' '))}\n}}\n"
    read = {"/etc/nginx/nginx.conf": whole, "/etc/nginx/fastcgi_params": ""}
    top = NginxReader(lambda path: read[path], lambda _folder: [], "/etc/nginx").file("/etc/nginx/nginx.conf")
    snapshot = named()
    proxy = next(each for each in snapshot.containers if each.name == "proxy")
    table = nginx.table(top, files=FolderScope(there.__contains__, "/etc/nginx"))
    return replace(snapshot, proxies=(Proxy(ProxyKind.NGINX, "proxy", (NGINX.pid,), table, proxy.id),))


def why(snapshot: Snapshot, path: str = "/") -> Verdict:
    return ask(snapshot, resolve(snapshot, f"http://proxy{path}", "client"))


@pytest.mark.parametrize("path", ["/", "/wp-admin", "/wp-login.php", "/index.php", "/a/b?c=d"])
@pytest.mark.parametrize(
    ("server", "code"),
    [
        ("127.0.0.1:9000", "HTTP_UPSTREAM_LOCALHOST"),
        ("web:9000", "HTTP_UPSTREAM_WRONG_PORT"),
        ("db:5432", "HTTP_UPSTREAM_WRONG_NETWORK"),
    ],
)
def test_every_page_of_a_php_site_needs_its_server(path: str, server: str, code: str) -> None:
    verdict = why(site(PHP.format(server), ["index.php"]), path)
    assert verdict.causes[0].code == code
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.status == 502


def test_a_php_site_whose_server_is_there_is_well() -> None:
    verdict = why(site(PHP.format("web:80"), ["index.php"]))
    assert not verdict.causes
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.upstream is not None


@pytest.mark.parametrize(
    ("rules", "files", "path", "status", "words"),
    [
        (PHP.format("web:80"), [], "/", 403, "there is no index.php or index.html in /var/www/html"),
        (PHP.format("web:80"), [], "/about", 404, "/index.php is no file in /var/www/html"),
        (PAGE, [], "/about", 500, "/about leads to /index.html and so on, and to no file that is there"),
        (STATIC, [], "/", 403, "there is no index.html in /var/www/html"),
        (STATIC, [], "/index.html", 404, "there is no /var/www/html/index.html"),
    ],
)
def test_a_file_that_is_not_there_is_named(rules: str, files: list[str], path: str, status: int, words: str) -> None:
    verdict = why(site(rules, files), path)
    cause = verdict.causes[0]
    assert cause.code == "HTTP_NO_ROUTE_FOR_PATH"
    assert verdict.conversation.http is not None
    assert verdict.conversation.http.status == status
    assert cause.sentence.endswith(words)


def test_a_folder_that_is_not_there_is_named() -> None:
    cause = why(site(STATIC, [], folder=False)).causes[0]
    assert cause.sentence.endswith("there is no folder /var/www/html")


@pytest.mark.parametrize(("path", "upstream"), [("/", False), ("/about", False), ("/api/x", True)])
def test_a_single_page_is_served_and_its_api_passed_on(path: str, upstream: bool) -> None:
    verdict = why(site(PAGE, ["index.html"]), path)
    assert not verdict.causes
    assert verdict.conversation.http is not None
    assert (verdict.conversation.http.upstream is not None) is upstream
