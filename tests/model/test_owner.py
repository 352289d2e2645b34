"""Owners, by the names of chains and tables."""

from __future__ import annotations

import pytest

from engine.model.firewall import Backend, Rule
from engine.model.owner import owner_of_chain, owner_of_rule
from engine.observe.firewall.xt.save_text import parse_xt_save


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


def rule(words: str) -> Rule:
    """The last rule of the chain FORWARD of a table with the chains that tools make."""
    chains = "".join(f":{name} - [0:0]\n" for name in ("DOCKER-USER", "DOCKER-FORWARD", "KUBE-FORWARD", "mine"))
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{chains}-A FORWARD {words}\nCOMMIT\n"
    return parse_xt_save(text, Backend.XT_NFT, "ip")[0].chains[0].rules[0]


@pytest.mark.parametrize(
    ("words", "owner"),
    [
        ("-j DOCKER-FORWARD", "docker"),
        ("-j DOCKER-USER", "admin"),
        ("-j mine", "admin"),
        ('-m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD', "kube-proxy"),
        ('-m comment --comment "generated for LXD network lxdbr0" -j ACCEPT', "lxd"),
        ('-m comment --comment "cali:abc" -j ACCEPT', "cni"),
        ("-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", "docker"),
        ("-s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE", "docker"),
        ("-s 10.0.0.0/8 -o eth0 -j MASQUERADE", "admin"),
        ("-i docker0 -j DROP", "admin"),
        ('-m comment --comment "I said so" -j DROP', "admin"),
    ],
)
def test_a_rule_in_a_built_in_chain_is_told_by_what_it_says(words: str, owner: str) -> None:
    assert owner_of_rule("filter", "FORWARD", rule(words)) == owner


def test_a_rule_in_an_owned_chain_is_the_chain_s() -> None:
    assert owner_of_rule("filter", "ufw-user-input", rule("-j DROP")) == "ufw"
    assert owner_of_rule("filter", "DOCKER-USER", rule("-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")) == "admin"
