"""Programs on devices and flowtables are named in the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.firewall import Backend, Table
from engine.model.link import Program
from engine.model.nft_object import Flowtable
from engine.model.trace import Symptom
from tests.hosts.stock import three_in_line
from tests.path.talks import asked


@pytest.mark.parametrize(
    ("netns", "device", "program", "words"),
    [
        ("router", "left", Program("xdp", "native", "guard"), "the XDP program guard (native) on left"),
        ("router", "left", Program("ingress", "bpf", "cil_from"), "the tc ingress program cil_from (bpf) on left"),
        ("server", "eth0", Program("egress", "flower"), "the tc egress program (flower) on eth0"),
    ],
)
def test_a_program_on_the_way_is_named(netns: str, device: str, program: Program, words: str) -> None:
    world = three_in_line()
    world[netns].change(device, programs=(program,))
    (found,) = asked(world.snapshot("client"))
    assert found.symptom is Symptom.CONNECTED
    assert [about.sentence for about in found.assumptions] == [f"{words} passes the packet unchanged"]


def test_a_program_that_the_packet_does_not_meet_is_not() -> None:
    world = three_in_line()
    world["client"].link("other", programs=(Program("xdp", "native"),))
    assert not asked(world.snapshot("client"))[0].assumptions


@pytest.mark.parametrize(("devices", "count"), [(("left", "right"), 1), (("left", "other"), 0)])
def test_a_flowtable_between_both_devices_is_named(devices: tuple[str, ...], count: int) -> None:
    world = three_in_line()
    table = Table(Backend.NFT, "inet", "fast")
    world["router"].table(replace(table, flowtables=(Flowtable("f", devices=devices),)))
    (found,) = asked(world.snapshot("client"))
    codes = [about.code for about in found.assumptions if "left and right" in about.sentence]
    assert codes == ["ASSUME_FLOWTABLE"] * count
