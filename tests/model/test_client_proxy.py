"""What an environment says of proxies: small letters first, no passwords, and what no_proxy is about."""

from __future__ import annotations

import pytest

from engine.model.application.client_proxy import ClientProxy, client_proxy


def test_who_logs_in_is_not_kept() -> None:
    found = client_proxy(["HTTP_PROXY=http://user:s3cret@proxy.corp:3128/", "TOKEN=s3cret", "https_proxy=a@b@[::1]:1"])
    assert found == ClientProxy("proxy.corp:3128", "[::1]:1")


def test_small_letters_come_before_capitals_and_one_for_all_after_both() -> None:
    assert client_proxy(["http_proxy=one:1", "HTTP_PROXY=two:2", "ALL_PROXY=socks5h://all:3"]) == ClientProxy(
        "one:1", "all:3"
    )


@pytest.mark.parametrize("environment", [[], ["PATH=/bin"], ["http_proxy="], ["no_proxy=*"], ["http_proxy"]])
def test_without_a_proxy_there_is_nothing_to_heed(environment: list[str]) -> None:
    assert client_proxy(environment) is None


@pytest.mark.parametrize(
    ("entries", "host", "asked"),
    [
        ("", "web", True),
        ("localhost,127.0.0.1", "web", True),
        ("localhost, web", "web", False),
        ("web:80", "web", False),
        (".corp", "web.corp", False),
        ("corp", "web.corp.", False),
        ("orp", "web.corp", True),
        ("WEB", "web", False),
        ("*", "web", False),
        ("*", "10.0.0.1", False),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", False),
        (".0.0.1", "10.0.0.1", True),
        ("fd00::/8", "fd00::7", False),
    ],
)
def test_no_proxy_lists_names_with_all_below_them_addresses_and_networks(entries: str, host: str, asked: bool) -> None:
    found = client_proxy(["http_proxy=http://proxy:3128", f"NO_PROXY={entries}"])
    assert found is not None
    assert found.of("http", host) == ("proxy:3128" if asked else "")
    assert found.of("https", host) == ""
