"""SYNPROXY: a rule that opens connections in the server's place, and to the server once the client is known to be real.

1. The client's SYN ends at the rule, which answers it in the server's name; a cookie in the answer keeps the rest. A
   flow that the SYN had begun is forgotten.
2. The client's third packet ends at the rule, if it bears the cookie. A SYN in the client's name goes to the server
   then, by OUTPUT as all that a namespace sends; its flow is a proxied one.
3. The server's SYN/ACK ends behind all chains of POSTROUTING or INPUT, before the flow is confirmed. From then on
   packets pass between both. A reset ends the client's connection; all else that the server does not answer is silence.

The rule sees third packets only where tracking calls them invalid: while it picks up flows from the middle
(`nf_conntrack_tcp_loose`) they pass it by, and the server, which knows of no connection, resets it.

Source: net/netfilter/nf_synproxy_core.c (synproxy_send_client_synack, synproxy_recv_client_ack, ipv4_synproxy_hook),
net/ipv4/netfilter/ipt_SYNPROXY.c, net/netfilter/nft_synproxy.c.
"""

from __future__ import annotations

from engine.model.firewall import RuleVerdict, SynProxy, VerdictKind
from engine.model.packet import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN
from engine.model.trace import StepKind, Trace
from engine.path.journey import Journey

OPENING = TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN


def meet(journey: Journey, statement: SynProxy) -> tuple[str, SynProxy | RuleVerdict | None]:
    """What the rule does with a packet of TCP: what it said, in words, and its effect."""
    flags, here = journey.packet.tcp_flags & OPENING, journey.netns.id
    if flags == TCP_SYN:
        journey.setting.cookies.add(here)
        return "synproxy", statement
    if flags != TCP_ACK:
        return "", None
    if here in journey.setting.cookies:
        return "synproxy", statement
    return "synproxy: no cookie", RuleVerdict(VerdictKind.DROP)


def steal(journey: Journey) -> Trace:
    """The end of a packet at the rule."""
    track = journey.skb.track
    if track is not None and "confirmed" not in track.status:
        journey.tracks.forget(journey.netns.id, track)
    return _ends(journey)


def intercept(journey: Journey) -> Trace | None:
    """The end of the server's SYN/ACK; None for other packets."""
    track, flags = journey.skb.track, journey.packet.tcp_flags & OPENING
    if track is None or not track.proxied or flags != TCP_SYN | TCP_ACK:
        return None
    text = f"SYNPROXY of {journey.netns.id} joins the client's connection and its own to the server"
    journey.step(StepKind.CONNTRACK, text)
    return _ends(journey)


def _ends(journey: Journey) -> Trace:
    journey.proxied = True
    links = journey.netns.links_by_name
    return journey.endpoint(journey, links.get(journey.context.iif) or journey.netns.links[0])
