from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.address import Family
from engine.model.application.client_proxy import ClientProxy
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.engines.docker_documents import parse_container, parse_network
from tests.observe.docker_documents import OWN_NETWORK_ID, bridge_network, inspected, listed, own_network

TCP, UDP = Protocol.TCP, Protocol.UDP
DOCKER = ("docker",)


def container(summary: object, inspection: object) -> Container:
    return parse_container(summary, inspection, "docker", DOCKER, {OWN_NETWORK_ID: "shop_back"})


def published(bound: Any, asked: Any = None) -> tuple[PublishedPort, ...]:
    document = {"NetworkSettings": {"Ports": bound}, "HostConfig": {"PortBindings": asked}}
    return container(listed(), document).published


def test_a_running_container_is_read_whole() -> None:
    assert container(listed(), inspected()) == Container(
        id=f"{1:064x}",
        name="web1",
        engine="docker",
        state="running",
        image="nginx",
        network_mode="bridge",
        attachments=(
            Attachment(
                "bridge",
                IPv4Address("172.17.0.2"),
                IPv6Address("fd00::2"),
                IPv4Address("172.17.0.1"),
                "02:42:ac:11:00:02",
            ),
        ),
        published=(PublishedPort(TCP, None, 8080, 80),),
        project="shop",
        service="web",
        command=DOCKER,
    )


def test_secrets_of_environment_command_labels_and_options_are_not_kept() -> None:
    assert "s3cret" not in repr(container(listed(), inspected()))
    assert "s3cret" not in repr(parse_network(bridge_network(), "docker"))


def test_of_the_environment_only_proxies_are_kept_and_not_who_logs_in_there() -> None:
    lines = ["HTTP_PROXY=http://me:s3cret@proxy:3128", "TOKEN=s3cret", 7, "NO_PROXY=localhost"]
    found = container(listed(), inspected(Config={"Env": lines})).client_proxy
    assert found == ClientProxy("proxy:3128", "", ("localhost",))


def test_a_stopped_container_still_has_the_ports_that_it_was_asked_to_publish() -> None:
    stopped = inspected(State={"Status": "exited", "Pid": 0}, NetworkSettings={"Ports": {}, "Networks": {}})
    found = container(listed(State="exited"), stopped)
    assert found.state == "exited"
    assert found.published == (PublishedPort(TCP, None, 8080, 80),)


def test_a_port_that_the_engine_chose_is_known_while_the_container_runs() -> None:
    asked = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert published({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}]}, asked) == (
        PublishedPort(TCP, IPv4Address("127.0.0.1"), 32768, 80),
    )
    assert published({}, asked) == (PublishedPort(TCP, IPv4Address("127.0.0.1"), 0, 80),)


def test_a_range_of_host_ports_is_chosen_at_the_start() -> None:
    assert published({}, {"80/tcp": [{"HostIp": "", "HostPort": "8000-8010"}]})[0].host_port == 0


def test_ports_of_several_protocols_and_addresses_are_in_order() -> None:
    bound = {
        "443/tcp": [{"HostIp": "10.0.0.1", "HostPort": "443"}, {"HostIp": "fd00::1", "HostPort": "443"}],
        "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
        "80/tcp": None,
    }
    assert published(bound) == (
        PublishedPort(UDP, None, 53, 53),
        PublishedPort(TCP, IPv4Address("10.0.0.1"), 443, 443),
        PublishedPort(TCP, IPv6Address("fd00::1"), 443, 443),
    )


def test_a_wildcard_is_of_one_ip_version_where_that_was_asked_for() -> None:
    bound = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    assert [each.family for each in published(bound, bound)] == [Family.INET]
    assert [each.family for each in published(bound, {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]})] == [None]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("default", "bridge"), ("host", "host"), ("none", "none"), ("container:abc", "container:abc"), ("mine", "mine"),
     (OWN_NETWORK_ID, "shop_back"), ("", "bridge")],
)  # fmt: skip
def test_network_modes(mode: str, expected: str) -> None:
    assert container(listed(HostConfig={}), inspected(HostConfig={"NetworkMode": mode})).network_mode == expected


def test_a_container_with_only_alias_names_goes_by_its_id() -> None:
    assert container(listed(Names=["/other/alias"]), {}).name == f"{1:064x}"[:12]


def test_the_default_network_has_the_bridge_of_its_option() -> None:
    assert parse_network(bridge_network(), "docker") == Network(
        "bridge",
        "docker",
        "bridge",
        "docker0",
        subnets=("172.17.0.0/16",),
        options=(("com.docker.network.bridge.enable_icc", "true"), ("com.docker.network.bridge.name", "docker0")),
    )


def test_a_network_of_ones_own_has_a_bridge_named_after_its_id() -> None:
    found = parse_network(own_network(), "docker")
    assert (found.bridge, found.internal) == (f"br-{OWN_NETWORK_ID[:12]}", True)
    assert found.subnets == ("172.20.0.0/16", "fd00:20::/64")


def test_networks_of_other_drivers_have_no_bridge() -> None:
    assert parse_network({"Name": "host", "Driver": "host"}, "docker").bridge == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def bent(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document in which one value, at any depth, is replaced by another."""
    result = dict(document)
    key = draw(st.sampled_from(sorted(result)))
    inner = result[key]
    deeper = isinstance(inner, dict) and inner and draw(st.booleans())
    result[key] = draw(bent(inner)) if deeper else draw(json_values)
    return result


@given(bent(listed()), bent(inspected()), bent(bridge_network()))
def test_documents_of_any_shape_give_nouns_and_no_error(summary: object, inspection: object, network: object) -> None:
    assert isinstance(container(summary, inspection), Container)
    assert isinstance(parse_network(network, "docker"), Network)


@pytest.mark.parametrize(
    ("words", "ports"),
    [
        (["-p", "8080:80"], (PublishedPort(TCP, None, 8080, 80),)),
        (
            ["serve", "-p127.0.0.1:8080:80", "--publish=53:53/udp"],
            (PublishedPort(TCP, None, 8080, 80), PublishedPort(UDP, None, 53, 53)),
        ),
        (["--publish", "8080:80", 7, "-p", "s3cret"], (PublishedPort(TCP, None, 8080, 80),)),
        (["-p", "80"], ()),
        (["-p", "70000:80"], ()),
        (["sh", "-c", "serve -p 8080:80"], ()),
        (["-c", "-pass=8080:80"], ()),
        ("-p 8080:80", ()),
    ],
)
def test_of_the_command_only_ports_are_kept_that_were_meant_for_the_engine(words: Any, ports: Any) -> None:
    assert container(listed(), {"Config": {"Cmd": words}}).misplaced == ports


@pytest.mark.parametrize(("state", "code"), [("exited", 1), ("restarting", 1), ("running", None), ("created", None)])
def test_a_program_that_has_ended_left_a_code(state: str, code: int | None) -> None:
    assert container(listed(), {"State": {"Status": state, "ExitCode": 1}}).exit_code == code
