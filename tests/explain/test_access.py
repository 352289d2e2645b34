"""Who may ask nginx: an address that is not let in, and a password that is asked for, are named with their line."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.verdict import Verdict
from engine.path.proxies.access import as_asked_by
from tests.explain.test_site_files import why
from tests.hosts.named import named_world, proxied, server

PASS = "location / { proxy_pass http://web; }"
USERS = "auth_basic x; auth_basic_user_file /etc/nginx/users;"


def answers(rules: str) -> tuple[int, str]:
    """The status that `client` (172.18.0.4) gets of a site with these rules, and the end of the first sentence."""
    verdict: Verdict = why(proxied(server(f"{rules} {PASS}")))
    assert verdict.conversation.http is not None
    sentence = verdict.causes[0].sentence.partition("nginx.conf:3 ")[2] if verdict.causes else ""
    assert not verdict.causes or verdict.causes[0].code == "HTTP_ACCESS_DENIED"
    return verdict.conversation.http.status, sentence


DENIED = (403, "denies 172.18.0.4")
ASKED = (401, "asks for a user and a password")
WELL = (200, "")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("allow 10.0.0.0/8; deny all;", DENIED),
        ("allow 172.18.0.0/16; deny all;", WELL),
        ("deny 172.18.0.4; allow all;", DENIED),
        ("allow all; deny 172.18.0.4;", WELL),
        ("deny 10.0.0.0/8;", WELL),
        (USERS, ASKED),
        ("auth_basic x;", WELL),
        (f"{USERS} deny all;", DENIED),
        (f"satisfy any; {USERS} deny all;", ASKED),
        (f"satisfy any; {USERS} allow 172.18.0.4; deny all;", WELL),
        (f"satisfy all; {USERS} allow 172.18.0.4; deny all;", ASKED),
    ],
)
def test_who_may_ask_is_who_the_rules_let_in(rules: str, expected: tuple[int, str]) -> None:
    assert answers(rules) == expected


def test_whose_address_became_another_on_the_way_is_named_as_well() -> None:
    world = named_world()
    world["host"].iptables("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o br-front -j MASQUERADE\nCOMMIT\n")
    snapshot = proxied(server(f"allow 10.77.0.0/24; deny all; {PASS}"), world)
    cause = ask(snapshot, resolve(snapshot, "http://172.18.0.2/", "10.77.0.2@up0")).causes[0]
    assert cause.sentence.endswith("nginx.conf:3 denies 172.18.0.1, which is how it sees 10.77.0.2")


def test_whom_no_rule_is_about_is_not_kept_from_asking() -> None:
    snapshot = proxied(server(PASS))
    (proxy,) = snapshot.proxies
    assert as_asked_by(proxy, ip_address("10.0.0.1")) is proxy


@pytest.mark.parametrize("line", ["allow 10.0.0.0/8; deny all;", "deny 172.18.0.0/16;", "deny 10.0.0.1; deny all;"])
def test_who_is_denied_is_let_in_by_a_line_of_its_own(line: str) -> None:
    snapshot = proxied(server(f"{line} {PASS}"))
    verdict = why(snapshot)
    (fix,) = verdict.causes[0].fixes
    assert fix.title == "/etc/nginx/nginx.conf:3: allow 172.18.0.4, then reload nginx"
    assert not why(applied(snapshot, fix.plan.changes)).causes
    assert fix.commands[-1][-3:] == ("nginx", "-s", "reload")
    script = fix.commands[0][-1].partition("'")[2].partition("'")[0].removeprefix("3")
    written = subprocess.run(["sed", script], input=line, capture_output=True, text=True, check=True, env={}).stdout
    assert written == line.replace("deny", "allow 172.18.0.4; deny", 1)


def test_a_password_is_not_given_by_a_fix() -> None:
    assert not why(proxied(server(f"{USERS} {PASS}"))).causes[0].fixes
