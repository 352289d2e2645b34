"""Names in a real Docker Engine: what getent finds in a container is what portscope predicts, and its fix works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engines.docker import PROGRAMS as DOCKER
from tests.engines.stack import BLOG, BLOG_ADDRESS, PROGRAMS, Stack, stack
from tests.harness.needs import require

require(*DOCKER, *PROGRAMS, root=True)

HTTPD = ("/bin/httpd", "-f", "-p", "80")


@pytest.fixture(scope="module")
def host() -> Iterator[Stack]:
    with stack() as made:
        made.serve(made.lan, "blog", f"tcp/{BLOG_ADDRESS}/80")
        made.run("web", "--network", "front", "--network-alias", "shop", "-p", "8080:80", command=HTTPD)
        made.run("db", "--network", "back", "--network-alias", "data", command=HTTPD)
        made.run("both", "--network", "front", command=HTTPD)
        made.docker("network", "connect", "back", "both")
        made.run("old", command=HTTPD)
        made.run("old2", "--add-host", "pinned:172.17.0.99", command=HTTPD)
        made.run("shut", "--network", "inner", command=HTTPD)
        made.run("gone", "--network", "front", command=HTTPD)
        made.docker("stop", "-t", "0", "gone")
        made.run("lost", "--dns", "10.77.0.99", command=HTTPD)
        made.run("self", "--dns", "127.0.0.53", command=HTTPD)
        made.run("shadow", "--network", "front", "--add-host", "web:172.18.0.250", command=HTTPD)
        made.run("hostly", "--network", "front", "--add-host", "host.docker.internal:host-gateway", command=HTTPD)
        made.run("search", "--network", "front", "--dns-search", "example.test", command=HTTPD)
        yield made


@dataclass(frozen=True)
class Name:
    """A name that is looked up in a container; the code of the first cause or finding, "" where all is well. `quick`:
    it waits for a neighbour, which this host gives up sooner than others."""

    source: str
    name: str
    code: str = ""
    quick: bool = False

    def __str__(self) -> str:
        return f"{self.name} in {self.source}"


NAMES = [
    Name("web", "web"),
    Name("web", "shop"),
    Name("web", "both"),
    Name("web", "shop.front"),
    Name("db", "data"),
    Name("db", "both"),
    Name("both", "db"),
    Name("both", "web"),
    Name("web", BLOG),
    Name("old", BLOG),
    Name("web", "localhost"),
    Name("old2", "pinned", "SRC_NEIGH_FAILED"),
    Name("hostly", "host.docker.internal", "NAT_NOT_PUBLISHED"),
    Name("search", "blog"),
    Name("web", "db", "NAME_OTHER_NETWORK"),
    Name("web", "data", "NAME_OTHER_NETWORK"),
    Name("db", "web", "NAME_OTHER_NETWORK"),
    Name("db", "shop", "NAME_OTHER_NETWORK"),
    Name("shut", "web", "NAME_OTHER_NETWORK"),
    Name("old", "old2", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS"),
    Name("old", "web", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS"),
    Name("web", "old", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS"),
    Name("shut", BLOG, "NAME_INTERNAL_NETWORK"),
    Name("web", "gone", "NAME_NOT_FOUND"),
    Name("web", "wbe", "NAME_NOT_FOUND"),
    Name("web", "nosuch.example.test", "NAME_NOT_FOUND"),
    Name("web", "host.docker.internal", "NAME_HOST_GATEWAY_ABSENT"),
    Name("lost", BLOG, "NAME_RESOLVER_UNREACHABLE", quick=True),
    Name("self", BLOG, "NAME_RESOLVER_LOOPBACK"),
    Name("shadow", "web", "NAME_SHADOWED_BY_HOSTS"),
]


@pytest.mark.parametrize("case", NAMES, ids=str)
def test_a_name_is_looked_up_as_the_container_does(host: Stack, case: Name) -> None:
    real = host.looks_up(case.source, case.name)
    answer = host.asks(f"http://{case.name}/", case.source)
    assert tuple(answer["name"]["addresses"]) == real.addresses, answer["name"]
    assert (answer["name"]["used"] is None or bool(answer["name"]["addresses"])) is (real.code == 0) or case.code
    assert case.quick or abs(answer["name"]["seconds"] - real.seconds) < 3, (answer["name"]["seconds"], real.seconds)
    told = [each["code"] for each in (*answer["causes"], *answer["findings"])]
    assert told[:1] == ([case.code] if case.code else []), (told, [each["sentence"] for each in answer["causes"]])


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (("--network", "front"), "http://db/"),
        ((), "http://web/"),
        ((), "http://old/"),
        (("--network", "inner"), "http://db/"),
        (("--network", "front", "--add-host", "web:172.18.0.251"), "http://web/"),
    ],
    ids=str,
)
def test_the_first_fix_lets_the_client_in(host: Stack, options: tuple[str, ...], target: str) -> None:
    host.run("client", *options)
    try:
        before, _ = host.fetches("client", target)
        answer = host.asks(target, "client")
        assert before != 0
        assert answer["reach"] == "no"
        host.mends(answer)
        after, status = host.fetches("client", target)
        assert (after, status) == (0, 404), answer["causes"][0]["fixes"]
        assert host.asks(target, "client")["reach"] == "yes"
    finally:
        host.remove("client")


def test_a_container_s_name_means_the_container_and_its_look_up_is_told_beside_it(host: Stack) -> None:
    apart = host.asks("db:80", "web")
    assert (apart["reach"], apart["symptom"]) == ("no", "timeout")
    assert [each["code"] for each in apart["causes"]] == ["FW_NET_ISOLATION_DROP", "NAME_OTHER_NETWORK"]
    assert [bool(each["fixes"]) for each in apart["causes"]] == [True, False]
    beside = host.asks("old2:80", "old")
    assert (beside["reach"], [each["code"] for each in beside["findings"]]) == (
        "yes",
        ["NAME_DEFAULT_BRIDGE_HAS_NO_DNS"],
    )


def test_the_engine_s_name_for_the_host_is_written_and_leads_there(host: Stack) -> None:
    host.run("client", "--network", "front")
    try:
        url = "http://host.docker.internal:8080/"
        assert host.fetches("client", url)[0] != 0
        host.mends(host.asks(url, "client"))
        assert host.fetches("client", url) == (0, 404)
    finally:
        host.remove("client")


def test_a_client_that_heeds_its_environment_asks_a_proxy_and_the_answer_says_so(host: Stack) -> None:
    host.run("client", "--network", "front", "-e", "http_proxy=http://172.18.0.1:9/", "-e", "NO_PROXY=localhost")
    try:
        assert host.fetches("client", "http://web/")[0] != 0
        answer = host.asks("http://web/", "client")
        assert (answer["reach"], [each["code"] for each in answer["findings"]]) == ("yes", ["HTTP_CLIENT_PROXY"])
        assert "http_proxy of client is 172.18.0.1:9" in answer["findings"][0]["sentence"]
    finally:
        host.remove("client")
