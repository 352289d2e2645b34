"""A Docker-like host and an answer about it, built from nouns: what the pictures are tested with."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

from engine.change.rule import DeleteRule
from engine.model.address import Family
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Firewall,
    Match,
    Nat,
    NatKind,
    NatValue,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.model.firewall import Field as FirewallField
from engine.model.host import Gap, Netns, Snapshot
from engine.model.link import Address, BridgeOptions, BridgePort, Link, Peer
from engine.model.packet import Packet, Protocol
from engine.model.plan import Plan
from engine.model.ref import Ref, RefKind, rule_name
from engine.model.route import NextHop, Route
from engine.model.trace import Assumption, Context, Conversation, Hop, Outcome, Step, StepKind, Symptom, Trace
from engine.model.traffic import Listener, Process, Relay
from engine.model.verdict import Cause, Fix, NearMiss, Question, Reach, Source, Verdict
from engine.model.where import RulePlace

HOST_SYSCTLS = {"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.rp_filter": 0}
CLIENT, PUBLISHED, WEB = ip_address("10.77.0.2"), ip_address("10.77.0.1"), ip_address("172.17.0.2")


def rule(index: int, text: str, target: Statement, match: str = "", packets: int = 0) -> Rule:
    """A rule with one match, which has only its text: what it asks is not known to anything."""
    matches = (Match((FirewallField("xt words"),), text=match),) if match else ()
    return Rule(index, (*matches, target), text, packets=packets, bytes=packets * 60)


def jump(chain: str) -> RuleVerdict:
    return RuleVerdict(VerdictKind.JUMP, chain)


ACCEPT, DROP, RETURN = (RuleVerdict(kind) for kind in (VerdictKind.ACCEPT, VerdictKind.DROP, VerdictKind.RETURN))


def _chain(name: str, *rules: tuple[str, Statement, int], base: BaseChain | None = None) -> Chain:
    made = []
    for index, (match, target, packets) in enumerate(rules):
        words = f"-A {name} {match}".rstrip()
        verb = _target_words(target)
        made.append(rule(index, f"{words} -j {verb}", target, match, packets))
    return Chain(name, tuple(made), base)


def _target_words(target: Statement) -> str:
    if isinstance(target, RuleVerdict):
        return target.chain or str(target.kind).upper()
    if isinstance(target, Nat) and target.kind is NatKind.DNAT:
        return f"DNAT --to-destination {target.value.low}:{target.value.port_low}"
    return "MASQUERADE"


def docker_rules(dropped: bool = True) -> Firewall:
    """Docker 26's rules for one bridge and two published ports; `dropped` puts a drop into DOCKER-USER."""
    dnat = Nat(NatKind.DNAT, NatValue(WEB, WEB, 80, 80))
    database = ip_address("172.17.0.3")
    dnat_db = Nat(NatKind.DNAT, NatValue(database, database, 5432, 5432))
    masquerade = Nat(NatKind.MASQUERADE)
    user = [("-p tcp -m tcp --dport 80", DROP, 3)] if dropped else []
    nat = Table(
        Backend.XT_NFT,
        "ip",
        "nat",
        (
            _chain(
                "DOCKER",
                ("-i docker0", RETURN, 0),
                ("! -i docker0 -p tcp -m tcp --dport 8080", dnat, 3),
                ("! -i docker0 -p tcp -m tcp --dport 5432", dnat_db, 0),
            ),
            _chain(
                "PREROUTING",
                ("-m addrtype --dst-type LOCAL", jump("DOCKER"), 3),
                base=BaseChain("nat", "prerouting", -100),
            ),
            _chain(
                "OUTPUT",
                ("! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL", jump("DOCKER"), 0),
                base=BaseChain("nat", "output", -100),
            ),
            _chain(
                "POSTROUTING",
                ("-s 172.17.0.0/16 ! -o docker0", masquerade, 0),
                ("-s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80", masquerade, 0),
                base=BaseChain("nat", "postrouting", 100),
            ),
        ),
    )
    forward = BaseChain("filter", "forward", 0, VerdictKind.DROP)
    filters = Table(
        Backend.XT_NFT,
        "ip",
        "filter",
        (
            _chain("INPUT", base=BaseChain("filter", "input", 0)),
            _chain(
                "FORWARD",
                ("", jump("DOCKER-USER"), 12),
                ("", jump("DOCKER-ISOLATION-STAGE-1"), 9),
                ("-o docker0 -m conntrack --ctstate RELATED,ESTABLISHED", ACCEPT, 4),
                ("-o docker0", jump("DOCKER"), 0),
                ("-i docker0 ! -o docker0", ACCEPT, 5),
                ("-i docker0 -o docker0", ACCEPT, 0),
                base=forward,
            ),
            _chain("DOCKER", ("-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80", ACCEPT, 0)),
            _chain(
                "DOCKER-ISOLATION-STAGE-1",
                ("-i docker0 ! -o docker0", jump("DOCKER-ISOLATION-STAGE-2"), 5),
                ("", RETURN, 9),
            ),
            _chain("DOCKER-ISOLATION-STAGE-2", ("-o docker0", DROP, 0), ("", RETURN, 5)),
            _chain("DOCKER-USER", *user, ("", RETURN, 9)),
        ),
    )
    return Firewall((nat, filters))


