"""Whose a rule is, by the names that each tool gives its chains and tables."""

from __future__ import annotations

import pytest

from engine.explain.evidence.owners import owner_of
from engine.model.firewall import Firewall
from engine.model.owner import owner_of_chain
from engine.model.ref import Ref, RefKind
from tests.hosts.stock import docker_host

DOCKER = docker_host().host_netns.firewall


@pytest.mark.parametrize(
    ("table", "chain", "owner"),
    [
        ("filter", "DOCKER", "docker"),
        ("filter", "DOCKER-USER", "admin"),
        ("filter", "DOCKER-ISOLATION-STAGE-1", "docker"),
        ("filter", "DOCKER-FORWARD", "docker"),
        ("nat", "NETAVARK-HOSTPORT-DNAT", "podman"),
        ("netavark", "INPUT", "podman"),
        ("filter", "CNI-FORWARD", "cni"),
        ("filter", "CNI-ADMIN", "admin"),
        ("nat", "CNI-HOSTPORT-DNAT", "cni"),
        ("filter", "ufw-user-forward", "ufw"),
        ("filter", "LIBVIRT_FWI", "libvirt"),
        ("nat", "KUBE-SERVICES", "kube-proxy"),
        ("filter", "f2b-sshd", "fail2ban"),
        ("filter", "ts-forward", "tailscale"),
        ("firewalld", "filter_FORWARD", "firewalld"),
        ("filter", "FWDI_public", "firewalld"),
        ("docker-bridges", "filter-FORWARD", "docker"),
        ("filter", "FORWARD", "admin"),
        ("mine", "anything", "admin"),
    ],
)
def test_owner(table: str, chain: str, owner: str) -> None:
    assert owner_of_chain(table, chain) == owner


def policy_of_forward() -> Ref:
    return Ref(RefKind.CHAIN, "host", ("xt-nft", "ip", "filter", "FORWARD"))


def test_the_policy_of_forward_is_dockers_where_docker_has_set_it() -> None:
    assert owner_of(policy_of_forward(), DOCKER) == "docker"
    assert owner_of(policy_of_forward(), Firewall()) == "admin"


def test_a_rule_in_forward_is_the_admins_even_where_docker_is() -> None:
    rule = Ref(RefKind.RULE, "host", ("xt-nft", "ip", "filter", "FORWARD", 0))
    assert owner_of(rule, DOCKER) == "admin"


def test_what_is_no_rule_is_the_admins() -> None:
    assert owner_of(Ref(RefKind.SYSCTL, "host", ("net.ipv4.ip_forward",)), DOCKER) == "admin"
