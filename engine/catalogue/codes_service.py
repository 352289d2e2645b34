"""The part of the catalogue of codes that is about services: translation, filters, sockets; and what is not seen."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalogue.code import HELD, REFUSED, SILENCE, Code

SERVICE: Mapping[str, Code] = {
    # Address translation.
    "NAT_NOT_PUBLISHED": Code(
        "No rule translates the port and nothing listens on it: it is not published, or no service has it.",
        REFUSED,
        "the container is published, by its engine",
    ),
    "NAT_RULES_WIPED": Code(
        "The engine published the port, and its rules are gone: flushed, or restored to an older state.",
        f"{REFUSED}; {HELD} where the engine itself holds the port",
        "the rule comes back; a restart of the engine, or Podman's `network reload`, writes all of them",
    ),
    "NAT_NO_DNAT_RULE": Code(
        "A process of the engine holds the port and passes nothing on, for no rule translates it.",
        HELD,
        "the engine's rules come back: it is restarted",
    ),
    "NAT_PROXY_ABSENT": Code(
        "The port is published, but the process that serves it on loopback addresses is gone.",
        f"{REFUSED}, on the host's loopback addresses only",
        "the container is started again",
    ),
    "NAT_DNAT_HOSTIP_MISMATCH": Code(
        "The port is published on another address of the host than the one that is asked for.",
        REFUSED,
        "the container is published on that address, or on all",
    ),
    "NAT_DNAT_SHADOWED": Code(
        "Another rule translates the port first, to somewhere else, or lets the packet go before it is translated.",
        "what is there: refused, no route to host, or silence",
        "the rule that comes first goes",
    ),
    "NAT_DNAT_STALE_TARGET": Code(
        "The port is translated to an address that has nothing of the kind, or is another container's now.",
        "no route to host, refused, or silence; or it connects, to the wrong container",
        "the rule gets the right target, or goes",
    ),
    "NAT_PROXY_ONLY": Code(
        "It works by the engine's proxy alone: the rule that should translate the port is gone, or was never written.",
        "it connects; the program sees the proxy's address for every client",
        "the rule comes back: the engine is restarted",
    ),
    "NAT_HAIRPIN_NO_MASQ": Code(
        "A translated packet keeps a source that its destination can't answer to.",
        SILENCE,
        "the packet is masqueraded on its way out",
    ),
    "NAT_MASQ_MISSING": Code(
        "A container's packets leave with its own address, which nobody outside has a way back to.",
        SILENCE,
        "the network's subnet is masqueraded",
    ),
    "NAT_SNAT_NO_WAY_BACK": Code(
        "A rule gives packets a source that its host does not have, so that their answers go elsewhere.",
        SILENCE,
        "the rule masquerades, or has an address that the host has",
    ),
    "NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET": Code(
        "A packet with a loopback address may not go over a device that is not told to carry one.",
        SILENCE,
        "route_localnet is turned on for the device",
    ),
    # Packet filters.
    "FW_RULE_DROP": Code(
        "A rule drops the packet, or the answer.",
        SILENCE,
        "an exception before the rule, or without the rule",
    ),
    "FW_RULE_REJECT": Code(
        "A rule rejects the packet.",
        "what the rule sends: refused looks like a closed port, others say unreachable or prohibited",
        "an exception before the rule, or without the rule",
    ),
    "FW_POLICY_DROP": Code(
        "No rule accepts the packet, and the policy of the chain drops it.",
        SILENCE,
        "a rule that accepts it, where the packet left the chain for its policy",
    ),
    "FW_NET_ISOLATION_DROP": Code(
        "An engine keeps its networks apart, and client and service are in different ones.",
        SILENCE,
        "the client joins the network of the service; or an exception for the one port",
    ),
    "FW_ICC_DROP": Code(
        "An engine keeps the containers of one network apart from each other (icc=false).",
        SILENCE,
        "an exception for the one port; or the network is made anew with communication between its containers",
    ),
    "FW_INTERNAL_NET_DROP": Code(
        "The network is internal: an engine lets nothing in from outside of it, and nothing out.",
        SILENCE,
        "the container joins a network that is not internal; or an exception for the one port",
    ),
    "FW_UNPUBLISHED_PORT_DROP": Code(
        "An engine lets nothing to a container's port that is not published.",
        SILENCE,
        "the port is published; or an exception for the one port",
    ),
    "FW_RAW_DIRECT_ACCESS_DROP": Code(
        "An engine keeps a container's own address from everybody outside its bridge.",
        SILENCE,
        "the published port is asked for; or an exception for the one port",
    ),
    "FW_NEIGHBOUR_DISCOVERY": Code(
        "A filter drops the questions or answers of IPv6's neighbour discovery.",
        "no route to host, after some seconds",
        "neighbour discovery is accepted there",
    ),
    "FW_ARP_DROP": Code(
        "A filter of a bridge, or one for ARP, drops the questions or answers of address resolution.",
        "no route to host, after some seconds",
        "ARP is accepted there",
    ),
    "FW_BYPASSED": Code(
        "It is reachable, though a rule was meant to keep it closed: the packet never meets that rule.",
        "it connects",
        "nothing is broken; to keep it out, the same denial stands where the packet comes by",
    ),
    # Connection tracking.
    "CT_STALE_ENTRY": Code(
        "The client's flow is tracked since before, and keeps the translation that it had then.",
        "silence, while other clients get through",
        "the tracked flow is forgotten",
    ),
    "CT_TABLE_FULL": Code(
        "The table of tracked flows has no room for a new one.",
        "silence, while what is connected goes on",
        "the limit is raised; find out what fills the table",
    ),
    "CT_CLASH": Code(
        "Answers to a new flow would look like those of one that is tracked already, so the new one is dropped.",
        "silence, for the second who is given the same port, or who keeps one that an old flow had",
        "rules leave the choice of the port to the kernel, or the old flow is forgotten",
    ),
    "CT_PICKS_UP_MIDWAY": Code(
        "A rule answers in the server's place (SYNPROXY), and tracking takes the client's third packet for a new flow.",
        "accepted, then reset",
        "nf_conntrack_tcp_loose is turned off",
    ),
    # The service.
    "DST_NO_LISTENER": Code("Nothing listens on the port.", REFUSED, "the program is started, or its port corrected"),
    "DST_LISTEN_OTHER_PORT": Code(
        "The service listens, on another port than the one that the packet is for.",
        f"{REFUSED}; a relay in front of it accepts, then closes",
        "the port is published as what the program listens on, or the program listens there",
    ),
    "DST_LISTEN_OTHER_PROTOCOL": Code(
        "The port is open for the other one of TCP and UDP.", REFUSED, "it is asked, or published, for that protocol"
    ),
    "DST_LISTEN_LOOPBACK_ONLY": Code(
        "The program listens on a loopback address, which only its own namespace reaches.",
        f"{REFUSED}; a relay in front of it accepts, then closes",
        "the program listens on all addresses (0.0.0.0 or [::])",
    ),
    "DST_LISTEN_OTHER_ADDRESS": Code(
        "The program listens on another address of its namespace.", REFUSED, "it listens on all addresses"
    ),
    "DST_LISTEN_OTHER_FAMILY": Code(
        "The program listens for the other IP version only.", REFUSED, "it listens for both, or the other is asked for"
    ),
    "DST_LISTEN_OTHER_DEVICE": Code(
        "The program's socket is bound to another device.", REFUSED, "it is bound to no device"
    ),
    "DST_PORT_CONFLICT": Code(
        "Another program has the port that a container publishes, and answers in its place.",
        "it connects, to the wrong program",
        "the other program stops or takes another port, then the container is started",
    ),
    "DST_BACKLOG_FULL": Code(
        "The program does not accept its connections, and its queue is full.",
        SILENCE,
        "the program is looked at: it hangs, or is overloaded",
    ),
    "DST_NOT_RUNNING": Code("The container does not run.", REFUSED, "it is started; its log tells why it ended"),
    "DST_PAUSED": Code("The container is paused.", HELD, "it is unpaused"),
    "DST_STOPPED": Code("The program is stopped by a signal or a debugger.", HELD, "it is continued (SIGCONT)"),
    "DST_ECHO_IGNORED": Code(
        "The kernel of the destination is told to answer no echo requests.",
        "no answer to a ping, while ports may well answer",
        "icmp_echo_ignore_all is turned off, or a port is asked for instead",
    ),
    "DST_NO_ADDRESS": Code(
        "Nobody has the address: a container has lost the one that its engine gave it, IPv6 is off on its device, or "
        "the host is sent packets for an address (as a virtual one) that it does not have.",
        "no route to host, after some seconds; nothing, where the host drops what it would send back",
        "the device gets the address (back); a restart of the container does that, too",
    ),
    # Not decided, or not seen, here.
    "INFO_EXITS_HOST": Code(
        "The packet leaves for what can't be seen from here, and whether it arrives is decided there.",
        "what is decided there",
        "outside of this host: a security group, a router, a firewall on the way, the far end itself",
    ),
    "INFO_DEPENDS": Code(
        "The answer depends on something that a look at the host can't tell.",
        "one or the other",
        "look at what is named",
    ),
    "INFO_NOT_READ": Code(
        "What would decide could not be read.", "not known", "what the reason says: run as root, install the tool"
    ),
    "INFO_UNEXPLAINED": Code(
        "The packet ends here, and nothing better can be said of it.", "not known", "look at the step that ended it"
    ),
}
