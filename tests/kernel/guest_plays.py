"""What the tests of the second kernel run in it."""

from __future__ import annotations

import os
import platform
import subprocess

from engine.observe.look.snapshot import take

#: Devices and rules that the machine's own kernel may lack, in the words of ip(8), tc(8) and iptables(8).
BUILT = (
    "ip link add d0 type dummy",
    "ip link set d0 up",
    "ip link add link d0 name d0.5 type vlan id 5",
    "ip link add b0 type bond mode active-backup",
    "ip link add red type vrf table 10",
    "ip link add br0 type bridge vlan_filtering 1",
    "ip link add g0 type gre local 10.0.0.1 remote 10.0.0.2",
    "ip link add iv0 link d0 type ipvlan mode l3",
    "ip address add 10.5.0.1/24 dev d0.5",
    "tc qdisc add dev d0 root netem loss 30%",
    "iptables-legacy -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.5.0.2:8080",
)


def built() -> tuple[str, dict[str, str], int, list[str]]:
    """Its release, the devices that `take` sees with their kinds, how many rules, and what could not be built."""
    refused = []
    for words in BUILT:
        done = subprocess.run(words.split(), capture_output=True, text=True, check=False)
        if done.returncode:
            refused.append(f"{words}: {done.stderr.strip()}")
    host = take().host_netns
    rules = [rule for table in host.firewall.tables for chain in table.chains for rule in chain.rules]
    return platform.release(), {link.name: link.kind for link in host.links}, len(rules), refused


def failing(word: str) -> None:
    raise LookupError(f"no {word}")


def ending() -> None:
    os._exit(3)
