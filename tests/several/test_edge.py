"""An edge file: what it may say, and what follows from it for hosts that were read."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.model.host import Snapshot
from engine.model.machine import JoinedBy
from engine.model.packet import Protocol
from engine.model.verdict import Reach, Verdict
from engine.several.edge.document import EdgeFileError, read
from engine.several.joining import joined
from engine.several.naming import Given, HostsError
from tests.several.hosts import MACS, machine, seen
from workbench.commands.answering import answer

HOME = """
schema: portscope.edge/1
routers:
  home:
    devices: {lan: 192.168.1.1/24, wan: 198.51.100.7/24}
    routes: {default: 198.51.100.1}
    masquerade: wan
    forward_ports: [8080/tcp to 192.168.1.10:80]
  internet:
    devices: {one: 198.51.100.1/24, two: 203.0.113.1/24}
segments:
  lan: [nas/eth0, home/lan]
  street: [home/wan, internet/one]
  friends: [friend, internet/two]
"""
CLOUD = """
schema: portscope.edge/1
routers:
  vpc:
    devices: {app: 10.0.2.1/24, db: 10.0.1.1/24}
security_groups:
  db:
    on: [db1/eth0]
    inbound: [allow tcp 5432 from group api, "allow icmp from 10.0.0.0/8"]
  api:
    on: [app1]
    outbound: [allow tcp 5432-5433]
"""


def host(name: str, address: str, gateway: str, *ports: int, knows: str = "") -> Given:
    world, space = machine(address, MACS.get(name, f"3c:fd:fe:00:01:{len(name):02x}"))
    space.route(f"default via {gateway} dev eth0")
    for port in ports:
        space.listen(port)
    if knows:
        space.neighbour("eth0", gateway, knows, "stale")
    return Given(seen(world, name), f"{name}.json", name)


def home(text: str = HOME) -> Snapshot:
    nas = host("nas", "192.168.1.10/24", "192.168.1.1", 80, 81, knows=MACS["router"])
    friend = host("friend", "203.0.113.9/24", "203.0.113.1")
    return joined([nas, friend], read(text, "edge.yaml"))


def cloud(text: str = CLOUD) -> Snapshot:
    app = host("app1", "10.0.2.7/24", "10.0.2.1")
    return joined([app, host("db1", "10.0.1.5/24", "10.0.1.1", 5432, 22, 5433)], read(text, "edge.yaml"))


def ask(whole: Snapshot, target: str, source: str, protocol: Protocol = Protocol.TCP) -> Verdict:
    return answer(whole, target, source, protocol)


def test_a_forwarded_port_leads_to_the_host_behind_the_router() -> None:
    whole = home()
    verdict = ask(whole, "home/198.51.100.7:8080", "friend")
    assert (verdict.reach, verdict.conversation.forward.hops[-1].netns, verdict.causes) == (Reach.YES, "nas", ())
    assert {join.by for join in whole.joins} == {JoinedBy.EDGE}
    assert any(each.text == "edge.yaml:14 puts eth0 of friend and two of internet on it" for each in whole.joins)


def test_a_described_device_is_known_at_the_address_that_hosts_know() -> None:
    whole = home()
    assert whole.by_id["home"].links_by_name["lan"].mac == MACS["router"]
    assert [machine.name for machine in whole.machines if machine.described] == ["home", "internet"]


def test_a_described_host_stays_described_among_other_hosts() -> None:
    whole = joined([Given(home(), "shop.json"), host("other", "10.7.0.1/24", "10.7.0.254")])
    assert [machine.name for machine in whole.machines if machine.described] == ["home", "internet"]


def test_the_host_behind_a_router_is_asked_at_the_routers_port() -> None:
    verdict = ask(home(), "nas/192.168.1.10:80", "friend")
    fix = verdict.causes[0].fixes[0]
    assert fix.title == "ask 198.51.100.7:8080 (home)"
    assert verdict.causes[0].sentence.endswith("home forwards its port 8080 to 192.168.1.10")


def test_a_port_that_is_not_forwarded_is_to_be_forwarded() -> None:
    verdict = ask(home(), "home/198.51.100.7:81", "friend")
    (cause,) = verdict.causes
    assert (cause.owner, cause.at.netns) == ("edge file", "home")
    assert (cause.fixes[0].title, cause.fixes[0].commands) == ("on home: forward 81/tcp to 192.168.1.10:81 (nas)", ())


def test_what_listens_on_a_router_is_not_known_unless_the_file_says_it() -> None:
    unknown = ask(home(), "home/192.168.1.1:443", "nas")
    assert (unknown.reach, [each.code for each in unknown.causes]) == (Reach.DEPENDS, ["INFO_NOT_READ"])
    said = HOME.replace("    masquerade: wan\n", "    masquerade: wan\n    listens: [443/tcp]\n")
    assert ask(home(said), "home/192.168.1.1:443", "nas").reach is Reach.YES
    assert ask(home(said), "home/192.168.1.1:22", "nas").reach is Reach.NO


def test_a_security_group_lets_its_own_in_and_nobody_else() -> None:
    whole = cloud()
    assert ask(whole, "db1/10.0.1.5:5432", "app1").reach is Reach.YES
    verdict = ask(whole, "db1/10.0.1.5:5433", "app1")
    cause = verdict.causes[0]
    assert cause.sentence.endswith("drop what db does not allow (edge.yaml)")
    assert cause.fixes[0].title == "allow tcp 5433 from 10.0.2.7 to 10.0.1.5 in security group db (inbound)"
    assert cause.fixes[0].commands == ()
    outbound = ask(whole, "db1/10.0.1.5:22", "app1").causes[0]
    assert outbound.fixes[0].title == "allow tcp 22 from 10.0.2.7 to 10.0.1.5 in security group api (outbound)"
    assert ask(whole, "app1/10.0.2.7:22", "db1").causes[0].at.netns == "app1"


def test_a_group_whose_members_are_not_there_is_not_guessed() -> None:
    whole = cloud(CLOUD.replace("on: [app1]", "on: [app2]"))
    assert [gap.reason for gap in whole.gaps if gap.machine == "app2"] == [
        "edge.yaml:11: no host app2 was given; what the file says of it is left out"
    ]
    assert ask(whole, "db1/10.0.1.5:5432", "app1").reach is Reach.DEPENDS


def test_devices_on_two_named_segments_are_not_joined_by_addresses_that_fit() -> None:
    pair = [host("app1", "10.9.0.1/24", "10.9.0.254"), host("db1", "10.9.0.2/24", "10.9.0.254", 80)]
    apart = "schema: portscope.edge/1\nsegments: {one: [app1, x], two: [db1, y]}\nhosts:\n" + "".join(
        f"  {name}: {{devices: {{eth0: 10.9.0.{number}/24}}}}\n" for name, number in (("x", 3), ("y", 4))
    )
    whole = joined(pair, read(apart, "edge.yaml"))
    ends = {frozenset((join.near.netns, join.far.netns)) for join in whole.joins}
    assert ends == {frozenset(("app1", "x")), frozenset(("db1", "y"))}


def test_two_homes_that_number_alike_are_not_taken_for_one() -> None:
    """The described router is another one's: the host knows that address at a MAC address of another segment."""
    nas = host("nas", "192.168.1.10/24", "192.168.1.1", 80, knows=MACS["router"])
    away = host("away", "192.168.1.30/24", "192.168.1.1", knows="3c:fd:fe:00:00:77")
    text = HOME.replace("nas/eth0, home/lan", "nas, home/lan").replace("friends: [friend,", "friends: [nobody,")
    whole = joined([nas, away], read(text, "edge.yaml"))
    assert not any("away" in (join.near.netns, join.far.netns) for join in whole.joins)


