"""The writer of legacy rules: what python-iptables writes is what was asked, or nothing, and it says why."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from engine.programs import environment
from tests.harness.needs import require
from tests.harness.netns import Netns, World

require("iptables-legacy-save", "iptables-legacy-restore", root=True)
pytest.importorskip("iptc", reason="python-iptables is not installed", exc_type=Exception)

HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:OWN - [0:0]\n"
#: Rules of which some option was lost, or another one set, by one version or another.
RULES = """\
-A INPUT -i lo -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD ! -i br0 -o br0 -p tcp -m tcp --dport 80 -j ACCEPT
-A FORWARD ! -s 172.30.0.0/16 -d 10.0.0.1/32 -p udp -m udp --sport 53 --dport 1024:65535 -j OWN
-A FORWARD -m addrtype --src-type LOCAL --dst-type UNICAST -j DROP
-A FORWARD -m addrtype ! --dst-type LOCAL --limit-iface-in -j DROP
-A FORWARD -p tcp -m multiport --dports 80,443,8000:8080 -j ACCEPT
-A FORWARD -m physdev --physdev-in eth0 --physdev-is-bridged -j ACCEPT
-A FORWARD -p tcp -m tcp ! --dport 25 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -m mark --mark 0x1/0xff -j ACCEPT
-A FORWARD -m limit --limit 5/min --limit-burst 10 -j ACCEPT
-A FORWARD -m comment --comment "two words" -j RETURN
-A FORWARD -j REJECT --reject-with icmp-admin-prohibited
-A OWN -j RETURN
"""
MANGLE = """\
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff
-A FORWARD -o eth0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
"""


@pytest.fixture
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("host")


def write(netns: Netns, text: str, before: str = "", family: str = "ip") -> subprocess.CompletedProcess[str]:
    program = f"import sys\nfrom engine.apply import legacy\n{before}\nsys.exit(legacy.main([{family!r}]))"
    argv = netns.enter([sys.executable, "-P", "-c", program])
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False, env=environment())


def rules(netns: Netns, *words: str) -> str:
    said = netns.run("iptables-legacy-save", *words)
    return "".join(f"{line}\n" for line in said.splitlines() if line.startswith("-A"))


def test_every_option_is_written_as_it_was_asked(netns: Netns) -> None:
    done = write(netns, f"{HEAD}{RULES}COMMIT\n{MANGLE}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rules(netns, "-t", "filter") == RULES
    assert rules(netns, "-t", "mangle") in MANGLE
    assert write(netns, f"{HEAD}-A OWN -j DROP\nCOMMIT\n").returncode == 0
    assert rules(netns, "-t", "filter") == "-A OWN -j DROP\n"
    assert rules(netns, "-t", "mangle") in MANGLE


def test_rules_of_ipv6_are_its_own(netns: Netns) -> None:
    rule = "-A FORWARD -s fd00:7::/64 ! -o br0 -p tcp -m tcp --dport 80 -j ACCEPT\n"
    assert write(netns, f"{HEAD}{rule}COMMIT\n", family="ip6").returncode == 0
    assert rule in netns.run("ip6tables-legacy-save", "-t", "filter")
    assert rules(netns) == ""


@pytest.mark.parametrize(
    "wrong",
    ["-p tcp -m tcp --dport notaport -j DROP", "-m nosuch --x y -j DROP", "-j DNAT --to-destination 1.2.3.400:80"],
)
def test_a_wrong_word_writes_nothing_of_its_table(netns: Netns, wrong: str) -> None:
    netns.run("iptables-legacy", "-A", "INPUT", "-j", "ACCEPT")
    done = write(netns, f"{HEAD}-A FORWARD -j DROP\n-A FORWARD {wrong}\nCOMMIT\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("; without python-iptables rules are written by iptables-legacy-restore\n")
    assert rules(netns) == "-A INPUT -j ACCEPT\n"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("legacy.ROW_SIZES = (48,)", "python-iptables does not know this libxtables"),
        ("sys.modules['iptc'] = None", "python-iptables is not installed"),
        ("legacy.MOST_RULES = 13", "14 rules are too many for python-iptables"),
    ],
)
def test_what_cannot_be_trusted_is_left_to_another_program(netns: Netns, before: str, reason: str) -> None:
    done = write(netns, f"{HEAD}{RULES}COMMIT\n", before)
    assert (done.returncode, done.stdout, done.stderr) == (0, reason, "")
    assert rules(netns) == ""


def test_what_the_kernel_has_otherwise_is_told(netns: Netns) -> None:
    other = "real = legacy.build\nlegacy.build = lambda rule, line: real(rule, line.replace('DROP', 'ACCEPT'))"
    done = write(netns, f"{HEAD}-A OWN -j DROP\nCOMMIT\n", other)
    assert done.returncode == 1
    assert done.stderr.startswith("python-iptables wrote -A OWN -j ACCEPT instead of -A OWN -j DROP; ")
