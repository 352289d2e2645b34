"""A rule that was meant to close a reachable port is found, and only such a rule."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    NamedSet,
    Rule,
    Table,
    VerdictKind,
)
from engine.model.firewall import (
    RuleVerdict as Ruling,
)
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Cause, Question, Reach, Source, Verdict
from engine.path.lookup.tcp_state import LOOSE
from tests.explain.faults import PORT, docker
from tests.explain.golden import same_as_golden
from tests.fidelity.record import read_host, read_truth
from tests.hosts.build import World
from tests.hosts.stock import DOCKER_RULES, PUBLISH, docker_world, three_in_line

CONNTRACK = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
UFW = (
    ":ufw-user-input - [0:0]\n:ufw-user-forward - [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j ufw-user-input\n"
    "-A FORWARD -j ufw-user-forward\n"
)


def guarded(rules: str, policy: str = "ACCEPT", **more: object) -> Snapshot:
    """The Docker host with a filter table of the admin's beside Docker's."""
    text = f"*filter\n:INPUT {policy} [0:0]\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"
    return docker(lambda world: world["host"].iptables(text, Backend.XT_LEGACY), **more)


def after_docker(*rules: str) -> Snapshot:
    """Rules at the end of FORWARD, where a tool that starts after Docker puts its own."""

    def change(world: World) -> None:
        made = "".join(f"-A FORWARD {rule}\n" for rule in rules)
        text = DOCKER_RULES.format(user="", filter="", nat=PUBLISH).replace("-A DOCKER -d", f"{made}-A DOCKER -d", 1)
        world["host"].tables.clear()
        world["host"].iptables(text)

    return docker(change)


def asked(snapshot: Snapshot, source: str = "ns:lan", target: str = PORT) -> Verdict:
    return ask(snapshot, resolve(snapshot, target, source))


def the_finding(snapshot: Snapshot) -> Cause:
    verdict = asked(snapshot)
    assert (verdict.reach, verdict.causes) == (Reach.YES, ())
    (finding,) = verdict.findings
    assert finding.code == "FW_BYPASSED"
    return finding


def banned_by_a_set() -> Snapshot:
    """fail2ban's table of nftables: its set has the client's address."""
    address = int(ip_address("10.77.0.2"))
    bad = NamedSet("addr-set-web", ("ipv4_addr",), ((Interval(address, address),),))
    port = Match((Field("tcp dport"),), ((Interval(8080, 8080),),), text="tcp dport 8080")
    source = Match((Field("ip saddr"),), lookup=bad.name, text=f"ip saddr @{bad.name}")
    rule = Rule(0, (port, source, Ruling(VerdictKind.DROP)), f"{port.text} {source.text} drop")
    chain = Chain("f2b-chain", (rule,), BaseChain("filter", "input", -1))
    return docker(lambda world: world["host"].table(Table(Backend.NFT, "inet", "f2b-table", (chain,), (bad,))))


BYPASSED = {
    "fail2ban by a set": (banned_by_a_set(), "f2b-chain 1", "fail2ban"),
    "ufw deny": (guarded(f"{UFW}-A ufw-user-input -p tcp -m tcp --dport 8080 -j DROP\n"), "ufw-user-input 1", "ufw"),
    "input": (guarded("-A INPUT -i up0 -p tcp -m tcp --dport 8080 -j REJECT\n"), "INPUT 1", "admin"),
    "fail2ban": (
        guarded(
            ":f2b-web - [0:0]\n-A INPUT -p tcp -m multiport --dports 80,443,8080 -j f2b-web\n"
            "-A f2b-web -s 10.77.0.2/32 -j REJECT --reject-with icmp-port-unreachable\n-A f2b-web -j RETURN\n"
        ),
        "f2b-web 1",
        "fail2ban",
    ),
    "client of a network": (guarded("-A INPUT -s 10.77.0.0/24 -j DROP\n"), "INPUT 1", "admin"),
    "published port in DOCKER-USER": (
        docker(user=["-i up0 -p tcp -m tcp --dport 8080 -j DROP"]), "DOCKER-USER 1", "admin"
    ),
    "behind the RETURN of DOCKER-USER": (
        docker(user=["-j RETURN", "-p tcp -m tcp --dport 80 -j DROP"]), "DOCKER-USER 2", "admin"
    ),
    "published port behind the RETURN": (
        docker(user=["-j RETURN", "-p tcp -m tcp --dport 8080 -j DROP"]), "DOCKER-USER 2", "admin"
    ),
    "behind Docker's accept": (
        after_docker("-d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j DROP"), "FORWARD 7", "admin"
    ),
    "a chain that nothing leads to": (
        guarded(":closed - [0:0]\n-A closed -p tcp -m tcp --dport 8080 -j DROP\n"), "closed 1", "admin"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BYPASSED)
def test_a_rule_that_was_meant_to_close_the_port_is_found(name: str) -> None:
    snapshot, at, owner = BYPASSED[name]
    finding = the_finding(snapshot)
    assert finding.at.name.endswith(at)
    assert finding.owner == owner


@pytest.mark.parametrize("name", BYPASSED)
def test_its_fix_keeps_the_client_out_and_nobody_else_s_port(name: str) -> None:
    snapshot, _, _ = BYPASSED[name]
    (fix,) = the_finding(snapshot).fixes
    closed = applied(snapshot, fix.plan.changes)
    assert asked(closed).symptom is fix.then is Symptom.TIMEOUT
    assert asked(closed, "web", "db:5432").symptom is Symptom.CONNECTED
    assert fix.commands


NOT_MEANT: dict[str, Snapshot] = {
    "another port": guarded("-A INPUT -p tcp -m tcp --dport 22 -j DROP\n"),
    "another client": guarded("-A INPUT -s 192.0.2.0/24 -j DROP\n"),
    "fail2ban for another port": guarded(
        ":f2b-sshd - [0:0]\n-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n-A f2b-sshd -s 10.77.0.2/32 -j DROP\n"
    ),
    "a policy": guarded("-A INPUT -i lo -j ACCEPT\n", "DROP"),
    "a drop at the end of a list": guarded(f"-A INPUT {CONNTRACK}\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP\n"),
    "all high ports": guarded("-A INPUT -p tcp -m tcp --dport 1024:65535 -j DROP\n"),
    "an exemption for the client": guarded(
        "-A INPUT -s 10.77.0.0/24 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 8080 -j DROP\n"
    ),
    "an exemption in DOCKER-USER": docker(user=["-s 10.77.0.0/24 -j RETURN", "-p tcp -m tcp --dport 80 -j DROP"]),
    "an exemption by device": docker(user=["-i up0 -j RETURN", "-p tcp -m tcp --dport 8080 -j DROP"]),
    "by chance": guarded("-A INPUT -p tcp -m tcp --dport 8080 -m recent --rcheck --name x --rsource -j DROP\n"),
    "invalid packets": guarded("-A INPUT -m conntrack --ctstate INVALID -j DROP\n"),
    "datagrams": guarded("-A INPUT -p udp -m udp --dport 8080 -j DROP\n"),
}


@pytest.mark.parametrize("name", NOT_MEANT)
def test_rules_that_are_aimed_at_nobody_are_no_finding(name: str) -> None:
    verdict = asked(NOT_MEANT[name])
    assert (verdict.reach, verdict.findings) == (Reach.YES, ())


def test_the_host_itself_is_not_denied_by_a_rule_for_those_who_come_in() -> None:
    snapshot = BYPASSED["input"][0]
    assert [asked(snapshot, "host", target).findings for target in (PORT, "web:80")] == [(), ()]


def test_a_connection_that_fails_has_no_findings() -> None:
    snapshot = docker(user=["-p tcp -m tcp --dport 8080 -j DROP", "-p tcp -m tcp --dport 80 -j DROP"])
    assert (asked(snapshot).reach, asked(snapshot).findings) == (Reach.NO, ())


def test_what_a_finding_says() -> None:
    told: list[str] = []
    for name, (snapshot, _, _) in BYPASSED.items():
        finding = the_finding(snapshot)
        told += [f"# {name}", f"{finding.code}: {finding.sentence}", *(f"  evidence: {e}" for e in finding.evidence)]
        for fix in finding.fixes:
            told += [f"  fix: {fix.title}: {' '.join(fix.commands[0])}", *(f"  also: {e}" for e in fix.side_effects)]
        told.append("")
    same_as_golden("findings.txt", "\n".join(told))


def reached() -> Iterator[tuple[str, Verdict]]:
    """Every recorded host that the LAN reaches."""
    for host, rows in read_truth().items():
        row = next((row for row in rows if (row.source, row.symptom) == ("lan", "connected")), None)
        if row is not None:
            question = Question(Source(row.source), ip_address(row.address), row.port, Protocol(row.protocol))
            yield host, ask(read_host(host), question)


#: Recorded hosts that were broken on purpose, and what is told of them from where they are reached all the same: a rule
#: that some vantage points never meet, and rules without which only the proxy serves the port.
FINDINGS = {
    "drop-input": "FW_BYPASSED",
    **dict.fromkeys(("nat-flushed", "no-tracking", "rules-wiped", "nat-return-first"), "NAT_PROXY_ONLY"),
}


def test_no_recorded_host_that_works_has_a_finding_but_those_with_rules_that_miss_or_are_missing() -> None:
    answers = dict(reached())
    assert len(answers) > 30
    assert {host: each.code for host, verdict in answers.items() for each in verdict.findings} == FINDINGS


def test_the_stock_host_has_no_finding_from_anywhere() -> None:
    snapshot = docker_world().snapshot()
    assert all(asked(snapshot, source).findings == () for source in ("ns:lan", "db", "web", "host"))


def test_a_rule_that_answers_for_the_server_was_not_meant_to_close_the_port() -> None:
    world = three_in_line()
    world["router"].sysctl(LOOSE, 0).iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i left -p tcp -m tcp --syn -j NOTRACK\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --mss 1460\nCOMMIT\n"
    )
    snapshot = world.snapshot("client")
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:80", "host"))
    assert (verdict.symptom, verdict.findings) == (Symptom.CONNECTED, ())
    assert verdict.conversation.relayed is not None