WRONG = {
    "no schema": ("routers: {}", "edge.yaml:1: the file does not say what it is; begin it with schema:"),
    "another schema": ("schema: x", "edge.yaml:1: schema does not say what it is"),
    "not YAML": ("schema: [", "edge.yaml:1: this is not YAML"),
    "unknown key": (
        f"{HOME}router: {{}}",
        "edge.yaml:15: router is not a key that is known here; did you mean routers?",
    ),
    "no devices": ("schema: portscope.edge/1\nrouters: {a: {}}", "routers.a has no devices; write devices:"),
    "bad address": ("schema: portscope.edge/1\nrouters: {a: {devices: {x: 10.0.0.256/8}}}", "is '10.0.0.256/8'; write"),
    "bad rule": (CLOUD.replace("allow tcp 5432 from group api", "open 5432"), "is 'open 5432'; write ACTION PROTOCOL"),
    "ports of icmp": (CLOUD.replace('"allow icmp', '"allow icmp 8'), "has ports for icmp; write tcp, udp or sctp"),
    "bad ports": (CLOUD.replace("5432-5433", "5433-5432"), "names the ports '5433-5432'; write the smaller one first"),
    "unknown group": (
        CLOUD.replace("group api", "group apis"),
        "has a rule about the group 'apis', which is not in it",
    ),
    "unknown device": (HOME.replace("masquerade: wan", "masquerade: wlan"), "is 'wlan'; known here: lan, wan"),
    "bad forward": (HOME.replace("8080/tcp to", "8080 tcp to"), "write PORT/PROTOCOL to ADDRESS:PORT"),
    "far gateway": (HOME.replace("default: 198", "10.0.0.0/8: 172"), "write a gateway in the subnet of one of its"),
    "twice": (HOME.replace("segments:", "hosts: {home: {devices: {x: 10.0.0.1/8}}}\nsegments:"), "is a router as well"),
    "a mapping": (HOME.replace("masquerade: wan", "masquerade: {a: b}"), "masquerade is a mapping"),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_one_line_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(EdgeFileError) as error:
        read(text, "edge.yaml")
    said = str(error.value)
    assert problem in said
    assert said.startswith("edge.yaml:")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HOME.replace("nas/eth0", "nas/eth7"), "edge.yaml:12: nas has no device 'eth7'; it has eth0"),
        (
            HOME.replace("[nas/eth0, home/lan]", "[nas, home]"),
            "it is not clear which device home is: write one of home/lan",
        ),
        (HOME.replace("internet:\n", "nas:\n").replace("internet/", "nas/"), "two hosts are called 'nas'"),
    ],
)
def test_what_does_not_fit_the_hosts_is_said(text: str, problem: str) -> None:
    with pytest.raises(HostsError, match=problem.replace("[", r"\[")):
        home(text)


def test_six_and_ranges_and_two_families() -> None:
    text = HOME.replace("198.51.100.7/24}", "[198.51.100.7/24, 2001:db8:1::7/64]}").replace(
        "8080/tcp to 192.168.1.10:80", "'7000-7001/udp to [fd00::5]'"
    )
    (forward,) = read(text, "edge.yaml").described[0].port_forwards
    assert (forward.target, forward.target_port, forward.ports.high) == (ip_address("fd00::5"), None, 7001)
