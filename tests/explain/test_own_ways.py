"""Past the rules of tools: where each keeps a place for its user, and how long what is put elsewhere stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.change.set_element import DeleteElement
from engine.explain import ask
from engine.explain.fixes.persistence import lasting
from engine.explain.question import resolve
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Firewall,
    Interval,
    Reject,
    RejectKind,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.trace import Symptom
from engine.model.verdict import Cause
from engine.observe.firewall.xt.ipsets import parse_ipset_save
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.hosts.build import World
from tests.hosts.stock import docker_world

JAIL = ["-p tcp -m multiport --dports 80,443 -j f2b-web"]
BAN = ":f2b-web - [0:0]\n-A f2b-web -s 10.77.0.2/32 -j REJECT --reject-with icmp-port-unreachable\n"
UFW_DOCKER = ["-j ufw-user-forward", "-s 192.168.0.0/16 -j RETURN", "-d 172.16.0.0/12 -j ufw-docker-logging-deny"]
DENY = ":ufw-user-forward - [0:0]\n:ufw-docker-logging-deny - [0:0]\n-A ufw-docker-logging-deny -j DROP\n"


def causes(world: World, target: str = "10.77.0.1:8080", source: str = "ns:lan") -> tuple[Cause, ...]:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, target, source)).causes


def guarded(user: Sequence[str], more: str) -> World:
    return docker_world(user=user, filters=more.splitlines())


def test_a_ban_is_taken_back() -> None:
    (cause,) = causes(guarded(JAIL, BAN))
    (fix,) = cause.fixes
    assert (cause.owner, fix.then) == ("fail2ban", Symptom.CONNECTED)
    assert " ".join(fix.commands[0]).endswith(
        "-D f2b-web -s 10.77.0.2/32 -j REJECT --reject-with icmp-port-unreachable"
    )
    assert fix.lasting[0][-5:] == ("fail2ban-client", "set", "web", "unbanip", "10.77.0.2")
    assert "until fail2ban bans the address again" in fix.survives


@pytest.mark.parametrize(
    ("element", "said"),
    [
        (("inet", "f2b-table", "addr-set-web", "10.0.0.1"), ["fail2ban-client set web unbanip 10.0.0.1"]),
        (("inet", "f2b-table", "addr6-set-web", "fd00::1"), ["fail2ban-client set web unbanip fd00::1"]),
        (("", "", "f2b-web6", "fd00::1"), ["fail2ban-client set web unbanip fd00::1"]),
        (("", "", "f2b-web6", "10.0.0.1"), ["fail2ban-client set web6 unbanip 10.0.0.1"]),
        (("inet", "f2b-table", "mine", "10.0.0.1"), []),
        (("ip6", "crowdsec6", "blacklists", "fd00::1"), ["cscli decisions delete --ip fd00::1"]),
        (("", "", "crowdsec-blacklists-0", "10.0.0.0/8"), ["cscli decisions delete --range 10.0.0.0/8"]),
        (
            ("inet", "firewalld", "bad", "10.0.0.1"),
            [f"firewall-cmd {more}--ipset=bad --remove-entry=10.0.0.1" for more in ("", "--permanent ")],
        ),
        (("inet", "mine", "bad", "10.0.0.1"), []),
    ],
)
def test_the_tool_that_fills_a_set_takes_a_ban_back(element: tuple[str, str, str, str], said: list[str]) -> None:
    family, table, name, words = element
    change = DeleteElement("host", family, table, name, (Interval(1, 1),), words)
    kept = lasting(docker_world().snapshot(), (change,))
    assert [" ".join(argv).partition("host ")[2] for argv in kept.commands] == said


def blocked(member: str, words: str) -> Cause:
    """What keeps the client from port 7000 of the host where a set has a member, and a rule drops by these words."""
    world = docker_world()
    world["host"].listen(7000)
    snapshot = world.snapshot()
    sets = parse_ipset_save(f"create bad hash:net\nadd bad {member}\nadd bad 198.51.100.0/24\n")
    text = f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {words} -j DROP\nCOMMIT\n"
    firewall = Firewall(parse_xt_save(text, Backend.XT_NFT, "ip", sets), sets)
    snapshot = snapshot.with_netns(replace(snapshot.host_netns, firewall=firewall))
    (cause,) = ask(snapshot, resolve(snapshot, "10.77.0.1:7000", "ns:lan")).causes
    return cause


def test_what_a_set_bans_is_not_mended_by_deleting_the_rule_for_all_of_it() -> None:
    cause = blocked("10.77.0.2", "-p tcp -m tcp --dport 7000 -m set --match-set bad src")
    assert " ".join(cause.fixes[0].commands[0]).endswith("ipset del bad 10.77.0.2")
    assert "set bad contains 10.77.0.2" in cause.evidence


def test_one_flow_of_a_banned_network_is_excepted_before_the_network_is_taken_back() -> None:
    cause = blocked("10.77.0.0/16", "-m set --match-set bad src")
    first, *others = (" ".join(fix.commands[0]) for fix in cause.fixes)
    assert "-I INPUT 1 -s 10.77.0.2/32 -d 10.77.0.1/32 -p tcp -m tcp --dport 7000 -j ACCEPT" in first
    assert any(each.endswith("ipset del bad 10.77.0.0/16") for each in others)


def test_what_ufw_denies_elsewhere_is_allowed_among_its_user_s_rules() -> None:
    (cause,) = causes(guarded(UFW_DOCKER, DENY))
    (fix,) = cause.fixes
    assert (cause.owner, fix.then) == ("ufw", Symptom.CONNECTED)
    assert "-I ufw-user-forward 1 -d 172.17.0.2/32" in " ".join(fix.commands[0])
    assert " ".join(fix.lasting[0]).endswith("ufw route prepend allow proto tcp from any to 172.17.0.2 port 80")


def test_docker_user_is_the_place_for_exceptions_without_a_rule_in_it_too() -> None:
    world = docker_world(
        nat="-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9999 -j DNAT --to-destination 172.17.0.3:80\n"
    )
    world["db"].listen(80)
    for number, table in enumerate(world["host"].tables):
        chains = (replace(chain, rules=()) if chain.name == "DOCKER-USER" else chain for chain in table.chains)
        world["host"].tables[number] = replace(table, chains=tuple(chains))
    (cause,) = causes(world, "10.77.0.1:9999")
    assert cause.code == "FW_POLICY_DROP"
    assert "-I DOCKER-USER 1 -d 172.17.0.3/32 -i up0 -p tcp" in " ".join(cause.fixes[0].commands[0])


def test_the_last_words_of_one_tool_are_one_cause() -> None:
    world = docker_world()
    world["host"].listen(9090)
    reject = (Rule(0, (Reject(RejectKind.ADMIN_PROHIBITED),), "reject with icmpx admin-prohibited", handle=7),)
    zone = (Rule(0, (RuleVerdict(VerdictKind.GOTO, "filter_IN_public"),), "goto filter_IN_public", handle=5),)
    behind = (Rule(0, (RuleVerdict(VerdictKind.JUMP, "ZONES"),), "jump ZONES", handle=4), replace(reject[0], index=1))
    chains = (
        Chain("filter_INPUT", behind, BaseChain("filter", "input", 10)),
        Chain("ZONES", zone),
        Chain("filter_IN_public", reject),
    )
    world["host"].table(Table(Backend.NFT, "inet", "firewalld", chains))
    assert [cause.at.name for cause in causes(world, "10.77.0.1:9090")] == ["firewalld/filter_IN_public handle 7"]


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("LIBVIRT_FWI", "until libvirt starts its network, and writes LIBVIRT_FWI again"),
        ("KUBE-FORWARD", "until kube-proxy writes KUBE-FORWARD again"),
        ("ts-forward", "until tailscaled restarts"),
    ],
)
def test_how_long_an_exception_stays_is_told_by_whose_chain_it_is_in(chain: str, words: str) -> None:
    rules = [f":{chain} - [0:0]", f"-A FORWARD -j {chain}", f"-A {chain} -o docker0 -p tcp -j DROP"]
    (cause,) = causes(docker_world(filters=rules))
    assert words in cause.fixes[0].survives


def test_the_policy_that_ufw_sets_is_ufw_s() -> None:
    world = docker_world()
    table = "*filter\n:INPUT DROP [0:0]\n:ufw-before-input - [0:0]\n-A INPUT -j ufw-before-input\nCOMMIT\n"
    world["host"].tables.clear()
    world["host"].iptables(table).listen(9090)
    (cause,) = causes(world, "10.77.0.1:9090")
    assert (cause.code, cause.owner) == ("FW_POLICY_DROP", "ufw")
