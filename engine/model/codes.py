"""Every code that a cause or a finding can have: what it means, what the client notices of it, and what mends it.

The table is the catalogue. `docs/causes.md` is written from it, a blocker with a code that is not in it is refused, and
each code has an example among the tests. Codes are stable: one keeps its name and its meaning, others may be added.

Prefixes say where the fault sits: SRC on the client's side, LINK in devices, bridges and neighbours, NAT in address
translation, FW in packet filters, HOST in settings of the host, CT in connection tracking, DST at the service, RET
on the way back, ROUTE in routing as such, INFO where this host does not decide or could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What stands for a code: one sentence each."""

    meaning: str
    client: str
    mend: str


SILENCE = "silence until it gives up (timeout)"
REFUSED = "connection refused, at once"
HELD = "it connects, and hears nothing after that"

CODES: Mapping[str, Code] = {
    # The client's side.
    "SRC_NO_ROUTE": Code(
        "A namespace on the way has no route to the destination.",
        "network unreachable where it is the client's own namespace, host or network unreachable else",
        "a route there, by a neighbour that knows the way",
    ),
    "SRC_ROUTE_UNREACHABLE": Code(
        "A route or policy rule of type unreachable refuses the destination.",
        "no route to host, at once",
        "the route goes, or a policy rule leads past it",
    ),
    "SRC_ROUTE_PROHIBIT": Code(
        "A route or policy rule of type prohibit refuses the destination.",
        "permission denied in its own namespace, no route to host from further on",
        "the route or rule goes, or a policy rule leads past it",
    ),
    "SRC_ROUTE_BLACKHOLE": Code(
        "A blackhole route swallows packets to the destination.",
        f"{SILENCE}; invalid argument where the route is its own",
        "the route goes, or a policy rule leads past it",
    ),
    "SRC_ROUTE_SHADOWED": Code(
        "A more specific route, or a policy rule, leads the packet away from the device that its subnet is on.",
        SILENCE,
        "the route that leads astray goes, or a policy rule looks up the main table before it",
    ),
    "SRC_NO_ADDRESS": Code(
        "The sender has no address that it could send from.",
        "address not available",
        "whoever configures the sender's device",
    ),
    "SRC_NEIGH_FAILED": Code(
        "Nobody on the link answers for the next address.",
        "no route to host, after some seconds",
        "nothing on this host: the address is nobody's; ask for one that somebody has",
    ),
    # Devices, bridges, neighbours.
    "LINK_DOWN": Code("A network device is down.", SILENCE, "the device comes up"),
    "LINK_BRIDGE_DOWN": Code("A bridge is down.", SILENCE, "the bridge comes up"),
    "LINK_VETH_DOWN": Code("An end of a veth pair is down.", SILENCE, "the end comes up"),
    "LINK_NO_MASTER": Code(
        "The host's end of a container's veth pair is a port of no bridge.",
        "no route to host, or silence",
        "it becomes a port of the bridge whose subnet the container is in",
    ),
    "LINK_BRIDGE_NO_ADDRESS": Code(
        "The bridge of a network has lost its address, the gateway of its containers.",
        SILENCE,
        "the bridge gets its address back; a restart of the engine does that, too",
    ),
    "LINK_PORT_ISOLATED": Code("Isolated bridge ports exchange nothing.", SILENCE, "one of them is isolated no more"),
    "LINK_PORT_NOT_FORWARDING": Code(
        "A bridge port is in a state that passes no frames, as spanning tree sets it.",
        SILENCE,
        "time, where the port is listening or learning; else whoever blocked it",
    ),
    "LINK_FLOOD_OFF": Code(
        "A bridge port gets no frames for addresses that the bridge has not learned.",
        SILENCE,
        "flooding is turned on for the port",
    ),
    "LINK_HAIRPIN_OFF": Code(
        "A bridge port may not send a frame back to where it came from.",
        SILENCE,
        "hairpin is turned on for the port",
    ),
    "LINK_NEIGH_STALE": Code(
        "A neighbour entry has a link address that is not the destination's any more.",
        SILENCE,
        "the entry is forgotten, and asked for anew",
    ),
    "LINK_NOT_FOR_US": Code(
        "A frame comes to a device that it is not addressed to, and is not taken.",
        SILENCE,
        "whoever taught the bridge the wrong port: the right station has to speak once",
    ),
    "LINK_ARP_IGNORED": Code(
        "Whoever has the address is told not to answer for it (arp_ignore).",
        "no route to host, after some seconds",
        "the setting goes",
    ),
    "LINK_ARP_OFF": Code(
        "The device of whoever has the address answers no address questions (NOARP).",
        "no route to host, after some seconds",
        "`ip link set DEVICE arp on` there",
    ),
    "LINK_DUPLICATE_ADDRESS": Code(
        "Two namespaces have the same address, and which of them answers is chance.",
        "one time it works, the next time not",
        "the address of the one that no engine gave it to goes",
    ),
    # Address translation.
    "NAT_NOT_PUBLISHED": Code(
        "No rule translates the port and nothing listens on it: it is not published.",
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
        "Another rule translates the port first, to somewhere else.",
        "what is there: refused, no route to host, or silence",
        "the rule that comes first goes",
    ),
    "NAT_DNAT_STALE_TARGET": Code(
        "The port is translated to an address that has nothing of the kind, or is another container's now.",
        "no route to host, refused, or silence",
        "the rule gets the right target, or goes",
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
    "FW_BYPASSED": Code(
        "It is reachable, though a rule was meant to keep it closed: the packet never meets that rule.",
        "it connects",
        "nothing is broken; to keep it out, the same denial stands where the packet comes by",
    ),
    # Settings of the host.
    "HOST_IP_FORWARD_OFF": Code("The namespace forwards nothing.", SILENCE, "forwarding is turned on"),
    "HOST_DEVICE_FORWARDING_OFF": Code(
        "Packets that come in by this device are not forwarded.", SILENCE, "forwarding is turned on for it"
    ),
    "HOST_RP_FILTER_STRICT": Code(
        "The reverse path filter drops a packet whose source is routed by another device.",
        SILENCE,
        "the filter of the device becomes loose, or the route to the source is put right",
    ),
    "HOST_MARTIAN": Code(
        "A packet from outside has one of the namespace's own addresses as its source.",
        SILENCE,
        "the address is taken from the one that has it wrongly, or accept_local is turned on",
    ),
    "HOST_BRNF_OFF": Code(
        "Bridged packets do not pass iptables, so an answer within the bridge is not translated back.",
        SILENCE,
        "bridge-nf-call-iptables is turned on",
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
        "The container has lost the address that its engine gave it.",
        "no route to host, after some seconds",
        "the device gets its address back; a restart of the container does that, too",
    ),
    # The way back.
    "RET_NO_ROUTE_BACK": Code(
        "Whoever answers has no route to the client.", SILENCE, "a route to the client, by the gateway of the network"
    ),
    "RET_ROUTE_UNREACHABLE": Code("A route of type unreachable refuses the answer.", SILENCE, "the route goes"),
    "RET_ROUTE_PROHIBIT": Code("A route of type prohibit refuses the answer.", SILENCE, "the route goes"),
    "RET_ROUTE_BLACKHOLE": Code("A blackhole route swallows the answer.", SILENCE, "the route goes"),
    "RET_ASYMMETRIC_GATEWAY": Code(
        "A route or policy rule, of a VPN for instance, leads the answer away from where the packet came from.",
        SILENCE,
        "a policy rule that looks up the main table for the client or the network, before the one that leads astray",
    ),
    "RET_RETURN_NOT_UNNATED": Code(
        "The answer reaches the client from an address or port that it did not ask.",
        SILENCE,
        "the answer has to pass whoever translated the packet, or the program has to answer from the asked address",
    ),
    # Routing as such.
    "ROUTE_LOOP": Code(
        "The packet goes round in circles until its hop limit is used up.",
        "no route to host, or silence",
        "one of the routes of the circle is wrong: whoever set it",
    ),
    "ROUTE_SENT_BACK": Code(
        "A router sends the packet back to whoever it came from.",
        SILENCE,
        "the router behind this host needs a route to the destination",
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
