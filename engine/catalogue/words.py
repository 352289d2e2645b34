"""The terms of Linux networking that an answer can use, each with one line for who knows containers and not the kernel.

`portscope explain TERM` prints one, `portscope why -v` those that its causes and fixes use; a cause's page has those
of its example. A meaning may use a term only if that is in the table as well, or if a user of Docker knows it.

Sources: iptables(8), nft(8), ip(7), ip-route(8), ip-rule(8), arp(7), bridge(8), Documentation/networking/ip-sysctl.rst,
and Docker's page on packet filtering and firewalls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A term. `pattern` finds it in a text, as a regular expression on word boundaries, without regard to case."""

    name: str
    meaning: str
    pattern: str

    def is_in(self, text: str) -> bool:
        """Whether a text uses it."""
        return re.search(rf"(?<![\w-])(?:{self.pattern})(?![\w-])", text, re.IGNORECASE) is not None


WORDS: Sequence[Word] = (
    Word(
        "rule N of TABLE/CHAIN",
        "the Nth entry of a chain; a packet is compared with its rules from the top, and the first that decides wins",
        r"rule \d+ of|chain",
    ),
    Word(
        "policy of a chain",
        "what happens to a packet that no rule of the chain decides",
        r"policy (?:of|accept|drop)|by policy",
    ),
    Word(
        "filter",
        "the table of rules that accept or drop packets: INPUT for this host, FORWARD for others, OUTPUT from here",
        r"filter/[\w-]+|filter table",
    ),
    Word(
        "nat",
        "the table of rules that rewrite addresses and ports, asked once for each connection, by its first packet",
        r"nat/[\w-]+",
    ),
    Word("raw", "the table that packets meet first, before connections are tracked", r"raw/[\w-]+"),
    Word("mangle", "the table of rules that change fields of packets, as a mark or the MSS", r"mangle/[\w-]+"),
    Word(
        "DOCKER-USER",
        "the chain that Docker leaves to you: forwarded packets meet it before Docker's own rules, already translated",
        "DOCKER-USER",
    ),
    Word(
        "DOCKER",
        "the chains in which Docker keeps the rules of published ports; it writes them again",
        "nat/DOCKER|filter/DOCKER",
    ),
    Word(
        "INPUT", "the rules for packets to this host itself; a published port's packets go to FORWARD instead", "INPUT"
    ),
    Word("FORWARD", "the rules for packets that pass through this host, as those to and from containers do", "FORWARD"),
    Word("OUTPUT", "the rules for packets that programs of this host send", "OUTPUT"),
    Word(
        "PREROUTING", "the rules for packets that have just arrived, before it is decided where they go", "PREROUTING"
    ),
    Word("POSTROUTING", "the rules for packets that are about to leave", "POSTROUTING"),
    Word("DROP", "discard the packet and say nothing: its sender waits until it gives up (times out)", "DROP|drops"),
    Word("REJECT", "discard the packet and send an error, which the sender gets at once", "REJECT|rejects"),
    Word(
        "RETURN", "go on behind the rule that led into this chain; at the end of a built-in chain, its policy", "RETURN"
    ),
    Word(
        "DNAT, translates",
        "the destination of a packet is replaced: how HOST:8080 becomes CONTAINER:80 when a port is published",
        r"DNAT|translat\w+|NAT",
    ),
    Word(
        "masquerade",
        "the sender's address is replaced by the host's own, so that replies come back to the host",
        r"masquerad\w+",
    ),
    Word(
        "conntrack",
        "the kernel's memory of connections: replies of a known one are let through and translated back",
        r"conntrack|ctstate|tracked|ct state",
    ),
    Word(
        "namespace",
        "a network of its own inside one kernel; each container has one, the host another",
        r"namespaces?|nsenter",
    ),
    Word(
        "bridge",
        "a switch in software: docker0 and br-… connect the containers of one Docker network",
        r"bridges?|docker0|br-\w+",
    ),
    Word(
        "veth", "a cable in software: one end is the container's eth0, the other is plugged into the bridge", r"veth\w*"
    ),
    Word(
        "loopback",
        "127.0.0.1 and ::1, at which a program is reached from its own namespace only",
        r"loopback|127\.0\.0\.1|::1",
    ),
    Word(
        "listens on 0.0.0.0",
        "the program takes connections at every address of its namespace",
        r"0\.0\.0\.0:\d+|\[::\]:\d+",
    ),
    Word(
        "docker-proxy",
        "Docker's helper that accepts a published port on the host and passes it on, where no rule translates it",
        r"docker-proxy|userland proxy|rootlessport",
    ),
    Word(
        "published port",
        "a port of the host that leads to a container's, as `docker run -p 8080:80` asks for",
        r"publish\w*",
    ),
    Word(
        "ip_forward",
        "the kernel setting that lets this host pass on packets that are not for itself; Docker needs it on",
        r"ip_forward|forwarding",
    ),
    Word("sysctl", "a setting of the kernel, as a file below /proc/sys", r"sysctl"),
    Word(
        "reverse path filter",
        "drops a packet that arrives on another device than the reply to it would leave by (rp_filter)",
        r"reverse path filter|rp_filter",
    ),
    Word(
        "route",
        "an entry that says by which device, and which gateway, an address is reached",
        r"routes?|dev \w+ table",
    ),
    Word(
        "default route",
        "the route for every address that no other route names, usually to the gateway",
        r"default route|0\.0\.0\.0/0",
    ),
    Word(
        "gateway",
        "the neighbour that passes packets on to other networks; for a container, its bridge's address",
        r"gateway|via \d[\d.]+",
    ),
    Word(
        "policy rule",
        "an entry that chooses the list of routes to look at, by the packet (ip rule)",
        r"policy rules?|ip rule",
    ),
    Word("table main", "the list of routes that is asked unless a policy rule says otherwise", r"table main"),
    Word("neighbour", "a host on the same network, and its MAC address, asked for by ARP", r"neighbours?|ARP"),
    Word("MTU", "the largest packet that a device sends, in bytes", r"P?MTU"),
    Word("MSS", "the largest piece of data that a TCP peer asks for in one packet", r"MSS"),
    Word("unassigned address", "an address that no interface here has: packets to it get no answer", r"unassigned"),
    Word(
        "ICMP error",
        "the message by which a router or host says why it did not deliver a packet",
        r"ICMP errors?|icmp-\w+",
    ),
    Word(
        "iptables-nft, iptables-legacy",
        "two stores of iptables rules in one kernel; both are in force at once",
        r"iptables-(?:nft|legacy)",
    ),
    Word("upstream", "the server that a reverse proxy passes requests on to", r"upstreams?"),
    Word("resolver", "the DNS server that a program asks for the address of a name", r"resolvers?"),
    Word(
        "http_proxy, https_proxy, no_proxy",
        "environment variables: a proxy that programs ask in place of the server, and hosts that are asked directly",
        r"https?_proxy|no_proxy",
    ),
    Word("owner", "the program or person that made a rule, as far as its name and place show", r"owner"),
    Word(
        "persistence",
        "how long the fix lasts: a command changes the running kernel, a file the next start",
        r"persistence",
    ),
    Word("side effects", "what else becomes reachable, or unreachable, with the fix", r"side effects"),
)


def words_in(text: str) -> list[Word]:
    """The terms that a text uses, in the order of the table."""
    return [word for word in WORDS if word.is_in(text)]


def find_word(name: str) -> Word | None:
    """The term that a person asks for: by its name, a part of that, or any of its spellings."""
    asked = name.strip().lower()
    parts = ((word, [part.strip().lower() for part in word.name.split(",")]) for word in WORDS)
    exact = next((word for word, known in parts if asked in known), None)
    return exact or next((word for word in WORDS if word.is_in(name)), None)