def _veth(index: int, name: str, netns: str, peer: int, master: int | None = None) -> Link:
    port = BridgePort() if master else None
    return Link(index, name, "veth", peer=Peer(netns, peer), master=master, port=port)


def container_netns(name: str, host_index: int, address: str, *listeners: Listener) -> Netns:
    """A container's namespace: lo, eth0 with an address, a default route, and what listens."""
    gateway = ip_address("172.17.0.1")
    default = Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(2, gateway),), text="default via 172.17.0.1 dev eth0")
    return Netns(
        name,
        path=f"/run/netns/{name}",
        links=(Link(1, "lo", "loopback"), Link(2, "eth0", "veth", peer=Peer("dh", host_index))),
        addresses=(Address(2, ip_address(address), 16),),
        routes=(default,),
        sysctls={"net.ipv4.ip_forward": 0},
        listeners=listeners,
    )


def listens(
    port: int, program: str, pid: int, address: str | None = None, protocol: Protocol = Protocol.TCP
) -> Listener:
    where = ip_address(address) if address else None
    return Listener(Protocol.TCP, Family.INET, where, port, process=Process(pid, program))


def host_of_projects() -> Snapshot:
    """docker_host with the containers of four Compose projects and of none, each 17th of them down: 150 in all."""
    snapshot = docker_host()
    host = snapshot.host_netns
    bridge = Link(200, "br-0a1b2c3d4e5f", "bridge", bridge=BridgeOptions())
    links, namespaces, containers = [bridge], [], []
    projects = (("shop", 40), ("blog", 25), ("metrics", 27), ("", 20), ("mail", 35))
    members = ((project, place) for project, size in projects for place in range(size))
    for number, (project, place) in enumerate(members):
        name = f"c{number}"
        links.append(_veth(300 + number, f"veth{number:06x}", name, 2, 200 if project == "mail" else 3))
        address = Address(2, ip_address("172.17.1.0") + number, 16)
        devices = (Link(1, "lo", "loopback"), Link(2, "eth0", "veth", peer=Peer("dh", 300 + number)))
        namespaces.append(Netns(name, path=f"/run/netns/{name}", links=devices, addresses=(address,)))
        state, service = "exited" if number % 17 == 16 else "running", f"job{place}" if project else ""
        called = f"{project}-{service}-1" if project else f"lone{place}"
        containers.append(Container(name, called, "docker", state, netns=name, project=project, service=service))
    host = replace(host, links=(*host.links, *links))
    return replace(
        snapshot,
        namespaces=(host, *snapshot.namespaces[1:], *namespaces),
        containers=(*snapshot.containers, *containers),
    )


def docker_host(*, dropped: bool = True, gaps: tuple[Gap, ...] = ()) -> Snapshot:
    """The host dh: uplink up0 to the namespace lan, docker0 with web, db and cache."""
    relay = Process(790, "docker-proxy", relay=Relay("docker-proxy", WEB, 80))
    host = Netns(
        "dh",
        path="/run/netns/dh",
        links=(
            Link(1, "lo", "loopback"),
            _veth(2, "up0", "lan", 2),
            Link(3, "docker0", "bridge", bridge=BridgeOptions()),
            _veth(5, "vethc06dc9f", "web", 2, 3),
            _veth(7, "veth41f2a80", "db", 2, 3),
            _veth(9, "veth9b0e177", "cache", 2, 3),
        ),
        addresses=(Address(2, PUBLISHED, 24), Address(3, ip_address("172.17.0.1"), 16)),
        routes=(
            Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(2, CLIENT),), text="default via 10.77.0.2 dev up0"),
            Route(ip_network("172.17.0.0/16"), nexthops=(NextHop(3),), text="172.17.0.0/16 dev docker0"),
        ),
        sysctls=HOST_SYSCTLS,
        firewall=docker_rules(dropped),
        listeners=(Listener(Protocol.TCP, Family.INET, None, 8080, process=relay),),
    )
    lan = Netns(
        "lan",
        path="/run/netns/lan",
        links=(Link(1, "lo", "loopback"), Link(2, "up0", "veth", peer=Peer("dh", 2))),
        addresses=(Address(2, CLIENT, 24),),
    )
    return Snapshot(
        "dh",
        (
            host,
            lan,
            container_netns("web", 5, "172.17.0.2", listens(80, "httpd", 812)),
            container_netns("db", 7, "172.17.0.3", listens(5432, "postgres", 845, "127.0.0.1")),
            container_netns("cache", 9, "172.17.0.4", listens(6379, "valkey", 861)),
        ),
        containers=(
            _container("web", "172.17.0.2", PublishedPort(Protocol.TCP, None, 8080, 80)),
            _container("db", "172.17.0.3", PublishedPort(Protocol.TCP, None, 5432, 5432)),
            _container("cache", "172.17.0.4"),
        ),
        networks=(Network("bridge", "docker", "bridge", "docker0", subnets=("172.17.0.0/16",)),),
        gaps=gaps,
        kernel="6.18.5",
    )


