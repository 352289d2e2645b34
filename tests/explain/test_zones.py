"""A bridge of containers that no zone of firewalld has, and what is not one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.trace import Symptom
from engine.model.verdict import Cause
from tests.hosts.build import World
from tests.hosts.stock import docker_world

IN_ZONES = [
    ":INPUT_ZONES - [0:0]",
    ":FORWARD_IN_ZONES - [0:0]",
    ":IN_public - [0:0]",
    ":FWDI_public - [0:0]",
    "{zones}",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -j INPUT_ZONES",
    "-A INPUT -j REJECT --reject-with icmp-host-prohibited",
    "-A IN_public -j REJECT --reject-with icmp-host-prohibited",
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -j FORWARD_IN_ZONES",
    "-A FWDI_public -j REJECT --reject-with icmp-host-prohibited",
]
DEFAULT = ["-A INPUT_ZONES -g IN_public", "-A FORWARD_IN_ZONES -g FWDI_public"]
DOCKER = [":IN_docker - [0:0]", ":FWDI_docker - [0:0]", "-A IN_docker -j ACCEPT", "-A FWDI_docker -j ACCEPT"]


def cause(target: str, zones: list[str], change: Callable[[World], object] = lambda _: None) -> Cause:
    """What stops web's packet; the first fix of it connects."""
    lines = [line for each in IN_ZONES for line in (zones if each == "{zones}" else [each])]
    world = docker_world(filters=lines)
    world["host"].listen(7000)
    world["lan"].listen(9000)
    change(world)
    snapshot = world.snapshot()
    question = resolve(snapshot, target, "ns:web")
    found = ask(snapshot, question).causes[0]
    assert ask(applied(snapshot, found.fixes[0].plan.changes), question).symptom is Symptom.CONNECTED
    return found


@pytest.mark.parametrize(("zones", "zone"), [([*DOCKER, *DEFAULT], "docker"), (DEFAULT, "trusted")])
def test_it_goes_into_the_zone_for_containers_where_it_asks_beyond_the_host(zones: list[str], zone: str) -> None:
    (fix,) = cause("10.77.0.2:9000", zones).fixes
    assert fix.title == f"add docker0 to firewalld's zone {zone} (it is in none)"
    target = {"docker": ("-g IN_docker", "-g FWDI_docker"), "trusted": ("-j ACCEPT", "-j ACCEPT")}[zone]
    assert [" ".join(argv[5:]) for argv in fix.commands] == [
        f"-I INPUT_ZONES 1 -i docker0 {target[0]}",
        f"-I FORWARD_IN_ZONES 1 -i docker0 {target[1]}",
    ]
    assert [" ".join(argv[2:]) for argv in fix.lasting] == [
        f"firewall-cmd {more}--zone={zone} --change-interface=docker0" for more in ("", "--permanent ")
    ]


def test_its_own_network_is_let_in_where_it_asks_the_host() -> None:
    first, second = cause("172.17.0.1:7000", DEFAULT).fixes
    assert 'source address="172.17.0.0/16" destination address="172.17.0.1" port port="7000"' in first.lasting[0][-1]
    assert second.title.endswith("zone trusted (it is in none)")


def test_a_bridge_that_a_zone_was_chosen_for_stays_in_it() -> None:
    chosen = ["-A INPUT_ZONES -i docker0 -g IN_public", "-A FORWARD_IN_ZONES -i docker0 -g FWDI_public"]
    assert not any("zone" in fix.title for fix in cause("10.77.0.2:9000", [*chosen, *DEFAULT]).fixes)


def test_a_bridge_that_leads_outside_is_none_of_containers() -> None:
    def with_card(world: World) -> None:
        world["host"].link("card0")
        world["host"].plug("card0", "docker0")

    fixes = cause("10.77.0.2:9000", DEFAULT, with_card).fixes
    assert not any("into its zone" in fix.title for fix in fixes)
