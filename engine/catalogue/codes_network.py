"""The part of the catalogue of codes that is about the network: routes, links, neighbours, settings."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalogue.code import SILENCE, Code

NETWORK: Mapping[str, Code] = {
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
    "SRC_SUBNET_OVERLAP": Code(
        "The client, or what it asks for, has an address of a network on this host, where it is looked for in vain.",
        f"{SILENCE}; no route to host where it is the sender's own network",
        "the network gets addresses that nobody else has; for one address a route to where it is",
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
        "A bridge port gets no frames for addresses that the bridge has not learned, or no questions for everybody.",
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
        "A device answers no address questions, or asks none (NOARP).",
        "no route to host, after some seconds; silence where nobody asks",
        "ARP is turned on for the device",
    ),
    "LINK_VLAN_MISMATCH": Code(
        "A bridge keeps the VLANs of its ports apart, and the two ports have none in common that fits.",
        "no route to host, or silence",
        "whoever set the VLANs of the ports: both need the same one",
    ),
    "LINK_VXLAN_FORWARDING": Code(
        "A forwarding entry of a vxlan is missing, or has an address where its other end is not.",
        "silence, or no route to host after some seconds",
        "the entry is added, with the address of the other end",
    ),
    "LINK_MACVLAN_HOST_ISOLATION": Code(
        "A macvlan or ipvlan device and the device below it do not hear each other.",
        "no route to host, after some seconds",
        "a macvlan device of the host's own beside the container's, or a bridge network instead",
    ),
    "LINK_DUPLICATE_ADDRESS": Code(
        "Two namespaces have the same address: which of them answers is chance, or an answer ends in the wrong one.",
        "one time it works, the next time not; or silence",
        "the address of the one that no engine gave it to goes",
    ),
    "LINK_PMTU_BLACKHOLE": Code(
        "A device on the way takes smaller packets than both ends send, and the error that says so is lost.",
        "it connects, then hangs when much is sent",
        "the error is let through; or the ends get the smaller MTU, or the MSS is clamped to it",
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
    "HOST_IPSEC_POLICY": Code(
        "An IPsec policy of a namespace blocks the packet, or wants it to come by IPsec, and it comes in plain.",
        f"{SILENCE}; not permitted where the namespace is its own",
        "the policy goes (`ip xfrm policy`), or who sends has IPsec with this host",
    ),
    "HOST_TPROXY_NOT_ROUTED": Code(
        "A transparent proxy's rule takes the packet, and no policy rule leads marked packets to it.",
        SILENCE,
        "a policy rule for the mark, and a local route in its table",
    ),
    "HOST_TPROXY_TRANSLATED": Code(
        "A rule translates what a transparent proxy's rule before it takes.",
        "accepted, then reset",
        "the flow passes the translation by, or the proxy's rule stands behind it",
    ),
    "HOST_BRNF_OFF": Code(
        "Bridged packets do not pass iptables, so an answer within the bridge is not translated back.",
        SILENCE,
        "bridge-nf-call-iptables is turned on",
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
    "RET_ANSWER_FROM_OTHER_ADDRESS": Code(
        "A datagram is answered from another address of the host than the one that was asked.",
        SILENCE,
        "the program listens on the address, or answers from the one that it was asked at",
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
}
