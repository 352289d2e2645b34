"""Random conditions of HAProxy, tried by the real one: the rule that takes a request is the one that was predicted.

Each rule answers with a status of its own.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind
from engine.observe.base.inside_root import Root
from engine.observe.proxies import haproxy
from engine.observe.proxies.root_files import RootFiles
from engine.path.proxies.access import as_asked_by
from engine.path.proxies.choosing import choose
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait

require("haproxy", "curl", "ss", root=True)

HOSTS = ("a.test", "www.a.test", "b.test", "x.c.test", "a.test.evil")
PATHS = ("/", "/api/x", "/API/x", "/img.png", "/api/img.png", "/v2")
TESTS = (
    "hdr(host) -i a.test",
    "hdr(host) -i A.TEST b.test",
    "hdr(host),field(1,:) a.test",
    "hdr(host),lower,host_only -i www.a.test",
    "hdr_beg(host) -i www.",
    "hdr_end(host) -i .test",
    "hdr_dom(host) -i a.test",
    "hdr_reg(host) -i ^x\\.",
    "req.hdr(host),host_only -m end .test",
    "hdr_sub(host) -i c.te",
    "path_beg /api",
    "path_beg -i /api",
    "path /",
    "path_end .png .jpg",
    "path_reg ^/v\\d",
    "path_sub im",
    "path_dir api",
    "path -m beg /v /img",
    "method GET",
    "method POST",
    "ssl_fc",
    "src 127.0.0.1",
    "src 10.0.0.0/8 192.0.2.1",
    "src 127.0.0.0/8 10.1.1.1",
    "src ::1",
    "src -- 127.0.0.2",
    "src 10.9.9.0/24",
)
NAMED = ("METH_GET", "METH_POST", "TRUE", "FALSE")


class Writer:
    """Writes frontends, each the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._any = random.Random(seed)
        self._acls = [f"n{number}" for number in range(self._any.randint(0, 3))]

    def frontend(self) -> str:
        """Named conditions, and rules whose statuses count up from 201."""
        lines = [
            f"acl {name} {self._any.choice(TESTS)}" for name in self._acls for _ in range(self._any.choice((1, 1, 2)))
        ]
        rules = [
            f"http-request return status {201 + number} {self._any.choice(('if', 'if', 'unless'))} {self._condition()}"
            for number in range(self._any.randint(1, 4))
        ]
        lines += [
            f"tcp-request connection {self._any.choice(('accept', 'reject'))} {self._client()}"
            for _ in range(self._any.choice((0, 0, 0, 0, 1, 2, 3)))
        ]
        return "\n".join(f"  {line}" for line in (*lines, *rules, "http-request return status 290"))

    def _condition(self) -> str:
        one = " ".join(self._literal() for _ in range(self._any.randint(1, 3)))
        if self._any.random() < 0.4:
            one += f" {self._any.choice(('||', 'or'))} {self._literal()}"
        return one

    def _client(self) -> str:
        """A condition about clients."""
        words = [self._any.choice(("if", "if", "unless", ""))]
        if words != [""]:
            tests = [each for each in TESTS if each.startswith("src")]
            count = self._any.choice((1, 1, 2))
            words += [f"{self._any.choice(('', '!'))}{{ {self._any.choice(tests)} }}" for _ in range(count)]
        return self._any.choice((" ", " || ")).join(words).replace("if || ", "if ").replace("unless || ", "unless ")

    def _literal(self) -> str:
        sign = self._any.choice(("", "", "!"))
        if self._acls and self._any.random() < 0.5:
            return sign + self._any.choice(self._acls)
        if self._any.random() < 0.15:
            return sign + self._any.choice(NAMED)
        return f"{sign}{{ {self._any.choice(TESTS)} }}"


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("web")


@pytest.mark.parametrize("seed", range(20))
def test_the_rule_is_the_one_that_the_real_one_takes(netns: Netns, tmp_path: Path, seed: int) -> None:
    ask_all(netns, tmp_path, seed)


def ask_all(netns: Netns, tmp_path: Path, seed: int) -> int:
    """Asks by every name and path of a seed's frontend; gives how many were not known."""
    rules = Writer(seed).frontend()
    file = tmp_path / "haproxy.cfg"
    file.write_text(
        "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n"
        f"frontend f\n  bind :8080\n{rules}\n"
    )
    process = subprocess.Popen(netns.enter(["haproxy", "-db", "-f", str(file)]), stderr=subprocess.DEVNULL)
    try:
        wait(lambda: netns.listening(8080), "haproxy does not listen")
        with Root("/") as root:
            table = haproxy.read(RootFiles(root), ("haproxy", "-f", str(file)))
        proxy = as_asked_by(Proxy(ProxyKind.HAPROXY, netns.name, (1,), table), ip_address("127.0.0.1"))
        unknown = 0
        for host in HOSTS:
            for path in PATHS:
                found = choose(proxy, ip_address("127.0.0.1"), 8080, f"{host}:8080", path)
                assert found is not None
                assert found.route is not None
                if found.route.action is Action.UNKNOWN:
                    unknown += 1
                else:
                    assert found.route.status == fetched(netns, host, path), (host, path, rules)
        return unknown
    finally:
        process.terminate()
        process.wait()


def fetched(netns: Netns, host: str, path: str) -> int:
    argv = ["curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", "--resolve", f"{host}:8080:127.0.0.1"]
    argv = netns.enter([*argv, f"http://{host}:8080{path}"])
    return int(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