def _container(name: str, address: str, *published: PublishedPort) -> Container:
    at = (Attachment("bridge", ip_address(address), gateway=ip_address("172.17.0.1")),)
    return Container(f"{name}0123", name, "docker", "running", netns=name, attachments=at, published=published)


def crowded_host(containers: int) -> Snapshot:
    """The same host with that many containers on docker0."""
    base = docker_host()
    ports, spaces, names = [], [], []
    for number in range(containers):
        name, index = f"app{number:02}", 100 + number
        address = str(IPv4Address("172.17.1.0") + number)
        ports.append(_veth(index, f"veth{number:07x}", name, 2, 3))
        spaces.append(container_netns(name, index, address, listens(8000, "python3", 2000 + number)))
        names.append(_container(name, address))
    host = base.host_netns
    crowded = replace(host, links=(*(link for link in host.links if not link.master), *ports))
    others = tuple(netns for netns in base.namespaces if netns.id == "lan")
    return replace(base, namespaces=(crowded, *others, *spaces), containers=tuple(names))


def rule_ref(table: str, chain: str, index: int, text: str = "") -> Ref:
    return Ref(RefKind.RULE, "dh", ("xt-nft", "ip", table, chain, index), rule_name(f"{table}/{chain}", index), text)


def _packets() -> tuple[Packet, Packet]:
    packet = Packet(CLIENT, PUBLISHED, Protocol.TCP, 40000, 8080, tcp_flags=2)
    return packet, replace(packet, dst=WEB, dport=80)


def _link_ref(netns: str, index: int, name: str) -> Ref:
    return Ref(RefKind.LINK, netns, (index,), name)


def client_hop() -> Hop:
    packet, _ = _packets()
    out = Context(oif="up0")
    route = Ref(RefKind.ROUTE, "lan", (254, "10.77.0.0/24", 0), "10.77.0.0/24")
    return Hop(
        "lan",
        packet,
        (
            Step(StepKind.ROUTE, "10.77.0.0/24 dev up0, source 10.77.0.2", packet, out, route),
            Step(StepKind.LINK, "leaves by up0", packet, out, _link_ref("lan", 2, "up0")),
        ),
    )


def host_steps(dropped: bool) -> tuple[Step, ...]:
    packet, translated = _packets()
    arrives = Context(iif="up0")
    passes = Context(iif="up0", oif="docker0", ct_status=frozenset({"dnat"}))
    docker0 = Ref(RefKind.ROUTE, "dh", (254, "172.17.0.0/16", 0), "172.17.0.0/16")
    steps = (
        Step(StepKind.LINK, "arrives on up0", packet, arrives, _link_ref("dh", 2, "up0")),
        Step(
            StepKind.RULE,
            "-m addrtype --dst-type LOCAL",
            packet,
            arrives,
            rule_ref("nat", "PREROUTING", 0),
            "prerouting",
            "jump DOCKER",
        ),
        Step(
            StepKind.NAT,
            "! -i docker0 -p tcp -m tcp --dport 8080",
            packet,
            arrives,
            rule_ref("nat", "DOCKER", 1),
            "prerouting",
            "dnat to 172.17.0.2:80",
            translated,
        ),
        Step(StepKind.ROUTE, "172.17.0.0/16 dev docker0", translated, passes, docker0),
        Step(
            StepKind.RULE,
            "any packet",
            translated,
            passes,
            rule_ref("filter", "FORWARD", 0),
            "forward",
            "jump DOCKER-USER",
        ),
    )
    if dropped:
        drop = Step(
            StepKind.RULE,
            "-p tcp -m tcp --dport 80",
            translated,
            passes,
            rule_ref("filter", "DOCKER-USER", 0),
            "forward",
            "drop",
        )
        return (*steps, drop)
    accept = Step(
        StepKind.RULE,
        "-o docker0 -p tcp --dport 80",
        translated,
        passes,
        rule_ref("filter", "DOCKER", 0),
        "forward",
        "accept",
    )
    bridge = Step(
        StepKind.BRIDGE,
        "docker0 forwards to vethc06dc9f",
        translated,
        replace(passes, physout="vethc06dc9f"),
        _link_ref("dh", 5, "vethc06dc9f"),
    )
    return (*steps, accept, bridge)


