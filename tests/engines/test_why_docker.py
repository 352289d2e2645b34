"""`portscope why` on a real Docker Engine, with a real client as the judge.

For every row of the tables of breaks the command is asked first, as a user would, and a client tries afterwards.
The answer must name the symptom that the client got, the cause and its place; then the commands of each cause's
first fix are run as they were printed, and the client must connect. All that is wrong with an answer is told at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.packet import Protocol
from tests.engines.breaks import EVERYWHERE, SEVEN, Break, Vantage, source_of
from tests.engines.docker import HOST_ADDRESS, LAN_ADDRESS, Container, DockerHost
from tests.engines.tables import CONTAINERS, LINKS, PLAIN, WITHOUT_PROXY
from tests.harness.netns import CommandFailed, run
from tests.harness.probe import Result

#: Asked from everywhere on a live engine. What real clients saw of every other row is recorded, and held
#: against the model by tests/fidelity/test_recorded_hosts.py.
SWEPT = (Break("healthy", "connected"), *SEVEN, *LINKS[:2], *CONTAINERS[:4])


def ask(host: DockerHost, vantage: Vantage) -> dict[str, Any]:
    """The answer of `portscope why … --json` for a vantage point."""
    options = ["--udp"] if vantage.protocol == "udp" else []
    return host.why(f"{vantage.address}:{vantage.port}", "--from", source_words(host, vantage), *options)


def source_words(host: DockerHost, vantage: Vantage) -> str:
    """A vantage point as `--from` takes it."""
    return f"ns:{host.lan.name}" if vantage.source == "lan" else vantage.source


def attempt(host: DockerHost, vantage: Vantage) -> Result:
    """What a real client at a vantage point sees."""
    return host.probe(source_of(host, vantage.source), vantage.address, vantage.port, vantage.protocol)


def prepare(host: DockerHost, broken: Break, *vantages: Vantage) -> Container:
    """The healthy host with every container that is asked from, then broken."""
    web = host.fresh(*broken.options, command=broken.command)
    sources = {vantage.source for vantage in vantages}
    if "client" in sources:
        host.neighbour("client")
    if "far" in sources:
        host.neighbour("far", "farnet")
    broken.make(host, web)
    host.forget()
    return web


def judge(host: DockerHost, broken: Break) -> list[str]:
    """All that is wrong with the answer for one row of the table."""
    web = prepare(host, broken, broken.vantage)
    answer, real = ask(host, broken.vantage), attempt(host, broken.vantage)
    if real.symptom != broken.symptom:
        return [f"the table says {broken.symptom}, a client saw {real}"]
    wrong = []
    if answer["symptom"] != real.symptom:
        wrong.append(f"symptom {answer['symptom']}, a client saw {real.symptom}")
    if (answer["reach"] == "yes") != (real.symptom == "connected"):
        wrong.append(f"reach {answer['reach']}, a client saw {real.symptom}")
    if real.symptom == "connected":
        return wrong + [f"cause {cause['code']} of a healthy connection" for cause in answer["causes"]]
    return wrong + wrong_cause(broken, answer) + wrong_fix(host, broken, web, answer)


def wrong_cause(broken: Break, answer: dict[str, Any]) -> list[str]:
    """Whether the first cause is the one that was made, and sits where it was made."""
    if not answer["causes"]:
        return ["no cause"]
    codes, at = [cause["code"] for cause in answer["causes"]], answer["causes"][0]["at"]
    wrong = [] if codes[0] == broken.code else [f"causes {codes}, not {broken.code}"]
    if broken.at not in f"{at['name']} {at['text']}":
        wrong.append(f"at {at}, not {broken.at}")
    return wrong


def wrong_fix(host: DockerHost, broken: Break, web: Container, answer: dict[str, Any]) -> list[str]:
    """Runs the first fix of every cause as given, and lets a client try again."""
    commands: list[list[str]] = []
    for cause in answer["causes"]:
        fixes = [fix for fix in cause["fixes"] if fix["kind"] != "ask"]
        if fixes and fixes[0]["commands"]:
            commands += fixes[0]["commands"]
        elif broken.owner:
            broken.owner(host, web)
        else:
            return [f"nothing mends {cause['code']}: {fixes}"]
    try:
        for command in commands:
            run(command)
    except CommandFailed as error:
        return [f"a fix does not run: {error}"]
    after = attempt(host, broken.vantage)
    wrong = [] if after.symptom == "connected" else [f"after {commands} a client sees {after}"]
    again = ask(host, broken.vantage)
    return wrong if again["reach"] == "yes" else [*wrong, f"after {commands} the answer is still {again['symptom']}"]


@pytest.mark.parametrize("broken", PLAIN, ids=str)
def test_the_answer_is_what_a_client_sees_and_its_fix_mends_it(docker: DockerHost, broken: Break) -> None:
    assert judge(docker, broken) == []


@pytest.mark.parametrize("broken", WITHOUT_PROXY, ids=str)
def test_the_same_holds_without_a_userland_proxy(docker_without_proxy: DockerHost, broken: Break) -> None:
    host = docker_without_proxy
    if broken.vantage.source != "client":
        assert judge(host, broken) == []
    else:
        assert disagreements(host, broken, (broken.vantage,)) == []


@pytest.mark.parametrize("broken", SWEPT, ids=str)
def test_the_answer_is_what_a_client_sees_from_everywhere(docker: DockerHost, broken: Break) -> None:
    beside = broken.name == "stopped" or "--network" in broken.options
    vantages = tuple(vantage for vantage in EVERYWHERE if vantage.source != "web" or not beside)
    assert disagreements(docker, broken, vantages) == []


def disagreements(host: DockerHost, broken: Break, vantages: tuple[Vantage, ...]) -> list[str]:
    """Vantage points at which the answer, from one look at the host, is not what a client saw."""
    prepare(host, broken, *vantages)
    snapshot = host.snapshot()
    questions = [
        resolve(snapshot, f"{each.address}:{each.port}", source_words(host, each), Protocol(each.protocol))
        for each in vantages
    ]
    predicted = [explain.ask(snapshot, question).symptom for question in questions]
    with ThreadPoolExecutor(len(vantages)) as pool:
        seen = list(pool.map(lambda vantage: attempt(host, vantage), vantages))
    return [
        f"{vantage}: {symptom}, a client saw {real}"
        for vantage, symptom, real in zip(vantages, predicted, seen, strict=True)
        if symptom != real.symptom
    ]


# -- the healthy path, step by step ------------------------------------------------------------------------------


def story(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """All steps of a trace, each with the namespace it was taken in."""
    return [{**step, "netns": hop["netns"]} for hop in trace["hops"] for step in hop["steps"]]


def out_of_order(steps: list[dict[str, Any]], expected: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first expected step that does not come after the one before it; None when all do.

    An expected step is a set of keys and values; text is enough as a part, case aside.
    """
    rest = iter(steps)
    for want in expected:
        if not any(
            all(str(value).lower() in str(step.get(key)).lower() for key, value in want.items()) for step in rest
        ):
            return want
    return None


