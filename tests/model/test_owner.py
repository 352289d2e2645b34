"""Owners, by the names of chains and tables."""

from __future__ import annotations

import pytest

from engine.model.owner import owner_of_chain


@pytest.mark.parametrize(
    ("table", "chain", "owner"),
    [
        ("filter", "DOCKER", "docker"),
        ("filter", "DOCKER-ISOLATION-STAGE-1", "docker"),
        ("filter", "DOCKER-USER", "admin"),
        ("filter", "ufw-reject-input", "ufw"),
        ("nat", "KUBE-SERVICES", "kube-proxy"),
        ("filter", "FORWARD", "admin"),
        ("nat", "NETAVARK-1", "podman"),
        ("firewalld", "filter_IN_public", "firewalld"),
        ("filter", "f2b-sshd", "fail2ban"),
    ],
)
def test_names_tell_the_owner(table: str, chain: str, owner: str) -> None:
    assert owner_of_chain(table, chain) == owner


def test_a_table_that_carries_our_mark_is_ours() -> None:
    assert owner_of_chain("t", "any", "portscope:demo") == "portscope"
