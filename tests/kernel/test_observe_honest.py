"""A look changes nothing, tells no secrets, and says of everything that it did not see how to see it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.observe.firewall.presence import nft_generation
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import dumps
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World
from tests.kernel.looks import inside
from tests.kernel.test_observe_take import as_nobody

require("ip", "nft", "iptables-nft", "iptables-legacy", "iptables-legacy-save", "conntrack", "ipset", root=True)

RULES = (
    "-A FORWARD -d 10.5.0.0/16 -p tcp --dport 80 -j ACCEPT",
    "-t nat -A POSTROUTING -s 10.5.0.0/16 -j MASQUERADE",
)
NATIVE = """
table inet t {
 counter hits { }
 quota most { over 25 mbytes }
 ct helper ftp {
  type "ftp" protocol tcp
  l3proto ip
 }
 set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
 chain c {
  type filter hook forward priority 0
  ip saddr @s counter name "hits" accept
 }
}
table bridge b {
 chain c {
  type filter hook forward priority 0
  counter accept
 }
}
"""
#: A listener that is called like a program whose command line is read, with secrets in all that it was started with.
SECRETIVE = """
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b"docker-proxy", 0, 0, 0)
server = socket.create_server(("127.0.0.1", 8098))
print("ready", flush=True)
time.sleep(1000)
"""
SECRET = "hunter2-in-plain-sight"


@pytest.fixture
def host() -> Iterator[Netns]:
    with World() as world:
        host, far = world.netns("host"), world.netns("far")
        for netns in (host, far):  # IPv6 sends packets by itself, which rules and flows would count
            netns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            netns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        world.veth(End(host, "eth0", ("10.5.0.1/24",)), End(far, "eth0", ("10.5.0.2/24",)))
        host.ip("link add br0 type bridge mcast_snooping 0")  # with snooping it sends reports to routers
        host.ip("link set br0 up")
        host.ip("neigh add 10.5.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent")
        yield host


def load(host: Netns, what: str) -> None:
    """Fills the namespace with the rules of one backend, or with one flow and the modules it needs."""
    for rule in RULES:
        if what in ("iptables-nft", "iptables-legacy"):
            host.run(what, "-w", *rule.split()) if "legacy" in what else host.run(what, *rule.split())
    if what == "nft":
        host.run("nft", "-f", "-", stdin=NATIVE)
    if what == "flows":
        host.run("nft", "add table ip n; add chain ip n c { type nat hook postrouting priority 100; }")
        flow = [
            "-s",
            "10.5.0.1",
            "-d",
            "10.5.0.2",
            "-p",
            "tcp",
            "--sport",
            "9",
            "--dport",
            "10",
            "--state",
            "ESTABLISHED",
            "-t",
            "900",
            "-u",
            "ASSURED",
        ]
        host.run("conntrack", "-I", *flow)
        host.run("ipset", *["create", "one", "hash:ip,port,net"])


#: Everything that a look could change: what it is, and the command that shows it. Counters are included.
SHOWN = {
    "links": "ip link show",
    "addresses": "ip address show",
    "routes": "ip route show table all",
    "routes of IPv6": "ip -6 route show table all",
    "learned routes": "ip route show cache",
    "rules": "ip rule show",
    "neighbours": "ip neigh show",
    "forwarding entries": "bridge fdb show",
    "nft": "nft -a list ruleset",
    "ipsets": "ipset list -n",
    "tables of iptables-legacy": "cat /proc/net/ip_tables_names /proc/net/ip6_tables_names /proc/net/arp_tables_names",
    "sockets": "ss -H -a -n -t -u",
    "queueing": "tc qdisc show",
    "expectations": "cat /proc/net/nf_conntrack_expect",
    "modules": "ls /sys/module",
}


def picture(host: Netns, what: str) -> dict[str, object]:
    """The state of the namespace in the words of other programs."""
    shown: dict[str, object] = {name: host.run(*command.split(), check=False) for name, command in SHOWN.items()}
    modules = Path("/proc/modules")
    shown["loaded"] = sorted(line.split()[0] for line in modules.read_text().splitlines()) if modules.exists() else []
    shown["generation"] = inside(host, nft_generation)
    shown["count"] = host.run("sysctl", "-n", "net.netfilter.nf_conntrack_count", check=False)
    if what == "iptables-legacy":
        lines = host.run("iptables-legacy-save", "-c").splitlines()
        shown["counters"] = [line for line in lines if not line.startswith("#")]
    if what == "flows":
        shown["flows"] = sorted(line.split()[4] for line in host.run("conntrack", "-L", "-o", "id").splitlines())
    return shown


@pytest.mark.parametrize("what", ["nothing", "nft", "iptables-nft", "iptables-legacy", "flows"])
def test_a_look_changes_nothing(host: Netns, what: str) -> None:
    load(host, what)
    before = picture(host, what)
    snapshot = inside(host, take)
    assert bool(snapshot.host_netns.firewall.tables) == (what != "nothing")
    assert picture(host, what) == before


def test_tables_of_iptables_legacy_do_not_come_to_be_by_looking(host: Netns) -> None:
    inside(host, take)
    assert host.run("cat", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", check=False) == ""


def test_objects_and_bridge_rules_are_those_that_nft_lists(host: Netns) -> None:
    load(host, "nft")
    listed = json.loads(host.run("nft", "-j", "list", "ruleset"))["nftables"]
    shown = {(kind, item["name"], item["handle"]) for each in listed for kind, item in each.items() if kind in KINDS}
    tables = inside(host, take).host_netns.firewall.tables
    assert {(each.kind, each.name, each.handle) for table in tables for each in table.objects} == shown
    assert len(shown) == 3
    assert [(table.family, len(table.chains[0].rules)) for table in tables] == [("inet", 1), ("bridge", 1)]


KINDS = ("counter", "quota", "ct helper")


def test_no_secret_of_a_process_gets_into_a_snapshot(host: Netns, monkeypatch: pytest.MonkeyPatch) -> None:
    with World() as world:
        argv = [sys.executable, "-I", "-c", SECRETIVE, "--password", SECRET, f"--host-ip={SECRET}"]
        world.start(host.enter(argv), ready="ready", env={**os.environ, "TOKEN": SECRET})
        snapshot = inside(host, take)
    (listener,) = [each for each in snapshot.host_netns.listeners if each.port == 8098]
    assert listener.process is not None
    assert (listener.process.name, listener.process.relay is not None) == ("docker-proxy", True)
    assert SECRET not in dumps(snapshot)


def test_an_ordinary_user_is_told_of_every_gap_how_to_see_more(host: Netns) -> None:
    load(host, "nft")

    def look() -> dict[str, object]:
        snapshot = take()
        ours = [gap for gap in snapshot.gaps if gap.netns in ("", snapshot.host)]
        return {
            "links": sorted(link.name for link in snapshot.host_netns.links),
            "rules": len(snapshot.host_netns.rules),
            "gaps": [(gap.source, gap.reason) for gap in ours],
        }

    seen = as_nobody(host, look)
    assert seen["links"] == ["br0", "eth0", "lo"]
    assert seen["rules"] == 5
    assert ["nft", "Operation not permitted: run as root to see it"] in seen["gaps"]
    assert [reason for _, reason in seen["gaps"] if "run as root" not in reason and "`" not in reason] == []
