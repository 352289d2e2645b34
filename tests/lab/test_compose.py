"""What a lab's file may say, what is chosen for it, and how what is wrong is named: file, line, what would be right."""

from __future__ import annotations

import pytest

from engine.lab.blueprint import Blueprint
from engine.lab.choose import choose
from engine.lab.errors import LabFileError
from engine.lab.reading.compose import read

SHOP = """\
name: shop
services:
  web:
    image: nginx
    ports: ["8080:80", "127.0.0.1:9000-9001:90-91", 53:53/udp, "80"]
    networks: [front, back]
  db:
    expose: ["5432"]
    networks:
      back: {ipv4_address: 172.30.6.77}
  guest: {network_mode: "service:db"}
  alone: {network_mode: none, ports: ["1:1"]}
networks:
  front:
  back: {ipam: {config: [{subnet: 172.30.6.0/24}]}}
"""


def lab(text: str) -> Blueprint:
    return choose(read(text, "lab.yaml"))


def test_addresses_are_chosen_as_docker_chooses_them() -> None:
    shop = lab(SHOP)
    assert [(bridge.link, str(bridge.subnet)) for bridge in shop.bridges] == [
        ("docker0", "172.17.0.0/16"),
        ("br-front", "172.18.0.0/16"),
        ("br-back", "172.30.6.0/24"),
    ]
    web, db, guest, alone = shop.nodes
    assert [(end.link, str(end.address)) for end in web.ends] == [("eth0", "172.30.6.2/24"), ("eth1", "172.18.0.2/16")]
    assert str(db.ends[0].address) == "172.30.6.77/24"
    assert (guest.netns, alone.ends) == (db.netns, ())
    assert len({end.veth for node in shop.nodes for end in node.ends}) == 3
    assert all(len(end.veth) == 11 for node in shop.nodes for end in node.ends)


def test_ports_are_published_in_the_engines_order_and_a_lone_one_gets_a_random_port() -> None:
    rows = [
        (str(port.host_address), port.host_port, port.container_port, str(port.protocol))
        for port in lab(SHOP).published
    ]
    assert rows == [
        ("127.0.0.1", 9001, 91, "tcp"),
        ("127.0.0.1", 9000, 90, "tcp"),
        ("None", 8080, 80, "tcp"),
        ("None", 32768, 80, "tcp"),
        ("None", 53, 53, "udp"),
    ]


def test_the_same_file_gives_the_same_lab_and_another_name_other_links() -> None:
    assert lab(SHOP) == lab(SHOP)
    other = choose(read(SHOP, "lab.yaml", "second"))
    assert other.nodes[0].netns == "second-web"
    assert other.nodes[0].ends[0].veth != lab(SHOP).nodes[0].ends[0].veth


def test_what_compose_knows_and_a_lab_does_not_need_is_noted() -> None:
    notes = lab(SHOP).spec.notes
    assert notes == (
        "lab.yaml: left out, as a lab has no use for them: image",
        "lab.yaml:12: services.alone.ports are left out: network_mode none publishes nothing",
    )


def test_merge_keys_and_long_ports_work_as_in_compose() -> None:
    text = """\
services:
  a: &a
    ports: [{target: 80, published: "8080", host_ip: 127.0.0.1, protocol: tcp}]
  b:
    <<: *a
    ports: ["81"]
"""
    ports = {port.service: (port.host_port, port.container_port) for port in lab(text).published}
    assert ports == {"a": (8080, 80), "b": (32768, 81)}


def test_podman_has_its_own_pools_and_names() -> None:
    found = lab(SHOP.replace("172.30.6", "10.99.6") + "x-lab: {layout: podman}\n")
    assert [(bridge.link, str(bridge.subnet)) for bridge in found.bridges] == [
        ("podman1", "10.89.0.0/24"),
        ("podman2", "10.99.6.0/24"),
    ]


