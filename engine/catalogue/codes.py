"""Every code that a cause or a finding can have: what it means, what the client sees, and what fixes it.

`docs/causes` is written from this table, a cause with a code that is not in it is refused at birth, and each code
has an example among the tests. Codes are stable: one keeps its name and its meaning, others may be added.

Prefixes say where the fault is: SRC on the client's side, LINK in devices, bridges and neighbours, NAT in address
translation, FW in packet filters, HOST in settings of the host, CT in connection tracking, DST at the service, RET on
the return path, ROUTE in routing as such, NAME in how a name is looked up, HTTP and TLS in what a proxy answers,
INFO where this host does not decide or was not inspected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Code(NamedTuple):
    """One code of a cause."""

    #: What it means: a sentence.
    meaning: str
    #: What the client sees, as it goes on after "the client gets".
    client: str
    #: What fixes it, in the imperative.
    fix: str


TIMEOUT = "no answer (timeout)"
REFUSED = "connection refused, at once"
SILENT = "a connection that accepts and then stays silent"
NO_ROUTE = "no route to host, after some seconds"
GATEWAY = "502 or 503, by the proxy"
NAMELESS = "no address for the name"
NO_ROUTE_OR_TIMEOUT = "no route to host, or no answer"

CODES: Mapping[str, Code] = {
    # The client's side.
    "SRC_NO_ROUTE": Code(
        "A namespace on the path has no route to the destination.",
        "network unreachable in its own namespace; no route to host or network unreachable behind a router",
        "add a route to the destination via a neighbour that reaches it",
    ),
    "SRC_ROUTE_UNREACHABLE": Code(
        "A route or policy rule of type unreachable rejects the destination.",
        "no route to host, at once",
        "delete the route, or add a policy rule before it",
    ),
    "SRC_ROUTE_PROHIBIT": Code(
        "A route or policy rule of type prohibit rejects the destination.",
        "permission denied in its own namespace; no route to host behind a router",
        "delete the route or rule, or add a policy rule before it",
    ),
    "SRC_ROUTE_BLACKHOLE": Code(
        "A blackhole route discards packets to the destination.",
        f"{TIMEOUT}; invalid argument if the route is in its own namespace",
        "delete the route, or add a policy rule before it",
    ),
    "SRC_ROUTE_SHADOWED": Code(
        "A more specific route, or a policy rule, sends the packet out of another device than its subnet's.",
        TIMEOUT,
        "delete the wrong route, or add a policy rule that looks up the main table before it",
    ),
    "SRC_SUBNET_OVERLAP": Code(
        "The client's address, or the destination, is inside a network of this host that does not contain it.",
        f"{TIMEOUT}; no route to host if the network is the sender's own",
        "renumber the network; for one address, add a route to its real location",
    ),
    "SRC_NO_ADDRESS": Code(
        "The sender's interface has no usable source address.",
        "cannot assign requested address",
        "assign an address to the sender's interface",
    ),
    "SRC_NEIGH_FAILED": Code(
        "No neighbour on the link answers ARP (or neighbour solicitation) for the next hop.",
        NO_ROUTE,
        "nothing on this host: no interface has the address; use an address that exists",
    ),
    # Devices, bridges, neighbours.
    "LINK_DOWN": Code("A network device is down.", TIMEOUT, "set the device up"),
    "LINK_BRIDGE_DOWN": Code("A bridge is down.", TIMEOUT, "set the bridge up"),
    "LINK_VETH_DOWN": Code("One end of a veth pair is down.", TIMEOUT, "set that end up"),
    "LINK_NO_MASTER": Code(
        "The host end of a container's veth pair is not attached to a bridge.",
        NO_ROUTE_OR_TIMEOUT,
        "attach it to the bridge of the container's subnet",
    ),
    "LINK_BRIDGE_NO_ADDRESS": Code(
        "The bridge has lost its address, which is the gateway of its containers.",
        TIMEOUT,
        "assign the address to the bridge again; an engine restart does so too",
    ),
    "LINK_PORT_ISOLATED": Code(
        "Isolated bridge ports do not exchange frames with each other.",
        TIMEOUT,
        "clear `isolated` on one of the two ports",
    ),
    "LINK_PORT_NOT_FORWARDING": Code(
        "A bridge port is in a spanning tree state that passes no frames.",
        TIMEOUT,
        "wait while the port is listening or learning; else unblock it in the spanning tree",
    ),
    "LINK_FLOOD_OFF": Code(
        "A bridge port has flooding off: it receives no frames for unlearned addresses, or no broadcast.",
        TIMEOUT,
        "enable flooding on the port",
    ),
    "LINK_HAIRPIN_OFF": Code(
        "A bridge port without hairpin mode does not send a frame back out of the port that it came in by.",
        TIMEOUT,
        "enable hairpin mode on the port",
    ),
    "LINK_NEIGH_STALE": Code(
        "A neighbour entry has a MAC address that the destination no longer has.",
        TIMEOUT,
        "delete the neighbour entry; the kernel resolves the address again",
    ),
    "LINK_NOT_FOR_US": Code(
        "A frame reaches a device with another MAC address, which discards it.",
        TIMEOUT,
        "have the right station send one frame, so that the bridge learns its port",
    ),
    "LINK_ARP_IGNORED": Code(
        "The owner of the address does not answer ARP for it (arp_ignore).",
        NO_ROUTE,
        "set arp_ignore to 0",
    ),
    "LINK_ARP_OFF": Code(
        "A device sends or answers no ARP (NOARP).",
        f"{NO_ROUTE}; no answer if the sender does not ask",
        "enable ARP on the device",
    ),
    "LINK_VLAN_MISMATCH": Code(
        "A VLAN-filtering bridge has the two ports in different VLANs.",
        NO_ROUTE_OR_TIMEOUT,
        "put both ports into the same VLAN",
    ),
    "LINK_VXLAN_FORWARDING": Code(
        "A vxlan forwarding entry is missing, or has the wrong remote address.",
        NO_ROUTE_OR_TIMEOUT,
        "add the entry with the address of the remote end",
    ),
    "LINK_MACVLAN_HOST_ISOLATION": Code(
        "A macvlan or ipvlan device and its parent device cannot reach each other.",
        NO_ROUTE,
        "add a macvlan device to the host, or use a bridge network",
    ),
    "LINK_DUPLICATE_ADDRESS": Code(
        "Two namespaces have the same address: the first ARP reply decides, or an answer ends in the wrong namespace.",
        "a connection at one time, no answer at another",
        "remove the address from the namespace to which no engine assigned it",
    ),
    "LINK_PMTU_BLACKHOLE": Code(
        "A device on the path has a smaller MTU than both ends, and the ICMP error that reports it is lost.",
        "a connection that hangs on large transfers",
        "accept the ICMP error; or lower the MTU of the ends, or clamp the MSS",
    ),
    # Settings of the host.
    "HOST_IP_FORWARD_OFF": Code("IP forwarding is off in the namespace.", TIMEOUT, "enable IP forwarding"),
    "HOST_DEVICE_FORWARDING_OFF": Code(
        "IP forwarding is off for packets that arrive on this device.", TIMEOUT, "enable forwarding on the device"
    ),
    "HOST_RP_FILTER_STRICT": Code(
        "The reverse path filter drops the packet: the route back to its source uses another device.",
        TIMEOUT,
        "set rp_filter to 2 (loose) on the device, or correct the route to the source",
    ),
    "HOST_MARTIAN": Code(
        "A packet arrives with one of the namespace's own addresses as its source, and is dropped as a martian.",
        TIMEOUT,
        "remove the duplicate address, or set accept_local to 1",
    ),
    "HOST_IPSEC_POLICY": Code(
        "An IPsec policy blocks the packet, or requires IPsec for a packet that arrives in plain text.",
        f"{TIMEOUT}; operation not permitted if the policy is in its own namespace",
        "delete the policy (`ip xfrm policy`), or configure IPsec on the sender",
    ),
    "HOST_TPROXY_NOT_ROUTED": Code(
        "A TPROXY rule marks the packet, and no policy rule routes the mark to the proxy.",
        TIMEOUT,
        "add a policy rule for the mark, and a local route in its table",
    ),
    "HOST_TPROXY_TRANSLATED": Code(
        "A NAT rule translates a packet that TPROXY has taken before.",
        "a connection that is accepted, then reset",
        "exempt the flow from the translation, or move the TPROXY rule behind it",
    ),
    "HOST_BRNF_OFF": Code(
        "br_netfilter is off: bridged packets skip iptables, so a reply inside the bridge is not translated back.",
        TIMEOUT,
        "set bridge-nf-call-iptables to 1",
    ),
    # The return path.
    "RET_NO_ROUTE_BACK": Code(
        "The server's namespace has no route to the client.",
        TIMEOUT,
        "add a route to the client via the network's gateway",
    ),
    "RET_ROUTE_UNREACHABLE": Code("An unreachable route rejects the reply.", TIMEOUT, "delete the route"),
    "RET_ROUTE_PROHIBIT": Code("A prohibit route rejects the reply.", TIMEOUT, "delete the route"),
    "RET_ROUTE_BLACKHOLE": Code("A blackhole route discards the reply.", TIMEOUT, "delete the route"),
    "RET_ASYMMETRIC_GATEWAY": Code(
        "A route or policy rule, often a VPN's, sends the reply out of another device than the packet came in by.",
        TIMEOUT,
        "add a policy rule that looks up the main table for the client or the network, before the other one",
    ),
    "RET_ANSWER_FROM_OTHER_ADDRESS": Code(
        "The UDP reply comes from another address of the host than the one that the client asked.",
        TIMEOUT,
        "bind the program to the asked address",
    ),
    "RET_RETURN_NOT_UNNATED": Code(
        "The reply reaches the client from an address or port that it did not ask, and is discarded.",
        TIMEOUT,
        "route the reply through the namespace that translated the packet, or have the program reply from that address",
    ),
    # Routing as such.
    "ROUTE_LOOP": Code(
        "A routing loop: the packet circles until its TTL expires.",
        NO_ROUTE_OR_TIMEOUT,
        "correct one of the routes of the loop",
    ),
    "ROUTE_SENT_BACK": Code(
        "A router sends the packet back out of the device that it came in by.",
        TIMEOUT,
        "add a route to the destination on that router",
    ),
    # Address translation.
    "NAT_NOT_PUBLISHED": Code(
        "The port is not published: no rule translates it and no socket listens on it.",
        REFUSED,
        "publish the container's port with its engine",
    ),
    "NAT_RULES_WIPED": Code(
        "The engine published the port, but its rules are missing: flushed, or restored from an older state.",
        f"{REFUSED}; {SILENT} where the engine holds the port",
        "restart the engine (Podman: `podman network reload`), or add the missing rule",
    ),
    "NAT_NO_DNAT_RULE": Code(
        "The engine's process holds the port, but no DNAT rule passes connections on.",
        SILENT,
        "restart the engine, which writes its rules again",
    ),
    "NAT_PREROUTING_ONLY": Code(
        "A DNAT rule stands in nat/PREROUTING alone, and the host itself asks: its own packets pass nat/OUTPUT.",
        REFUSED,
        "add the same rule to nat/OUTPUT, or ask the target itself",
    ),
    "NAT_PROXY_ABSENT": Code(
        "The port is published, but the proxy process that serves it on loopback addresses is missing.",
        f"{REFUSED}, on the host's loopback addresses only",
        "restart the container",
    ),
    "NAT_DNAT_HOSTIP_MISMATCH": Code(
        "The port is published on another address of the host than the one asked.",
        REFUSED,
        "publish the port on that address, or on all addresses",
    ),
    "NAT_DNAT_SHADOWED": Code(
        "Another rule matches first: it translates the port elsewhere, or accepts the packet untranslated.",
        "the answer of that other destination: refused, no route to host, or none",
        "delete the rule that matches first",
    ),
    "NAT_DNAT_STALE_TARGET": Code(
        "DNAT goes to an address without the service, or to another container's address.",
        "no route to host, refused, no answer; or a connection to the wrong container",
        "correct the rule's target, or delete the rule",
    ),
    "NAT_PROXY_ONLY": Code(
        "The port works through the engine's proxy only: the DNAT rule is missing.",
        "a connection; the program sees the proxy's address instead of the client's",
        "restart the engine, which writes its rules again",
    ),
    "NAT_HAIRPIN_NO_MASQ": Code(
        "A translated packet keeps a source address that its destination answers directly, past the translation.",
        TIMEOUT,
        "masquerade the packet on its way out",
    ),
    "NAT_MASQ_MISSING": Code(
        "A container's packets leave the host with the container's address, to which no router outside has a route.",
        TIMEOUT,
        "masquerade the network's subnet",
    ),
    "NAT_SNAT_NO_WAY_BACK": Code(
        "An SNAT rule sets a source address that the host does not have, so replies go elsewhere.",
        TIMEOUT,
        "use MASQUERADE, or an address of the host",
    ),
    "NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET": Code(
        "A packet with a loopback address needs route_localnet to cross this device.",
        TIMEOUT,
        "set route_localnet to 1 on the device",
    ),
    # Packet filters.
    "FW_RULE_DROP": Code(
        "A rule drops the packet, or the reply.",
        TIMEOUT,
        "accept the packet before that rule, or delete the rule",
    ),
    "FW_RULE_REJECT": Code(
        "A rule rejects the packet.",
        "the rule's reject type: refused looks like a closed port, others are unreachable or prohibited",
        "accept the packet before that rule, or delete the rule",
    ),
    "FW_POLICY_DROP": Code(
        "No rule accepts the packet, and the chain's policy drops it.",
        TIMEOUT,
        "add a rule that accepts it to that chain",
    ),
    "FW_NET_ISOLATION_DROP": Code(
        "The engine isolates its networks, and client and server are in different ones.",
        TIMEOUT,
        "connect the client to the server's network; or accept the one port",
    ),
    "FW_ICC_DROP": Code(
        "Inter-container communication is off in this network (icc=false).",
        TIMEOUT,
        "accept the one port; or create the network again with icc enabled",
    ),
    "FW_INTERNAL_NET_DROP": Code(
        "The network is internal: its engine drops traffic to and from outside.",
        TIMEOUT,
        "connect the container to a network that is not internal; or accept the one port",
    ),
    "FW_UNPUBLISHED_PORT_DROP": Code(
        "The engine drops packets to a container port that is not published.",
        TIMEOUT,
        "publish the port; or accept the one port",
    ),
    "FW_RAW_DIRECT_ACCESS_DROP": Code(
        "The engine drops direct access to a container's address from outside its bridge.",
        TIMEOUT,
        "use the published port; or accept the one port",
    ),
    "FW_NEIGHBOUR_DISCOVERY": Code(
        "A filter drops IPv6 neighbour solicitations or advertisements.",
        NO_ROUTE,
        "accept neighbour discovery there",
    ),
    "FW_ARP_DROP": Code(
        "A bridge or ARP filter drops ARP requests or replies.",
        NO_ROUTE,
        "accept ARP there",
    ),
    "FW_BYPASSED": Code(
        "The port is reachable although a rule denies it: the packet does not pass that rule.",
        "a connection",
        "nothing is broken; to close the port, add the same denial to a chain that the packet passes",
    ),
    # Connection tracking.
    "CT_STALE_ENTRY": Code(
        "A conntrack entry from before a change still decides the flow's translation.",
        "no answer, while other clients connect",
        "delete the conntrack entry",
    ),
    "CT_TABLE_FULL": Code(
        "The conntrack table is full: new flows are dropped.",
        "no answer, while established connections go on",
        "raise nf_conntrack_max; find out which flows fill the table",
    ),
    "CT_CLASH": Code(
        "Conntrack clash: the new flow's reply tuple belongs to an existing entry, so the kernel drops the packet.",
        "no answer, for the second flow with the same port",
        "let the kernel choose the source port, or delete the old conntrack entry",
    ),
    "CT_PICKS_UP_MIDWAY": Code(
        "SYNPROXY needs nf_conntrack_tcp_loose=0: with 1, conntrack takes the client's ACK for a new connection.",
        "a connection that is accepted, then reset",
        "set nf_conntrack_tcp_loose to 0",
    ),
    # The service.
    "DST_NO_LISTENER": Code("Nothing listens on the port.", REFUSED, "start the program, or correct its port"),
    "DST_LISTEN_OTHER_PORT": Code(
        "The service listens on another port than the one asked.",
        f"{REFUSED}; behind a relay, a connection that is accepted, then closed",
        "publish the port that the program listens on, or have it listen on this one",
    ),
    "DST_LISTEN_OTHER_PROTOCOL": Code(
        "The port is open for the other of TCP and UDP.", REFUSED, "use that protocol, or publish the port for it"
    ),
    "DST_LISTEN_LOOPBACK_ONLY": Code(
        "The program listens on a loopback address, which only its own namespace reaches.",
        f"{REFUSED}; behind a relay, a connection that is accepted, then closed",
        "listen on all addresses (0.0.0.0 or [::])",
    ),
    "DST_LISTEN_OTHER_ADDRESS": Code(
        "The program listens on another address of its namespace.", REFUSED, "listen on all addresses"
    ),
    "DST_LISTEN_OTHER_FAMILY": Code(
        "The program listens for the other IP version only.", REFUSED, "listen for both, or use the other version"
    ),
    "DST_LISTEN_OTHER_DEVICE": Code(
        "The program's socket is bound to another device.", REFUSED, "do not bind the socket to a device"
    ),
    "DST_OTHER_HOST": Code(
        "The packet ends on another host than the one where the target is said to be.",
        "what the other host answers: a connection to the wrong service, refused, no answer",
        "ask for an address of the host that is meant, or correct the route or translation that leads elsewhere",
    ),
    "DST_PORT_CONFLICT": Code(
        "Another program holds the port that a container publishes, and answers instead.",
        "a connection to the wrong program",
        "stop the other program or change its port, then start the container",
    ),
    "DST_BACKLOG_FULL": Code(
        "The program does not accept its connections, and its accept queue is full.",
        TIMEOUT,
        "inspect the program: it hangs, or is overloaded",
    ),
    "DST_NOT_RUNNING": Code("The container is not running.", REFUSED, "start it; its log shows why it ended"),
    "DST_PAUSED": Code("The container is paused.", SILENT, "unpause it"),
    "DST_STOPPED": Code("The program is stopped by a signal or a debugger.", SILENT, "continue it (SIGCONT)"),
    "DST_ECHO_IGNORED": Code(
        "The destination's kernel ignores ICMP echo requests.",
        "no ping reply, while ports may answer",
        "set icmp_echo_ignore_all to 0, or ask for a port instead",
    ),
    "DST_TUNNEL_PORT": Code(
        "The UDP port is the kernel's own: a VXLAN or Geneve device takes frames there, and drops everything else.",
        TIMEOUT,
        "ask for the port of a program; a tunnel is tried by an address behind it",
    ),
    "DST_NO_ADDRESS": Code(
        "The destination address is on no interface: a container lost it, IPv6 is off on its device, or packets for a "
        "virtual address reach a host that does not have it.",
        f"{NO_ROUTE}; no answer if the host drops its own ICMP error",
        "assign the address to the device; a container restart does so too",
    ),
    # Not decided, or not inspected, here.
    # Names.
    "NAME_NOT_FOUND": Code(
        "Nothing that the client asks has an address for the name.",
        NAMELESS,
        "correct the name, or start the container that has it",
    ),
    "NAME_LOCALHOST_IS_ITSELF": Code(
        "localhost in a container is the container itself, and the service is elsewhere.",
        REFUSED,
        "ask for the service by its container's name, in a network of both",
    ),
    "NAME_OTHER_NETWORK": Code(
        "The name is known in a network of the engine that the client is not in.",
        NAMELESS,
        "connect the client to that network",
    ),
    "NAME_DEFAULT_BRIDGE_HAS_NO_DNS": Code(
        "The client, or the container that has the name, is on the engine's default network, which serves no names.",
        NAMELESS,
        "connect both to a network of your own",
    ),
    "NAME_INTERNAL_NETWORK": Code(
        "The client is only in networks that lead nowhere else, and its resolver asks no server outside.",
        NAMELESS,
        "connect the client to a network that is not internal",
    ),
    "NAME_RESOLVER_UNREACHABLE": Code(
        "The query for the name does not reach a resolver, or its answer does not come back.",
        "no address for the name (temporary failure), at once or after some seconds",
        "open the way to the resolver, which is the next cause",
    ),
    "NAME_RESOLVER_LOOPBACK": Code(
        "The client asks a resolver at its own loopback address, where none listens.",
        NAMELESS,
        "give it a server that it can reach",
    ),
    "NAME_SHADOWED_BY_HOSTS": Code(
        "A line of the hosts file gives the name another address than the resolver, and comes first.",
        "what that address gives",
        "remove or correct the line",
    ),
    "NAME_HOST_GATEWAY_ABSENT": Code(
        "The engine's name for the host is not in this container's hosts file.",
        NAMELESS,
        "make the container with the name (`--add-host host.docker.internal:host-gateway`)",
    ),
    "NAME_PUBLISHED_PORT_USED_INSIDE": Code(
        "A container is asked by its name at the port that it publishes on the host; inside it has another one.",
        REFUSED,
        "ask for the port inside",
    ),
    "NAME_SEARCH_DOMAIN": Code(
        "The search list completes the name to one of another domain, which has an address.",
        "what that address gives",
        "write the name with a dot at its end, or take the domain out of the search list",
    ),
    "NAME_SPLIT_HORIZON": Code(
        "The resolver that the client asks gives an address for clients elsewhere; another one has its own.",
        "what that address gives",
        "have the client ask the other resolver",
    ),
    "NAME_AAAA_FIRST": Code(
        "The name has an IPv6 address, which is tried first and fails; the client goes on with IPv4.",
        "a connection that is slow to open",
        "mend IPv6, or take the AAAA record away",
    ),
    # Proxies.
    "HTTP_BAD_PORT": Code(
        "The URL's port is one that browsers never ask (the Fetch standard's port blocking).",
        "the browser's own error page (ERR_UNSAFE_PORT); other clients connect",
        "publish another port",
    ),
    "HTTP_CLIENT_PROXY": Code(
        "The client's environment names a proxy for the URL; programs that heed it never ask the server.",
        "what the proxy answers: often 403, 502 or 503",
        "add the host to no_proxy in the client's environment",
    ),
    "NAME_STALE_UPSTREAM": Code(
        "A proxy asks the address that its server's name had when it was looked up; the name has another one now.",
        GATEWAY,
        "have the proxy read its configuration again",
    ),
    "HTTP_NO_SERVER_FOR_HOST": Code(
        "No site of the proxy has the name that the client asks for.",
        "the proxy's default page, 404, 503, or an empty answer",
        "ask by a name that the proxy has, or add the name to the site",
    ),
    "HTTP_NO_ROUTE_FOR_PATH": Code(
        "The proxy's site has nothing for the path: no route, or no file.",
        "404, by the proxy; nginx says 403 where only the index file is missing, 500 where it looks for one for ever",
        "add a route for the path, or put the file there",
    ),
    "HTTP_ACCESS_DENIED": Code(
        "The proxy turns the client away for who it is: its address is not let in, or a password is asked for.",
        "403, by the proxy, or 401 where a password is asked for",
        "let in the address that the proxy sees the client with, or give the password",
    ),
    "HTTP_UPSTREAM_UNHEALTHY": Code(
        "The proxy has no server left to ask: its health check took out those that do not answer, or all are off.",
        "503, by the proxy",
        "mend the server, which is the next cause",
    ),
    "HTTP_UPSTREAM_REFUSED": Code(
        "The server that the proxy passes the request on to refuses the connection, or cannot be reached.",
        GATEWAY,
        "start the server, or correct the line that names it",
    ),
    "HTTP_UPSTREAM_TIMEOUT": Code(
        "The server that the proxy passes the request on to does not answer.",
        "504 (nginx), 503 (HAProxy, Apache) or 502 (Caddy), after the proxy's patience",
        "open the way to the server, which is the next cause",
    ),
    "HTTP_UPSTREAM_WRONG_NETWORK": Code(
        "The proxy and its server are in different networks of the engine.",
        GATEWAY,
        "connect the proxy to the server's network",
    ),
    "HTTP_UPSTREAM_WRONG_PORT": Code(
        "The proxy's line names a port at which the server does not listen.", GATEWAY, "correct the port in the line"
    ),
    "HTTP_UPSTREAM_LOCALHOST": Code(
        "The proxy's line names localhost, which is the proxy's own container, and the server is elsewhere.",
        GATEWAY,
        "name the server's container in the line",
    ),
    "HTTP_PLAIN_TO_TLS": Code(
        "A plain request is sent to a port that speaks TLS.", "400, or a closed connection", "ask by https"
    ),
    "HTTP_TLS_TO_PLAIN": Code(
        "TLS is spoken to a port that speaks plain HTTP.", "a TLS error (wrong version number)", "ask by http"
    ),
    "TLS_NAME_MISMATCH": Code(
        "The certificate that the proxy shows is not for the name that the client asks for.",
        "a certificate error",
        "ask by a name of the certificate, or get one for that name",
    ),
    "TLS_EXPIRED": Code("The certificate that the proxy shows has expired.", "a certificate error", "renew it"),
    "HTTP_REDIRECT_LOOP": Code(
        "The proxy redirects a request to where it came from, or passes it on in a circle.",
        "too many redirects, or a 5xx",
        "correct the redirect, or where it passes on",
    ),
    "INFO_EXITS_HOST": Code(
        "The packet leaves the snapshot; hosts outside of it decide whether it arrives.",
        "what those hosts decide",
        "check outside of this host: a security group, a router, a firewall on the path, the destination itself",
    ),
    "INFO_DEPENDS": Code(
        "The answer depends on something that a snapshot does not contain.",
        "one or the other",
        "check the condition that is named",
    ),
    "INFO_NOT_READ": Code(
        "The deciding source was not inspected.",
        "an unknown result",
        "follow the reason: run as root, install the tool",
    ),
    "INFO_UNEXPLAINED": Code(
        "The packet ends here, for no cause in this catalogue.", "an unknown result", "see the step that ended it"
    ),
    "MODEL_DISAGREES": Code(
        "A real attempt ended in another way than the simulation predicts.",
        "what the attempt showed",
        "report it with `--save-case`: the simulation is wrong, or the host changed in between",
    ),
}
