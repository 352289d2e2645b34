"""Random stacks of reverse proxies on a real Docker Engine: what a client gets beside what portscope says of it.

    python -m tests.engines.random_stacks --cases 30 --seed 7

In each case two containers run nginx, HAProxy, Caddy or Apache httpd with random routes to servers that answer, refuse,
are silent, stopped, elsewhere, or each other; four questions come from containers of both networks, the default bridge,
the host and the LAN. A question is wrong where curl's symptom or the proxy's status is not the predicted one. Exit code
1 when one was.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.engines.stack import PROXIES, Stack, stack
from tests.engines.test_proxies_docker import APACHE, COMMANDS, FILES, MODULES

HTTPD = ("/bin/httpd", "-f", "-p", "80")
#: Servers, by what a configuration may name them: those of containers, of nothing, of the host, of outside.
SERVERS = ("web:80", "web:81", "shop:80", "api:3000", "api:80", "lo:8000", "deaf:80", "web.front:80", "dead:80")
SERVERS += ("172.18.0.250:80", "127.0.0.1:9000", "localhost:80", "10.77.0.1:8080", "10.77.0.1:8099", "old:80")
SERVERS += ("host.docker.internal:8080", "nothere:80", "blog.example.test:80", "both:80", "p0:80", "p1:80")
SOURCES = ("client", "client2", "client3", "lan", "host")
PATHS = ("/", "/a", "/b/x", "/c/d", "/health")
#: Seconds that a client waits; a circle of Caddys takes all of them.
PATIENCE = 40
#: Exit codes of curl(1), as symptoms; a connection that ends without an answer was one.
SYMPTOMS = {0: "connected", 6: "name-not-found", 7: "refused", 28: "timeout", 52: "connected", 56: "connected"}
#: Errors that curl does not tell apart, and a look-up that is silent where it says that there is no such name.
ALIKE = {
    "refused": {"refused", "host-unreachable", "net-unreachable", "prohibited", "reset"},
    "timeout": {"timeout", "name-timeout", "accepted-then-silent"},
    "name-not-found": {"name-not-found", "name-timeout"},
    "connected": {"connected"},
}
HEAD = FILES["nginx"][1].partition("  server {")[0]
HAPROXY = "defaults\n mode http\n timeout connect 1s\n timeout client 20s\n timeout server 3s\n retries 1\n"
RESOLVERS = "resolvers d\n nameserver n 127.0.0.11:53\n hold valid 1s\n"
CADDY = "{\n\tauto_https off\n\tadmin off\n}\n"


@dataclass(frozen=True)
class Asked:
    """A question: who asks, and for what."""

    source: str
    url: str


class Writer:
    """Writes configurations."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)

    def text(self, kind: str, name: str) -> str:
        """A configuration of one of the programs, for a container of that name."""
        routes = {path: self.any.choice(SERVERS) for path in ("/", *self.any.sample(("/a", "/b", "/c/d"), 2))}
        return {"nginx": self._nginx, "haproxy": self._haproxy, "caddy": self._caddy, "apache": self._apache}[kind](
            routes, name
        )

    def questions(self) -> Iterator[Asked]:
        """Two of each proxy."""
        for number in range(2):
            for source in self.any.sample(SOURCES, 2):
                path = self.any.choice(PATHS)
                published = f"http://10.77.0.1:809{number}{path}"
                by_name = self.any.choice((f"http://p{number}{path}", published, f"http://p{number}.front{path}"))
                yield Asked(source, published if source in ("lan", "host") else by_name)

    def _nginx(self, routes: dict[str, str], name: str) -> str:
        style = self.any.choice(("plain", "variable", "group"))
        groups = "".join(
            f"upstream g{number} {{ server {server}; }}\n" for number, server in enumerate(routes.values())
        )
        forms = {
            "plain": lambda path, _number, server: f"location {path} {{ proxy_pass http://{server}; }}",
            "group": lambda path, number, _server: f"location {path} {{ proxy_pass http://g{number}; }}",
            "variable": lambda path, number, server: (
                f"location {path} {{ resolver 127.0.0.11; set $s{number} {server}; proxy_pass http://$s{number}; }}"
            ),
        }
        inside = " ".join(forms[style](path, number, server) for number, (path, server) in enumerate(routes.items()))
        names = self.any.choice((name, f"{name} site.test", "_", "site.test"))
        first = self.any.choice(("", "if ($host = x.test) { return 404; }", "location = /health { return 200 ok; }"))
        groups = groups if style == "group" else ""
        return f"{HEAD}{groups}server {{ listen 80; server_name {names}; {first} {inside} }}\n}}\n"

    def _haproxy(self, routes: dict[str, str], _name: str) -> str:
        front, back = "frontend f\n bind :80\n", ""
        for number, (path, server) in enumerate(sorted(routes.items(), key=lambda each: -len(each[0]))):
            option = self.any.choice(("init-addr last,libc,none", "init-addr none resolvers d"))
            back += f"backend b{number}\n server s {server} {option} {self.any.choice(('', 'check inter 300ms'))}\n"
            front += (
                f" use_backend b{number} if {{ path_beg {path} }}\n" if path != "/" else f" default_backend b{number}\n"
            )
        return HAPROXY + RESOLVERS + front + back

    def _caddy(self, routes: dict[str, str], name: str) -> str:
        lines = []
        for path, server in routes.items():
            plain = f"\treverse_proxy {'' if path == '/' else path + '*'} {server}"
            block = f"\thandle {path}* {{\n\t\treverse_proxy {server}\n\t}}"
            lines.append(block if path != "/" and self.any.random() < 0.5 else plain)
        address = self.any.choice((":80", f"http://{name}, http://site.test", f"http://{name}:80"))
        return f"{CADDY}{address} {{\n" + "\n".join(lines) + "\n}\n"

    def _apache(self, routes: dict[str, str], name: str) -> str:
        ordered = sorted(routes.items(), key=lambda each: -len(each[0]))
        lines = (f"  ProxyPass {path} http://{server}{'/' if path == '/' else ''}" for path, server in ordered)
        text = APACHE.replace("ServerName apache", f"ServerName {name}").replace("  ProxyPass /late http://db:80\n", "")
        return text % "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Runs the cases, and prints what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 24))
    given = parser.parse_args(arguments)
    print(f"{given.cases} random stacks, seed {given.seed}")
    writer, counted = Writer(given.seed), Counter[str]()
    with stack(*PROXIES) as host:
        _servers(host)
        for number in range(given.cases):
            for line in _case(host, writer, number, counted):
                print(line, flush=True)
    print(f"{counted['asked']} questions, {counted['wrong']} wrong, {counted['open']} depend")
    return int(counted["wrong"] > 0)


