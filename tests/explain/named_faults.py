"""Names that do not lead where they should, and proxies that answer by themselves."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.model.application.naming import HostsLine, NameRecord, Resolver, Zone
from engine.model.application.proxy import Certificate, ConfigPlace
from engine.model.container import Attachment
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import ConntrackEntry, Process, Tuple4
from tests.explain.faults import Fault
from tests.hosts.build import World
from tests.hosts.named import LOCALHOST, named, named_world, proxied, server, to


def world_with(*changes: tuple[str, str]) -> World:
    """The host with rules of the filter table: (namespace, rule)."""
    world = named_world()
    for netns, rule in changes:
        world[netns].iptables(
            f"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n{rule}\nCOMMIT\n"
        )
    return world


def internal() -> Snapshot:
    """front leads nowhere else."""
    snapshot = named()
    networks = tuple(replace(each, internal=each.name == "front") for each in snapshot.networks)
    return replace(snapshot, networks=networks)


def stale() -> Snapshot:
    """web was made again, at another address, after nginx had looked it up."""
    snapshot = proxied(server(to("web")))
    proxy = snapshot.by_id["proxy"]
    ends = ip_address("172.18.0.2"), ip_address("172.18.0.9")
    flow = ConntrackEntry(Protocol.TCP, Tuple4(*ends, 40000, 80), Tuple4(ends[1], ends[0], 80, 40000), state="SYN_SENT")
    return snapshot.with_netns(replace(proxy, conntrack=(flow,)))


def both_families() -> Snapshot:
    """web has an IPv6 address in front as well, at which nothing listens."""
    world = named_world()
    for name, last in (("client", 4), ("web", 3)):
        world[name].address("eth0", f"fd18::{last}/64")
    snapshot = named(world)
    containers = tuple(
        replace(each, attachments=tuple(_with6(place) for place in each.attachments)) if each.name == "web" else each
        for each in snapshot.containers
    )
    return replace(snapshot, containers=containers)


def _with6(place: Attachment) -> Attachment:
    return replace(place, address6=ip_address("fd18::3"))


def certified(*names: str, until: int = 4_000_000_000) -> Snapshot:
    """nginx speaks TLS at port 80, with a certificate for these names; it is 2026."""
    snapshot = proxied(server(to("web"), listen="80 ssl"))
    (proxy,) = snapshot.proxies
    shown = Certificate(names, until, ConfigPlace("/etc/nginx/nginx.conf", 3))
    sites = tuple(replace(site, certificate=shown) for site in proxy.table.sites)
    table = replace(proxy.table, sites=sites)
    return replace(snapshot, proxies=(replace(proxy, table=table),), taken_at="2026-01-01T00:00:00+00:00")


def resolving(*records: NameRecord, second: NameRecord | None = None, **config: object) -> Snapshot:
    """The LAN's resolver has these records; one on the host, at front's bridge, has the `second`."""
    world = named_world()
    world["lan"].listeners.clear()
    world["lan"].listen(53, None, Protocol.UDP, process=Process(951, "dnsmasq"))
    found = [Resolver("lan", 951, "dnsmasq", (Zone(records=records),))]
    if second is not None:
        world["host"].listen(53, "172.18.0.1", Protocol.UDP, process=Process(952, "dnsmasq"))
        found.append(Resolver("host", 952, "dnsmasq", (Zone(records=(second,)),)))
    return replace(named(world, client=config), resolvers=tuple(found))


WRONG_HOSTS = {"hosts": (LOCALHOST, HostsLine(ip_address("172.18.0.99"), ("web",), 7))}
BLOCK = "-A OUTPUT -d 10.77.0.2/32 -p udp -m udp --dport 53 -j DROP"
REDIRECT = "return 301 http://proxy$request_uri;"
HOSTS_LINE = "/etc/hosts:7"
CONF = "/etc/nginx/nginx.conf:3"
WEB = "http://proxy/"

#: Each is asked from `client` unless it says otherwise.
NAMED: tuple[Fault, ...] = tuple(
    replace(fault, source="client" if fault.source == "ns:lan" else fault.source)
    for fault in (
        Fault("a url of another network", named(), "NAME_OTHER_NETWORK", "db", "postgres://db/shop", owner="docker"),
        Fault(
            "the default bridge", named(), "NAME_DEFAULT_BRIDGE_HAS_NO_DNS", "old", "http://web/", "old", owner="docker"
        ),
        Fault(
            "localhost in a container", named(), "NAME_LOCALHOST_IS_ITSELF", "client", "localhost:5432", owner="docker"
        ),
        Fault("the published port", named(), "NAME_PUBLISHED_PORT_USED_INSIDE", "db", "db:15432", "db", owner="docker"),
        Fault(
            "no way out",
            internal(),
            "NAME_INTERNAL_NETWORK",
            "client",
            "blog.example.test:80",
            owner="docker",
            mended=False,
        ),
        Fault(
            "a slip of the pen",
            named(client={"beyond": ()}),
            "NAME_NOT_FOUND",
            "127.0.0.11:53/udp",
            "wbe:80",
            mended=False,
        ),
        Fault(
            "the engine's host",
            named(),
            "NAME_HOST_GATEWAY_ABSENT",
            "client",
            "host.docker.internal:9000",
        ),
        Fault("a line of hosts", named(client=WRONG_HOSTS), "NAME_SHADOWED_BY_HOSTS", HOSTS_LINE, "http://web/"),
        Fault(
            "a resolver behind a drop",
            named(world_with(("old", BLOCK))),
            "NAME_RESOLVER_UNREACHABLE",
            "/etc/resolv.conf",
            "blog.example.test:80",
            "old",
            mended=False,
        ),
        Fault(
            "a resolver at loopback",
            named(old={"servers": (ip_address("127.0.0.53"),)}),
            "NAME_RESOLVER_LOOPBACK",
            "/etc/resolv.conf",
            "blog.example.test:80",
            "old",
            mended=False,
        ),
        Fault(
            "the search list's domain",
            resolving(NameRecord(".corp.test", (ip_address("10.77.0.2"),)), search=("corp.test",)),
            "NAME_SEARCH_DOMAIN",
            "/etc/resolv.conf",
            "http://db/",
            mended=False,
        ),
        Fault(
            "two sides of a name",
            resolving(
                NameRecord("blog.example.test", (ip_address("10.77.0.1"),)),
                second=NameRecord("blog.example.test", (ip_address("172.18.0.3"),)),
            ),
            "NAME_SPLIT_HORIZON",
            "/etc/resolv.conf",
            "http://blog.example.test/",
            mended=False,
        ),
        Fault("an old address", stale(), "NAME_STALE_UPSTREAM", CONF, WEB),
        Fault("the wrong port", proxied(server(to("db:80"))), "HTTP_UPSTREAM_WRONG_NETWORK", CONF, WEB, mended=False),
        Fault("another port", proxied(server(to("web:81"))), "HTTP_UPSTREAM_WRONG_PORT", CONF, WEB),
        Fault("the proxy's localhost", proxied(server(to("127.0.0.1:3000"))), "HTTP_UPSTREAM_LOCALHOST", CONF, WEB),
        Fault(
            "a server behind a drop",
            proxied(server(to("web")), world_with(("web", "-A INPUT -p tcp -m tcp --dport 80 -j DROP"))),
            "HTTP_UPSTREAM_TIMEOUT",
            CONF,
            WEB,
            mended=False,
        ),
        Fault(
            "a server that refuses",
            proxied(
                server(to("web")),
                world_with(("web", "-A INPUT -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset")),
            ),
            "HTTP_UPSTREAM_REFUSED",
            CONF,
            WEB,
            mended=False,
        ),
        Fault(
            "no server left",
            proxied(f"upstream u {{ server web down; }}\n{server(to('u'))}"),
            "HTTP_UPSTREAM_UNHEALTHY",
            "/etc/nginx/nginx.conf:4",
            WEB,
            mended=False,
        ),
        Fault(
            "another host",
            proxied(server("return 404;", "_") + server(to("web"), "blog.example.test")),
            "HTTP_NO_SERVER_FOR_HOST",
            CONF,
            WEB,
            mended=False,
        ),
        Fault("no path", proxied(server("return 404;")), "HTTP_NO_ROUTE_FOR_PATH", CONF, WEB, mended=False),
        Fault(
            "not let in",
            proxied(server(f"allow 10.0.0.0/8; deny all; {to('web')}")),
            "HTTP_ACCESS_DENIED",
            CONF,
            WEB,
        ),
        Fault(
            "plain to tls", proxied(server(to("web"), listen="80 ssl")), "HTTP_PLAIN_TO_TLS", CONF, WEB, mended=False
        ),
        Fault("tls to plain", proxied(server(to("web"))), "HTTP_TLS_TO_PLAIN", CONF, "https://proxy:80/", mended=False),
        Fault(
            "another name",
            certified("a.test", "*.b.test"),
            "TLS_NAME_MISMATCH",
            CONF,
            "https://proxy:80/",
            mended=False,
        ),
        Fault("out of date", certified("proxy", until=1), "TLS_EXPIRED", CONF, "https://proxy:80/", mended=False),
        Fault("round and round", proxied(server(REDIRECT)), "HTTP_REDIRECT_LOOP", CONF, WEB, mended=False),
        Fault("in a circle", proxied(server(to("proxy"))), "HTTP_REDIRECT_LOOP", CONF, WEB, mended=False),
    )
)
