"""Verdicts made by hand, for the tests of everything that draws one. The host in them never existed."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from engine.model.host import Gap
from engine.model.packet import TCP_ACK, TCP_SYN, Packet, Protocol
from engine.model.plan import Plan
from engine.model.ref import Ref, RefKind, rule_name
from engine.model.trace import Assumption, Conversation, Hop, Outcome, Step, StepKind, Symptom, Trace
from engine.model.verdict import Cause, Fix, NearMiss, Question, Reach, Source, Verdict

CLIENT, HOST, WEB = IPv4Address("192.0.2.7"), IPv4Address("192.0.2.1"), IPv4Address("172.17.0.2")
SYN = Packet(CLIENT, HOST, Protocol.TCP, 40000, 8080, tcp_flags=TCP_SYN)
DNATED = Packet(CLIENT, WEB, Protocol.TCP, 40000, 80, tcp_flags=TCP_SYN, ttl=63)
SYN_ACK = Packet(WEB, CLIENT, Protocol.TCP, 80, 40000, tcp_flags=TCP_SYN | TCP_ACK)
UNDONE = Packet(HOST, CLIENT, Protocol.TCP, 8080, 40000, tcp_flags=TCP_SYN | TCP_ACK)

QUESTION = Question(Source("lan"), HOST, 8080, target="192.0.2.1:8080")


def rule(table: str, chain: str, index: int, text: str) -> Ref:
    """A pointer to an iptables rule of the host."""
    return Ref(RefKind.RULE, "host", ("xt-nft", "ip", table, chain, index), rule_name(f"{table}/{chain}", index), text)


DNAT_RULE = rule("nat", "DOCKER", 1, "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to 172.17.0.2:80")
DROP_RULE = rule("filter", "DOCKER-USER", 0, "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP")
ROUTE = Ref(RefKind.ROUTE, "host", ("main", "172.17.0.0/16", 0), "172.17.0.0/16", "172.17.0.0/16 dev docker0")
POLICY = Ref(RefKind.CHAIN, "host", ("xt-nft", "ip", "filter", "FORWARD"), "filter/FORWARD", "policy DROP")
SOCKET = Ref(RefKind.LISTENER, "web", ("tcp", "0.0.0.0", 80), "0.0.0.0:80/tcp", "httpd (pid 7)")

LEAVE = Hop("lan", SYN, (Step(StepKind.ROUTE, "192.0.2.0/24 is on eth0", SYN),))
DNAT = Step(
    StepKind.NAT, "the destination becomes 172.17.0.2:80", SYN, ref=DNAT_RULE, hook="prerouting", after=DNATED,
    verdict="dnat to 172.17.0.2:80", handle=31,
)  # fmt: skip
FORWARD = Step(StepKind.ROUTE, "172.17.0.0/16 by docker0", DNATED, ref=ROUTE)
DROP = Step(StepKind.RULE, DROP_RULE.text, DNATED, ref=DROP_RULE, hook="forward", verdict="drop", handle=12)
SERVE = Step(StepKind.SOCKET, "httpd listens on 0.0.0.0:80", DNATED, ref=SOCKET)

FIX = Fix(
    "delete the rule",
    Plan("delete the rule", ()),
    (("iptables-nft", "-D", "DOCKER-USER", "-p", "tcp", "-m", "comment", "--comment", "keep out", "-j", "DROP"),),
    side_effects=("172.17.0.3:80 becomes reachable from lan",),
)
DROPPED_BY_RULE = Cause(
    "FW_RULE_DROP",
    "A rule in DOCKER-USER drops the packet.",
    DROP_RULE,
    evidence=("the rule's counter is at 42 packets",),
    near_misses=(NearMiss(DROP_RULE, "-A DOCKER-USER -p tcp --dport 81 -j ACCEPT", "dport is 81, the packet has 80"),),
    fixes=(FIX,),
)

ARRIVED = Trace(Outcome.DELIVERED, (LEAVE, Hop("host", SYN, (DNAT, FORWARD)), Hop("web", DNATED, (SERVE,))))
BACK = Trace(
    Outcome.DELIVERED,
    (
        Hop("web", SYN_ACK, (Step(StepKind.ROUTE, "default via 172.17.0.1", SYN_ACK),)),
        Hop("host", SYN_ACK, (Step(StepKind.NAT, "the source is put back", SYN_ACK, after=UNDONE),)),
    ),
)
STOPPED = Trace(Outcome.RULE_DROP, (LEAVE, Hop("host", SYN, (DNAT, FORWARD, DROP))))

BYPASSED = Cause(
    "FW_BYPASSED",
    "reachable, though ufw's rule 1 of filter/ufw-user-input in host is there to close 8080/tcp",
    rule("filter", "ufw-user-input", 0, "-A ufw-user-input -p tcp -m tcp --dport 8080 -j DROP"),
    owner="ufw",
    evidence=("translated before",),
    fixes=(Fix("drop it in DOCKER-USER", Plan("drop it", ()), (("iptables-nft", "-A"),), then=Symptom.TIMEOUT),),
)
REACHED = Verdict(QUESTION, Reach.YES, Symptom.CONNECTED, Conversation(ARRIVED, Symptom.CONNECTED, BACK))
DROPPED = Verdict(
    QUESTION,
    Reach.NO,
    Symptom.TIMEOUT,
    Conversation(STOPPED, Symptom.TIMEOUT),
    causes=(DROPPED_BY_RULE, Cause("DST_PAUSED", "container web is paused", SOCKET, owner="docker")),
    assumptions=(Assumption("ARP_ASSUMED", "172.17.0.2 is assumed to answer ARP."),),
    gaps=(Gap("conntrack", "host", "Operation not permitted: run as root to see it"),),
)
UNDECIDED = Verdict(
    Question(Source("host", CLIENT, "eth0"), HOST, 53, Protocol.UDP, target=":53"),
    Reach.DEPENDS,
    Symptom.TIMEOUT,
    Conversation(STOPPED, Symptom.TIMEOUT),
    causes=(Cause("INFO_DEPENDS", "the answer depends on a condition: -m recent", POLICY, owner="kernel"),),
    branches=(Conversation(STOPPED, Symptom.TIMEOUT), Conversation(ARRIVED, Symptom.CONNECTED, BACK)),
)
EXPOSED = replace(REACHED, findings=(BYPASSED,))
ALL = {"reached": REACHED, "exposed": EXPOSED, "dropped": DROPPED, "undecided": UNDECIDED}
