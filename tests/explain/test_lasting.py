"""How long a fix stays, and the commands of its owner's tool that do the same for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.change.rule import DeleteRule
from engine.change.sysctl import SetSysctl
from engine.explain import ask
from engine.explain.fixes.persistence import KEPT, lasting
from engine.explain.question import resolve
from engine.explain.ranking.affected_probes import TOUCHES
from engine.model.firewall import Backend, Rule
from engine.model.host import Snapshot
from engine.model.verdict import Fix
from engine.model.where import RulePlace
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.explain.faults import docker
from tests.explain.table import FAULTS
from tests.harness.changes import SIMULATED
from tests.hosts.build import World
from tests.hosts.stock import docker_world

UFW = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:ufw-before-input - [0:0]
:ufw-before-forward - [0:0]
:ufw-user-input - [0:0]
:ufw-user-forward - [0:0]
{more}-A INPUT -j ufw-before-input
-A FORWARD -j ufw-before-forward
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-forward -j ufw-user-forward
{user}COMMIT
"""


def with_ufw(user: str = "", more: str = "", change: Callable[[World], object] | None = None) -> Snapshot:
    """A host without Docker's rules that ufw guards, and that serves port 9090; packets to web are forwarded."""
    world = docker_world(nat="", proxy=False)
    world["host"].tables.clear()
    text = UFW.format(user=user, more=more)
    world["host"].iptables(text.replace(":FORWARD DROP", ":FORWARD ACCEPT") if user else text).listen(9090)
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    if change is not None:
        change(world)
    return world.snapshot()


def first_fix(snapshot: Snapshot, target: str) -> Fix:
    return ask(snapshot, resolve(snapshot, target, "ns:lan")).causes[0].fixes[0]


ENTER = ("nsenter", "--net=/run/netns/host")


def words(fix: Fix) -> list[str]:
    """The tool's commands without the words that enter the namespace."""
    return [" ".join(argv[2:] if argv[:2] == ENTER else argv) for argv in fix.lasting]


@pytest.mark.parametrize(
    ("user", "target", "said"),
    [
        ("", "10.77.0.1:9090", "ufw prepend allow proto tcp from any to 10.77.0.1 port 9090"),
        ("", "web:80", "ufw route prepend allow proto tcp from any to 172.17.0.2 port 80"),
        (
            "-A ufw-user-forward -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j DROP\n",
            "web:80",
            "ufw --force route delete deny proto tcp from any to 172.17.0.2 port 80",
        ),
    ],
)
def test_ufw_is_told_in_its_own_words(user: str, target: str, said: str) -> None:
    snapshot = with_ufw(user)
    fix = next(f for c in ask(snapshot, resolve(snapshot, target, "ns:lan")).causes for f in c.fixes if f.lasting)
    assert said in words(fix)


def test_a_rule_before_ufw_s_own_has_no_words_of_ufw() -> None:
    snapshot = with_ufw(more="-A INPUT -p tcp -m tcp --dport 9090 -j DROP\n")
    assert first_fix(snapshot, "10.77.0.1:9090").lasting == ()


def test_a_sysctl_of_the_host_has_a_file_of_its_own() -> None:
    snapshot = docker()
    here = replace(snapshot, namespaces=(replace(snapshot.host_netns, path=None), *snapshot.namespaces[1:]))
    kept = lasting(here, [SetSysctl("host", "net.ipv4.conf.eth0.100.rp_filter", 2)])
    (argv,) = kept.commands
    line = "net/ipv4/conf/eth0.100/rp_filter = 2"
    assert argv == ("sh", "-c", f"echo '{line}' > /etc/sysctl.d/99-zz-net.ipv4.conf.eth0.100.rp_filter.conf")
    assert "an engine restart" in kept.survives


def test_a_setting_of_a_module_is_there_at_boot_when_the_files_are_read() -> None:
    snapshot = docker()
    here = replace(snapshot, namespaces=(replace(snapshot.host_netns, path=None), *snapshot.namespaces[1:]))
    first, second = lasting(here, [SetSysctl("host", "net.bridge.bridge-nf-call-iptables", 1)]).commands
    assert first[-1] == "echo br_netfilter > /etc/modules-load.d/br_netfilter.conf"
    assert second[-1].endswith("/etc/sysctl.d/99-zz-net.bridge.bridge-nf-call-iptables.conf")


def test_a_sysctl_of_another_namespace_has_no_file_but_the_engine_s_option() -> None:
    kept = lasting(docker(), [SetSysctl("web", "net.ipv4.conf.eth0.rp_filter", 2)])
    assert kept.commands == ()
    assert "docker run --sysctl net.ipv4.conf.eth0.rp_filter=2" in kept.survives


@pytest.mark.parametrize(
    ("chain", "lost"),
    [("DOCKER", "engine restart"), ("ufw-user-input", "`ufw reload`"), ("FORWARD", "unless it is saved")],
)
def test_what_undoes_a_rule_depends_on_whose_chain_it_is_in(chain: str, lost: str) -> None:
    (table,) = parse_xt_save(f"*filter\n:{chain} - [0:0]\n-A {chain} -j DROP\nCOMMIT\n", Backend.XT_NFT, "ip", ())
    rule: Rule = table.chains[0].rules[0]
    kept = lasting(docker(), [DeleteRule(RulePlace("host", Backend.XT_NFT, "ip", "filter", chain, 0), rule)])
    assert lost in kept.survives


def test_a_change_that_a_fix_may_make_is_in_every_table_of_changes() -> None:
    assert set(KEPT) == SIMULATED == set(TOUCHES)


def test_every_fix_says_how_long_it_stays() -> None:
    for fault in FAULTS:
        for cause in fault.verdict().causes:
            assert all(fix.survives for fix in cause.fixes if fix.ask is None), fault.name


def test_a_container_that_is_started_gets_a_restart_policy_for_good() -> None:
    fault = next(each for each in FAULTS if each.name == "container gone")
    (fix,) = fault.verdict().causes[0].fixes
    assert fix.lasting == (("docker", "update", "--restart", "unless-stopped", "web"),)


def test_a_compose_service_is_published_in_its_file() -> None:
    world = docker_world()
    place = next(n for n, each in enumerate(world.containers) if each.name == "db")
    world.containers[place] = replace(world.containers[place], project="shop", service="db")
    title = first_fix(world.snapshot(), "10.77.0.1:5432").title
    assert '"5432:5432" under `ports:` of the service db of shop, then `docker compose up -d db`' in title
