from ipaddress import IPv4Address, IPv6Address

import pytest

from engine.model.packet import Protocol
from engine.model.traffic import Relay
from engine.observe.proc.relays import is_relay, program_of

TCP, UDP = Protocol.TCP, Protocol.UDP


def relay(name: str, command: str, port: int, protocol: Protocol = TCP) -> Relay | None:
    program = program_of(name, command.split())
    return program.relay_for(protocol, port) if program else None


def test_docker_proxy_names_the_container_in_its_arguments() -> None:
    command = (
        "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80"
    )
    assert relay("docker-proxy", command, 8080) == Relay("docker-proxy", IPv4Address("172.17.0.2"), 80)
    assert relay("docker-proxy", command + " -use-listen-fd", 8080) == relay("docker-proxy", command, 8080)


def test_docker_proxy_for_ipv6_and_udp_with_equal_signs() -> None:
    command = "docker-proxy --proto=udp --host-port=53 --container-ip=fd00::2 --container-port=5353"
    assert relay("docker-proxy", command, 53, UDP) == Relay("docker-proxy", IPv6Address("fd00::2"), 5353)


@pytest.mark.parametrize(
    "command",
    ["docker-proxy", "docker-proxy -host-port", "docker-proxy -host-port x -container-ip y -container-port z", ""],
)
def test_docker_proxy_with_other_arguments_has_no_known_target(command: str) -> None:
    assert relay("docker-proxy", command, 80) == Relay("docker-proxy")


def test_pasta_maps_ports_and_ranges_to_the_same_address_inside() -> None:
    command = "/usr/bin/pasta.avx2 --config-net -t 127.0.0.1/8080:80,9000-9010:9100-9110 -u none --netns /run/netns/x"
    assert relay("pasta.avx2", command, 8080) == Relay("pasta", None, 80)
    assert relay("pasta.avx2", command, 9005) == Relay("pasta", None, 9105)
    assert relay("pasta.avx2", command, 8080, UDP) == Relay("pasta")


@pytest.mark.parametrize("spec", ["auto", "all", "none", "~22", "22-", "x:y", ""])
def test_pasta_words_that_are_no_ports_are_passed_over(spec: str) -> None:
    assert relay("pasta", f"pasta -t {spec}", 22) == Relay("pasta")


@pytest.mark.parametrize("name", ["dockerd", "conmon"])
def test_engines_that_only_keep_a_port_pass_nothing_on_and_may_have_ports_of_their_own(name: str) -> None:
    program = program_of(name, [name, "-H", "tcp://0.0.0.0:2375"])
    assert program is not None
    assert program.holds_only_published
    assert program.relay_for(TCP, 8080) == Relay(name)


def test_ordinary_programs_are_no_relays() -> None:
    assert not is_relay("nginx")
    assert program_of("nginx", ["nginx", "-host-port", "80"]) is None


def test_nothing_of_a_command_line_is_kept_but_addresses_and_ports() -> None:
    command = ["docker-proxy", "-token", "s3cret"]
    command += ["-host-port", "80", "-container-ip", "10.0.0.2", "-container-port", "80"]
    assert "s3cret" not in repr(program_of("docker-proxy", command))
