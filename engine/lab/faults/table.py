"""The break menu: each fault by name, with what it does, its story, and hints. Data only.

An action is `NODE: COMMAND`, or `NODE: COMMAND ~ BACK` where the way back does not follow from the command; `NODE:
NAME=VALUE` sets a sysctl. NODE is host, web (the service that the fault is about), lan (the first outside node) or
near (the first other service on the same network as web). Words in braces are the lab's own: {uplink} {bridge} {veth}
{subnet} {address} {port} {hport} {gateway} {host} {lan} {lansubnet} {unused}. `listen` changes what web's listeners do;
`asks` is another question than that for the published port, and alone it is the fault.
"""

from __future__ import annotations

from typing import Any

from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `cause` is the code that an explanation names; "" where the port stays reachable from the LAN."""

    name: str
    cause: str
    story: str
    actions: tuple[str, ...] = ()
    listen: str = ""
    hints: tuple[str, ...] = ()
    asks: str = ""


def fault(name: str, cause: str, story: str, *actions: str, **more: Any) -> Fault:
    """A row of the table; the story may be wrapped. `more` are `listen`, `hints` and `asks`."""
    return Fault(name, cause, " ".join(story.split()), actions, **more)


RULE = ("It is a rule of the firewall.", "Follow the packet hook by hook; the counters of one rule move.")
ROUTE = ("The forward path is fine.", "Look at the return path.")
NAT = ("What the client asks for and what the container gets are not the same address.", "Look at the nat rules.")
LINK = ("No firewall is to blame.", "Look at the links between the host and the container.")
APP = ("The network delivers the packet.", "Look at who listens, and on which address and port.")
HOST = ("No rule is to blame.", "Look at the settings of the kernel.")
MIXED = ("Two things look alike, and only one of them is asked.", "List the tables of every backend.")

FILTERS = (
    fault(
        "docker-user-drop",
        "FW_RULE_DROP",
        """An administrator wanted to close the web port to the office and wrote a drop rule into DOCKER-USER, the
        chain that Docker leaves to people. It names the port of the container, since DNAT has been there before.""",
        "host: iptables -I DOCKER-USER -i {uplink} -p tcp -m tcp --dport {port} -j DROP",
        hints=RULE,
    ),
    fault(
        "drop-everything",
        "FW_RULE_DROP",
        """A rule without a condition landed first in DOCKER-USER, pasted from a guide whose next line, the exception,
        was lost.""",
        "host: iptables -I DOCKER-USER -j DROP",
        hints=RULE,
    ),
    fault(
        "reject-admin",
        "FW_RULE_REJECT",
        """A rule rejects the port: the client gets the ICMP error "administratively prohibited" at once.""",
        "host: iptables -I FORWARD -o {bridge} -p tcp -m tcp --dport {port}"
        " -j REJECT --reject-with icmp-admin-prohibited",
        hints=RULE,
    ),
    fault(
        "reject-reset",
        "FW_RULE_REJECT",
        """A rule answers with a reset, so that the port looks closed although a program listens.""",
        "host: iptables -I FORWARD -o {bridge} -p tcp -m tcp --dport {port} -j REJECT --reject-with tcp-reset",
        hints=RULE,
    ),
    fault(
        "drop-replies",
        "FW_RULE_DROP",
        """Someone filtered by source port and caught the answers: the request arrives, and nothing comes back.""",
        "host: iptables -I FORWARD -i {bridge} -p tcp -m tcp --sport {port} -j DROP",
        hints=(*ROUTE, "The answer meets a rule, too."),
    ),
    fault(
        "drop-established",
        "FW_RULE_DROP",
        """A rule meant for broken connections names ESTABLISHED, which is what every answer is.""",
        "host: iptables -I FORWARD -m conntrack --ctstate ESTABLISHED -j DROP",
        hints=RULE,
    ),
    fault(
        "drop-raw",
        "FW_RULE_DROP",
        """The port is dropped in the raw table, before NAT and connection tracking: no filter rule ever sees it.""",
        "host: iptables -t raw -I PREROUTING -p tcp -m tcp --dport {hport} -j DROP",
        hints=(*RULE, "Not all rules are in the filter table."),
    ),
    fault(
        "drop-mangle",
        "FW_RULE_DROP",
        """A leftover of a traffic shaping experiment drops what is forwarded to the bridge, in the mangle table.""",
        "host: iptables -t mangle -A FORWARD -o {bridge} -j DROP",
        hints=(*RULE, "Not all rules are in the filter table."),
    ),
    fault(
        "drop-postrouting",
        "FW_RULE_DROP",
        """The packet has passed every filter and is dropped on its last step out to the bridge.""",
        "host: iptables -t mangle -A POSTROUTING -o {bridge} -p tcp -m tcp --dport {port} -j DROP",
        hints=RULE,
    ),
    fault(
        "drop-in-container",
        "FW_RULE_DROP",
        """The container brings a firewall of its own, and its image was built for another port.""",
        "web: iptables-nft -I INPUT -p tcp -m tcp --dport {port} -j DROP",
        hints=(*RULE, "The host is not the only one with rules."),
    ),
    fault(
        "container-refuses-to-answer",
        "FW_RULE_DROP",
        """Inside the container an output rule holds the answers back.""",
        "web: iptables-nft -I OUTPUT -p tcp -m tcp --sport {port} -j DROP",
        hints=(*ROUTE, "The host is not the only one with rules."),
    ),
    fault(
        "container-policy-drop",
        "FW_POLICY_DROP",
        """The container's input policy is DROP and the rule that opened the port is gone.""",
        "web: iptables-nft -P INPUT DROP",
        hints=RULE,
    ),
    fault(
        "ct-orig-port",
        "FW_RULE_DROP",
        """The careful way to close a published port: the rule asks for the port that the client named, not for the
        one that DNAT has made of it.""",
        "host: iptables -I DOCKER-USER -i {uplink} -p tcp"
        " -m conntrack --ctorigdstport {hport} --ctdir ORIGINAL -j DROP",
        hints=RULE,
    ),
    fault(
        "source-blocked",
        "FW_RULE_DROP",
        """A block list has the client's whole subnet on it.""",
        "host: iptables -I FORWARD -s {lansubnet} -j DROP",
        hints=RULE,
    ),
    fault(
        "marked-and-dropped",
        "FW_RULE_DROP",
        """Two rules far apart: one marks packets for the port, the other drops what is marked.""",
        "host: iptables -t mangle -A PREROUTING -p tcp -m tcp --dport {hport} -j MARK --set-xmark 0x99/0xffffffff",
        "host: iptables -I FORWARD -m mark --mark 0x99 -j DROP",
        hints=(*RULE, "A rule can prepare what another one does."),
    ),
    fault(
        "nft-guard-before",
        "FW_RULE_DROP",
        """A native nftables table of an intrusion guard runs before iptables' rules and drops the port.""",
        "host: nft add table inet guard",
        "host: nft add chain inet guard forward { type filter hook forward priority -10 ; } ~ -",
        "host: nft add rule inet guard forward oifname {bridge} tcp dport {port} drop ~ -",
        hints=MIXED,
    ),
    fault(
        "nft-guard-after",
        "FW_RULE_DROP",
        """iptables accepts the packet, and yet it is dropped: an accept ends one table's chain, not the journey. A
        later table of nftables drops it.""",
        "host: nft add table inet guard",
        "host: nft add chain inet guard forward { type filter hook forward priority 10 ; } ~ -",
        "host: nft add rule inet guard forward oifname {bridge} tcp dport {port} drop ~ -",
        hints=MIXED,
    ),
    fault(
        "nft-policy-drop",
        "FW_POLICY_DROP",
        """A second firewall with a policy of drop was installed, and knows nothing of containers.""",
        "host: nft add table ip guard",
        "host: nft add chain ip guard forward { type filter hook forward priority 5 ; policy drop ; } ~ -",
        "host: nft add rule ip guard forward ip saddr 10.99.0.0/16 accept ~ -",
        hints=MIXED,
    ),
    fault(
        "nft-set-drop",
        "FW_RULE_DROP",
        """A set of bad addresses grew by a whole prefix; the client is in it.""",
        "host: nft add table ip guard",
        "host: nft add set ip guard bad { type ipv4_addr ; flags interval ; elements = { {lansubnet} } ; } ~ -",
        "host: nft add chain ip guard early { type filter hook prerouting priority -150 ; } ~ -",
        "host: nft add rule ip guard early ip saddr @bad tcp dport {hport} drop ~ -",
        hints=MIXED,
    ),
    fault(
        "nft-ingress-drop",
        "FW_RULE_DROP",
        """The packet is dropped at the ingress of the uplink, before the network stack sees it.""",
        "host: nft add table netdev guard",
        "host: nft add chain netdev guard in { type filter hook ingress device {uplink} priority 0 ; } ~ -",
        "host: nft add rule netdev guard in tcp dport {hport} drop ~ -",
        hints=(*MIXED, "There are hooks before prerouting."),
    ),
    fault(
        "nft-bridge-drop",
        "FW_RULE_DROP",
        """A rule of the bridge family drops the frame between the bridge and the container's port.""",
        "host: nft add table bridge guard",
        "host: nft add chain bridge guard out { type filter hook output priority 0 ; } ~ -",
        "host: nft add rule bridge guard out ip protocol tcp drop ~ -",
        hints=(*MIXED, "Bridges have a firewall of their own."),
    ),
    fault(
        "legacy-leftover",
        "FW_RULE_DROP",
        """The host moved from iptables-legacy to iptables-nft, and an old rule stayed behind in the legacy
        tables. The kernel still evaluates both.""",
        "host: iptables-legacy -w -I FORWARD -p tcp -m tcp --dport {port} -j DROP",
        hints=MIXED,
    ),
    fault(
        "legacy-policy",
        "FW_POLICY_DROP",
        """An old script set the policy of iptables-legacy to DROP; the rules that went with it are gone.""",
        "host: iptables-legacy -w -P FORWARD DROP",
        hints=MIXED,
    ),
)