ONE = "services:\n  web: {networks: [a]}\nnetworks:\n  a: {ipam: {config: [{subnet: 172.30.0.0/24}]}}\n"
#: A wrong file, the line that is named, what is said to be wrong, and what would be right.
WRONG = [
    ("services: [", 1, "this is not YAML", "look at this line"),
    ("- 1\n", 1, "the file is a list", "write a mapping"),
    ("", 1, "the file is empty", "write a Compose file"),
    (
        ONE + "  b: {driver_opts: {com.docker.network.bridge.name: lo}}\n",
        5,
        "the link lo of the host itself",
        "another name",
    ),
    (
        ONE + "  b: {driver_opts: {com.docker.network.bridge.name: eth0}}\n",
        5,
        "the link eth0 of the uplink to lan",
        "name",
    ),
    (
        ONE + "  b: {driver_opts: {com.docker.network.bridge.name: br-a}}\n",
        5,
        "the link br-a of network a",
        "another name",
    ),
    (ONE.replace("[a]", "{a: {ipv4_address: 172.30.0.0}}"), 2, "172.30.0.0, which is no host's", "between"),
    (ONE.replace("[a]", "{a: {ipv4_address: 172.30.0.255}}"), 2, "172.30.0.255, which is no host's", "between"),
    ("services:\n  web:\n    prots: [80]\n", 3, "services.web.prots is not a key", "did you mean ports?"),
    ("services:\n  web:\n    zzzzzzzz: [80]\n", 3, "services.web.zzzzzzzz is not a key", "known here: ports, expose, "),
    ("services:\n  web: {}\n  web: {}\n", 3, "services.web stands twice", "keep one"),
    ("services:\n  web:\n    ports: ['80:80:80:80']\n", 3, "'80:80:80:80'", "write HOST:CONTAINER"),
    ("services:\n  web:\n    ports: ['70000:80']\n", 3, "70000", "1 to 65535"),
    ("services:\n  web:\n    ports: ['80-82:80-81']\n", 3, "pairs 3 ports with 2", "equally long"),
    ("services:\n  web:\n    ports: ['80:80/icmp']\n", 3, "'icmp'", "tcp or udp"),
    ("services:\n  web: {networks: [b]}\n", 2, "names the network 'b'", "the file has"),
    (
        ONE + "  b: {ipam: {config: [{subnet: 172.30.0.0/16}]}}\n",
        5,
        "overlaps 172.30.0.0/24 of network a",
        "another subnet",
    ),
    (ONE + "  b: {driver: weave}\n", 5, "'weave'", "bridge"),
    (
        ONE + "  b: {driver_opts: {com.docker.network.bridge.name: br-0123456789abcdef}}\n",
        5,
        "19 characters",
        "takes 15",
    ),
    (ONE + "  b: {enable_ipv6: true}\n", 5, "IPv6 and no subnet", "fd00:7::/64"),
    ("services:\n  a: {ports: ['80:80']}\n  b: {ports: ['80:81']}\n", 3, "publishes 80/tcp", "another port"),
    (
        "services:\n  a: {network_mode: 'service:b'}\n  b: {network_mode: 'service:a'}\n",
        2,
        "cycle of network_mode: a → b → a",
        "own",
    ),
    ("services:\n  a: {network_mode: 'service:z'}\n", 2, "which is no service", "name one"),
    ("services:\n  host: {}\n", 2, "name of the lab's host", "another one"),
    (f"services:\n  {'x' * 41}: {{}}\n", 2, "41 characters", "at most 40"),
    ("name: Shop!\nservices:\n  a: {}\n", 1, "'Shop!'", "lower-case"),
    ("services:\n  a: {}\nx-lab: {sysctls: {host: {kernel.x: 1}}}\n", 3, "kernel.x", "only net."),
    ("services:\n  a: {sysctls: {net.ipv4.conf.../../../kernel.panic: 77}}\n", 2, "kernel.panic", "only net."),
    ("services:\n  a: {}\nx-lab: {sysctls: {host: {net.ipv4.conf.../../x.y: 7}}}\n", 3, "../../x.y", "only net."),
    ("services:\n  a: {}\nx-lab:\n  layout: docker-99\n", 4, "'docker-99'", "docker-26"),
    ("services:\n  a: {}\nx-lab:\n  checks: [{from: lan, to: ':80', expect: fine}]\n", 4, "'fine'", "connected"),
    ("services:\n  a: {}\nx-lab:\n  rules: ['rm -rf x']\n", 4, "runs 'rm'", "a line of iptables"),
    (
        "services:\n  a: {}\nx-lab:\n  rules: [{in: b, run: 'iptables -P INPUT DROP'}]\n",
        4,
        "names 'b'",
        "nodes are: host, a",
    ),
    ("services:\n  a: {}\nx-lab:\n  impairments: [{node: a, rate: fast}]\n", 4, "'fast'", "1mbit"),
    ("services:\n  lan: {}\n", 1, "name of another node", "another one"),
]


@pytest.mark.parametrize(("text", "line", "problem", "remedy"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_its_line_and_with_what_would_be_right(
    text: str, line: int, problem: str, remedy: str
) -> None:
    with pytest.raises(LabFileError) as caught:
        lab(text)
    said = str(caught.value)
    assert said.startswith(f"lab.yaml:{line}: ")
    assert problem in said
    assert remedy in said
    assert "\n" not in said