def question() -> Question:
    return Question(Source("lan", CLIENT), PUBLISHED, 8080, target="10.77.0.1:8080")


def dropped_verdict(snapshot: Snapshot | None = None) -> Verdict:
    """A drop in DOCKER-USER: the packet never gets to web."""
    packet, _ = _packets()
    trace = Trace(Outcome.RULE_DROP, (client_hop(), Hop("dh", packet, host_steps(True))))
    at = rule_ref("filter", "DOCKER-USER", 0, "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP")
    place = RulePlace("dh", Backend.XT_NFT, "ip", "filter", "DOCKER-USER", 0)
    removed = (snapshot or docker_host()).host_netns.firewall.tables[1].chains[5].rules[0]
    fix = Fix(
        "delete the rule",
        Plan("delete the rule", (DeleteRule(place, removed),)),
        (
            (
                "nsenter",
                "--net=/run/netns/dh",
                "iptables",
                "-D",
                "DOCKER-USER",
                "-p",
                "tcp",
                "--dport",
                "80",
                "-j",
                "DROP",
            ),
        ),
        side_effects=("10.77.0.2 can then reach 172.17.0.2:80 directly too",),
    )
    cause = Cause(
        "FW_RULE_DROP",
        "A rule in DOCKER-USER drops every TCP packet to port 80, before Docker's own rules are asked.",
        at,
        "admin",
        ("the rule's counter: 3 packets",),
        (
            NearMiss(
                rule_ref("filter", "FORWARD", 2),
                "-o docker0 --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "the packet is the first of its flow (ct state new)",
            ),
        ),
        (fix,),
    )
    assumption = Assumption("UPSTREAM", "nothing between lan and dh filters the packet")
    return Verdict(question(), Reach.NO, Symptom.TIMEOUT, Conversation(trace, Symptom.TIMEOUT), (cause,), (assumption,))


def connected_verdict() -> Verdict:
    """The same question without the drop: there and back."""
    packet, translated = _packets()
    inside = Context(iif="eth0")
    listener = Ref(RefKind.LISTENER, "web", ("tcp", "0.0.0.0", 80), "0.0.0.0:80")
    web = Hop(
        "web",
        translated,
        (
            Step(StepKind.LINK, "arrives on eth0", translated, inside, _link_ref("web", 2, "eth0")),
            Step(
                StepKind.SOCKET, "httpd (812) listens on 0.0.0.0:80/tcp", translated, inside, listener, verdict="accept"
            ),
        ),
    )
    forward = Trace(Outcome.DELIVERED, (client_hop(), Hop("dh", packet, host_steps(False)), web))
    answer = Packet(WEB, CLIENT, Protocol.TCP, 80, 40000, tcp_flags=18)
    undone = replace(answer, src=PUBLISHED, sport=8080)
    out, back = Context(oif="eth0"), Context(iif="docker0", oif="up0", physin="vethc06dc9f")
    default = Ref(RefKind.ROUTE, "web", (254, "0.0.0.0/0", 0), "default")
    reply = Trace(
        Outcome.DELIVERED,
        (
            Hop("web", answer, (Step(StepKind.ROUTE, "default via 172.17.0.1 dev eth0", answer, out, default),)),
            Hop(
                "dh",
                answer,
                (
                    Step(
                        StepKind.CONNTRACK,
                        "a reply: the translation is undone",
                        answer,
                        back,
                        None,
                        "prerouting",
                        "un-dnat to 10.77.0.1:8080",
                        undone,
                    ),
                    Step(StepKind.ROUTE, "10.77.0.0/24 dev up0", undone, back),
                ),
            ),
            Hop("lan", undone, (Step(StepKind.SOCKET, "the client's own socket", undone, Context(iif="up0")),)),
        ),
    )
    return Verdict(question(), Reach.YES, Symptom.CONNECTED, Conversation(forward, Symptom.CONNECTED, reply))


NETWORK = IPv4Network("172.17.0.0/16")
