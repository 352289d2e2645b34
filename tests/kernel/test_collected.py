"""The script's file against a look at the same namespaces: the same nouns, the same answers, and nothing changed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.observe.collected.snapshot import loads
from tests.harness.baseline import Baseline
from tests.harness.needs import ADMIN_PATH, require
from tests.harness.netns import End, Netns, World
from tests.harness.scenes import Scene, build
from tests.observe.collecting import collect_alone, differences
from tests.scenarios.scenario import read_all

require(
    "ip", "nsenter", "nft", "iptables-nft", "iptables-legacy", "bridge", "ipset", "ss", "dash", "busybox", root=True
)

#: Hosts of every backend, with sets, marks, policy rules, route types, relays, isolated ports and IPv6.
SCENES = (
    "published-nft",
    "published-native-nft",
    "legacy-and-nft-mixed",
    "policy-rules",
    "route-types-at-router",
    "multipath",
    "ipv6-published-legacy",
    "ipv6-policy-rules",
    "matches-legacy",
)
#: Sources of gaps of the script alone: flows, and programs where bpftool is not installed.
BEYOND = ("conntrack", "bpf")
LISTEN = """
import socket, time
held = socket.create_server(("", 81)), socket.socket(type=socket.SOCK_DGRAM)
held[1].bind(("", 82))
print("ready", flush=True)
time.sleep(600)
"""
SCENARIOS = {each.name: each for each in read_all()}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def scene(request: pytest.FixtureRequest, world: World) -> Scene:
    return build(world, SCENARIOS[request.param])


def host_of(scene: Scene) -> Netns:
    return scene.netns[scene.scenario.host]


def looked_and_told(scene: Scene) -> tuple[Snapshot, Snapshot]:
    """A look and a file of one moment: the kernel gives new devices their own IPv6 addresses when it likes to."""

    def addresses(snapshot: Snapshot) -> list[object]:
        return [(each.addresses, each.routes) for each in snapshot.namespaces]

    before = scene.look()
    while True:
        told = loads(collect_alone(host_of(scene), list(scene.netns.values())))
        after = scene.look()
        if addresses(before) == addresses(after):
            return after, told
        before = after


@pytest.mark.parametrize("scene", SCENES, indirect=True)
def test_a_collected_host_is_the_host_that_a_look_sees(scene: Scene) -> None:
    looked, told = looked_and_told(scene)
    found = {each.id: differences(each, told.by_id[each.id]) for each in looked.namespaces}
    assert found == {each.id: [] for each in looked.namespaces}
    assert [gap for gap in told.gaps if gap.source not in BEYOND] == [g for g in looked.gaps if g.source not in BEYOND]
    for question in scene.scenario.questions:
        source, protocol = f"ns:{scene.netns[question.source].name}", Protocol(question.protocol)
        answers = [explain.ask(each, resolve(each, question.target, source, protocol)) for each in (looked, told)]
        assert answers[0].symptom == answers[1].symptom
        assert [cause.code for cause in answers[0].causes] == [cause.code for cause in answers[1].causes]


@pytest.fixture
def forgetful(request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder with an `ip` and an `ss` that answer several questions at once as no tool should; not in /tmp."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    for name, several, said in (("ip", "-batch", request.param), ("ss", "--tcp --udp", "sctp 0 0")):
        real = shutil.which(name, path=ADMIN_PATH)
        script = f'#!/bin/sh\ncase " $* " in *" {several} "*) {said} ;; esac\nexec {real} "$@"\n'
        (folder / name).write_text(script.replace("sctp 0 0", "echo sctp 0 0; exit"))
        (folder / name).chmod(0o755)
    yield str(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("forgetful", ["echo '[]'; exit", "exit 1"], indirect=True)
def test_where_a_tool_does_not_answer_several_questions_each_is_asked_by_itself(world: World, forgetful: str) -> None:
    host, web = world.netns("host"), world.netns("web")
    world.veth(End(host, "to-web", ("10.7.0.1/24", "fd00:7::1/64")), End(web, "eth0", ("10.7.0.2/24", "fd00:7::2/64")))
    web.route("default via 10.7.0.1")
    web.ip("neigh add proxy 10.7.0.9 dev eth0")
    web.run("arptables-legacy", "-A", "INPUT", "--opcode", "1", "-s", "10.7.0.7", "-j", "DROP")
    world.start(web.enter([sys.executable, "-I", "-c", LISTEN]), ready="ready")
    usual, other = (
        loads(collect_alone(host, [host, web], ("env", f"PATH={path}", "sh")))
        for path in (ADMIN_PATH, f"{forgetful}:{ADMIN_PATH}")
    )
    assert [gap.source for gap in other.gaps] == [gap.source for gap in usual.gaps]
    for netns in (host, web):
        assert differences(usual.by_id[netns.name], other.by_id[netns.name]) == []
    seen = other.by_id[web.name]
    assert {each.protocol for each in seen.listeners} == {Protocol.TCP, Protocol.UDP}
    assert len(seen.links) == 2
    assert seen.routes
    assert any(each.proxy for each in seen.neighbours)
    assert [table.family for table in seen.firewall.tables] == ["arp"]


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "sh")])
def test_looking_changes_nothing(world: World, shell: tuple[str, ...]) -> None:
    place = world.netns("plain")
    before = Baseline.read(place)
    legacy = place.run("cat", "/proc/net/ip_tables_names")
    collect_alone(place, [place], shell)
    assert Baseline.read(place) == before
    assert place.run("cat", "/proc/net/ip_tables_names") == legacy
    assert not place.run("nft", "list", "tables")


def test_an_ordinary_user_gets_what_may_be_read(world: World) -> None:
    place = world.netns("plain")
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh")
    told = loads(collect_alone(place, [place, world.netns("other")], nobody))
    assert told.host == place.name
    assert [link.name for link in told.host_netns.links] == ["lo"]
    assert any("denied" in gap.reason or "not permitted" in gap.reason or "root" in gap.reason for gap in told.gaps)