def rule(table: str, chain: str, index: int, verdict: str) -> dict[str, Any]:
    """A rule's step in the host's firewall."""
    return {"kind": "rule", "backend": "xt-nft", "table": table, "chain": chain, "index": index, "verdict": verdict}


def test_the_healthy_path_is_told_rule_by_rule_to_the_listener(docker: DockerHost) -> None:
    docker.fresh()
    answer = ask(docker, Vantage("lan"))
    assert (answer["reach"], answer["symptom"], answer["exit"]) == ("yes", "connected", 0)
    assert answer["question"]["from"] == {"netns": docker.lan.name, "address": LAN_ADDRESS}
    assert [hop["netns"] for hop in answer["forward"]["hops"]] == [docker.lan.name, docker.host.name, "web"]
    assert answer["forward"]["outcome"] == "DELIVERED"
    expected = [
        rule("nat", "PREROUTING", 0, "jump DOCKER"),
        rule("nat", "DOCKER", 1, "dnat"),
        {"kind": "route", "text": "docker0"},
        rule("filter", "FORWARD", 0, "jump DOCKER-USER"),
        rule("filter", "DOCKER-USER", 0, "return"),
        rule("filter", "FORWARD", 1, "jump DOCKER-ISOLATION-STAGE-1"),
        rule("filter", "DOCKER-ISOLATION-STAGE-1", 1, "return"),
        rule("filter", "FORWARD", 3, "jump DOCKER"),
        rule("filter", "DOCKER", 0, "accept"),
        {"kind": "bridge", "text": "docker0"},
        {"kind": "socket", "netns": "web", "text": "80"},
    ]
    assert out_of_order(story(answer["forward"]), expected) is None


def test_the_reply_of_the_healthy_path_is_un_natted(docker: DockerHost) -> None:
    docker.fresh()
    reply = ask(docker, Vantage("lan"))["reply"]
    assert [hop["netns"] for hop in reply["hops"]] == ["web", docker.host.name, docker.lan.name]
    assert reply["outcome"] == "DELIVERED"
    packets = [(hop["packet"]["src"], hop["packet"]["sport"]) for hop in reply["hops"]]
    assert packets == [("172.17.0.2", 80), ("172.17.0.2", 80), (HOST_ADDRESS, 8080)]
    expected = [
        {"kind": "route", "netns": "web"},
        {"netns": docker.host.name, "kind": "route", "text": "up0"},
        {**rule("filter", "FORWARD", 4, "accept"), "netns": docker.host.name},
    ]
    assert out_of_order(story(reply), expected) is None


# -- what the client meant ---------------------------------------------------------------------------------------


def test_two_networks_meet_by_the_engine_s_own_client(docker: DockerHost) -> None:
    docker.fresh()
    far = docker.neighbour("far", network="back")
    answer = docker.why("172.17.0.2:80", "--from", "far")
    fix = answer["causes"][0]["fixes"][0]
    assert (answer["symptom"], fix["title"], fix["kind"]) == ("timeout", "connect far to network bridge", "publish")
    assert docker.probe(far.netns, "172.17.0.2", 80).symptom == "timeout"
    for command in fix["commands"]:
        run(command)
    assert docker.probe(far.netns, "172.17.0.2", 80).symptom == "connected"
    assert docker.why("172.17.0.2:80", "--from", "far")["symptom"] == "connected"


def test_what_is_asked_instead_connects(docker: DockerHost) -> None:
    docker.fresh()
    for target in ("web:8080", "10.77.0.1:80"):
        (fix, *_) = docker.why(target)["causes"][0]["fixes"]
        assert fix["kind"] == "ask"
        assert docker.probe(docker.host, fix["ask"]["address"], fix["ask"]["port"]).symptom == "connected"