def _servers(host: Stack) -> None:
    host.run("web", "--network", "front", "--network-alias", "shop", "-p", "8080:80", command=HTTPD)
    host.run("api", "--network", "back", command=("/bin/httpd", "-f", "-p", "3000"))
    host.run("lo", "--network", "front", command=("/bin/httpd", "-f", "-p", "127.0.0.1:8000"))
    for name in ("deaf", "dead"):
        host.run(name, "--network", "front", command=HTTPD)
    host.run("old", command=HTTPD)
    host.run("both", "--network", "front", "--network", "back", command=HTTPD)
    host.run("client", "--network", "front")
    host.run("client2", "--network", "back")
    host.run("client3")
    host.docker("stop", "-t", "0", "dead")
    drop = ["iptables", "-A", "INPUT", "-p", "tcp", "-m", "tcp", "--dport", "80", "-j", "DROP"]
    host.inspect("deaf").netns.run(*drop)


def _case(host: Stack, writer: Writer, number: int, counted: Counter[str]) -> Iterator[str]:
    """Two proxies and their questions; a line for each that is wrong, with both configurations."""
    texts = []
    for place in range(2):
        kind = writer.any.choice(tuple(COMMANDS))
        texts.append(writer.text(kind, f"p{place}"))
        _start(host, writer, f"p{place}", kind, texts[-1])
    try:
        time.sleep(2)  # HAProxy's checks and look-ups have been made
        questions = list(writer.questions())
        with ThreadPoolExecutor(len(questions)) as clients:
            seen = list(clients.map(lambda asked: _fetched(host, asked), questions))
        for asked, (code, status) in zip(questions, seen, strict=True):
            answer = host.asks(asked.url, f"ns:{host.lan.name}" if asked.source == "lan" else asked.source)
            counted["asked"] += 1
            counted["open"] += answer["reach"] == "depends"
            if answer["reach"] != "depends" and not _agrees(answer, code, status):
                counted["wrong"] += 1
                told = (answer["symptom"], (answer.get("http") or {}).get("status"))
                yield f"case {number}: {asked.url} from {asked.source}: curl {code}, status {status}; predicted {told}"
                yield from texts
    finally:
        host.docker("rm", "-f", "p0", "p1")


def _start(host: Stack, writer: Writer, name: str, kind: str, text: str) -> None:
    file = host.folder / name
    file.write_text(text)
    first = writer.any.choice(("front", "front", "back"))
    options = ["--network", first]
    if writer.any.random() < 0.25:
        options += ["--network", "back" if first == "front" else "front"]
    if writer.any.random() < 0.3:
        options += ["--add-host", "host.docker.internal:host-gateway"]
    options += ["-v", f"{MODULES}:{MODULES}:ro"] if kind == "apache" else []
    inside = ("-v", f"{file}:{FILES[kind][0]}:ro", "-e", "HOME=/tmp", "-p", f"809{name[1]}:80")
    host.run(name, *options, *inside, command=COMMANDS[kind])


def _fetched(host: Stack, asked: Asked) -> tuple[int, int]:
    """curl's exit code and the status."""
    words = ("-s", "-o", "/dev/null", "-m", str(PATIENCE), "-w", "%{http_code}", asked.url)
    if asked.source not in ("lan", "host"):
        done = host.within(asked.source, "/usr/bin/curl", *words)
    else:
        netns = host.lan if asked.source == "lan" else host.host
        done = subprocess.run(netns.enter(["curl", *words]), capture_output=True, text=True, check=False)
    return done.returncode, int(done.stdout or 0)


def _agrees(answer: dict[str, Any], code: int, status: int) -> bool:
    """Whether the answer is what the client got. What the server behind says is its own matter, unless it fails."""
    http = answer.get("http") or {}
    if http.get("reason") == "HTTP_REDIRECT_LOOP" or any(
        cause["code"] == "HTTP_REDIRECT_LOOP" for cause in answer["causes"]
    ):
        return status == 0 or status >= 500  # how a circle ends is a matter of who runs out of what first
    if answer["symptom"] not in ALIKE[SYMPTOMS[code]]:
        return False
    if http.get("served", True):
        return status < 500
    return bool(http["status"] == status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
