"""Ways in which a Docker host is broken, as a table: what is done to it, what a client sees, what the answer must name.

Each `Break` starts from the healthy host: `web` is run with `options` and `command`, then `make` breaks something
as an administrator, a program or an accident would. `symptom` is what a real client at `vantage` sees (the test
asks one, so the table cannot lie), `code` and `at` are the first cause and a part of where it sits. `owner` is what
the owner of the application does where a fix is not a command. A symptom of `connected` is a host that only looks
broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.engines.docker import HOST_ADDRESS, HTTPD, LAN_ADDRESS, Container, DockerHost
from tests.harness.netns import Netns

PUBLISH = ("-p", "8080:80")
WEB_ADDRESS = "172.17.0.2"
NOBODY = "172.17.0.99"


#: Something that is done to a healthy host (with the container `web`).
Make = Callable[[DockerHost, Container], None]


@dataclass(frozen=True)
class Vantage:
    """From where, and for what: `source` is lan, host, or the name of a container."""

    source: str
    address: str = HOST_ADDRESS
    port: int = 8080
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.source}→{self.address}:{self.port}/{self.protocol}"


LAN = Vantage("lan")
HOST = Vantage("host")
LOCALHOST = Vantage("host", "127.0.0.1")
HOST_DIRECT = Vantage("host", WEB_ADDRESS, 80)
CLIENT = Vantage("client")
CLIENT_DIRECT = Vantage("client", WEB_ADDRESS, 80)
FAR = Vantage("far")
FAR_DIRECT = Vantage("far", WEB_ADDRESS, 80)
ITSELF = Vantage("web")
#: Every place from which people try a published port. `client` shares web's bridge, `far` is on another network.
EVERYWHERE = (LAN, HOST, LOCALHOST, HOST_DIRECT, CLIENT, CLIENT_DIRECT, FAR, FAR_DIRECT, ITSELF)


def nothing(host: DockerHost, web: Container) -> None:
    """Leaves the host as it is."""


@dataclass(frozen=True)
class Break:
    """One row of the table."""

    name: str
    symptom: str
    code: str = ""
    at: str = ""
    make: Make = nothing
    options: tuple[str, ...] = PUBLISH
    command: tuple[str, ...] = HTTPD
    vantage: Vantage = LAN
    owner: Make | None = None

    def __str__(self) -> str:
        return self.name


# -- small words for the table ------------------------------------------------------------------------------


def sh(*lines: str) -> Make:
    """Command lines in the host's namespace."""

    def make(host: DockerHost, web: Container) -> None:
        for line in lines:
            host.host.run(*line.split())

    return make


def in_lan(*lines: str) -> Make:
    """Command lines in the LAN's namespace."""

    def make(host: DockerHost, web: Container) -> None:
        for line in lines:
            host.lan.run(*line.split())

    return make


def inside(*lines: str) -> Make:
    """Command lines in web's namespace."""

    def make(host: DockerHost, web: Container) -> None:
        for line in lines:
            web.netns.run(*line.split())

    return make


def docker(*lines: str) -> Make:
    """Commands of the engine's client."""

    def make(host: DockerHost, web: Container) -> None:
        for line in lines:
            host.docker(*line.split())

    return make


def nft_chain(family: str, table: str, base: str, rule: str, declared: str = "") -> Make:
    """A native nftables table with one base chain of one rule; `declared` are sets of the table."""

    def make(host: DockerHost, web: Container) -> None:
        script = f"table {family} {table} {{\n{declared}\nchain c {{\n{base};\n{rule};\n}}\n}}\n"
        host.host.run("nft", "-f", "-", stdin=script)

    return make


def nft_device_chain(hook: str, device: str, rule: str) -> Make:
    """A native nftables chain at the ingress or egress hook of one device."""
    return nft_chain("netdev", "guard", f'type filter hook {hook} device "{device}" priority 0', rule)


def in_order(*makes: Make) -> Make:
    """One after the other."""

    def make(host: DockerHost, web: Container) -> None:
        for each in makes:
            each(host, web)

    return make


def port_of(host: DockerHost, web: Container) -> str:
    """The host's end of web's veth pair."""
    index = next(link["link_index"] for link in web.netns.ip_json("link show eth0"))
    return str(next(link["ifname"] for link in host.host.ip_json("link show") if link["ifindex"] == index))


def veth(words: str) -> Make:
    """`ip link set VETH WORDS` for the host's end of web's veth pair."""

    def make(host: DockerHost, web: Container) -> None:
        host.host.ip(f"link set {port_of(host, web)} {words}")

    return make


def serve_on_host(spec: str) -> Make:
    """A server of the host's own, outside of any container."""

    def make(host: DockerHost, web: Container) -> None:
        host.serve(host.host, "local", spec)

    return make


def serve_inside(spec: str) -> Make:
    """A server of ours in web's namespace, beside its httpd."""

    def make(host: DockerHost, web: Container) -> None:
        host.serve(web.netns, "web", spec)

    return make


def stop_servers(host: DockerHost, web: Container) -> None:
    """Ends the servers of ours."""
    host.stop_servers()


def udp_app(address: str) -> Make:
    """A UDP server at port 53 in web's namespace."""
    return serve_inside(f"udp/{address}/53")


def lan_app(host: DockerHost, web: Container) -> None:
    """A server in the LAN that containers connect to."""
    host.serve(host.lan, "lan", f"tcp/{LAN_ADDRESS}/9000")


def run_again(*options: str, command: tuple[str, ...] = HTTPD) -> Make:
    """The owner replaces the container by one that does it right."""

    def owner(host: DockerHost, web: Container) -> None:
        host.remove("web")
        host.container("web", *(options or PUBLISH), command=command)

    return owner


def kill_proxies(host: DockerHost, web: Container) -> None:
    """docker-proxy dies."""
    host.kill_proxies()


def asymmetric(rp_filter: int) -> Make:
    """The client's address is routed elsewhere than where its packets come from."""
    return in_order(
        in_lan("ip address add 10.88.0.2/32 dev eth0", f"ip route add {HOST_ADDRESS} dev eth0 src 10.88.0.2"),
        sh("ip route add 10.88.0.0/24 dev docker0", f"sysctl -qw net.ipv4.conf.up0.rp_filter={rp_filter}"),
    )


def knows_neighbour(host: DockerHost, web: Container) -> None:
    """The client has the host's link address already, and need not ask for it."""
    mac = host.host.ip_json("link show up0")[0]["address"]
    host.lan.ip(f"neigh replace {HOST_ADDRESS} lladdr {mac} dev eth0 nud permanent")


SLEEP = ("/bin/sleep", "1000")
LOOPBACK_HTTPD = ("/bin/httpd", "-f", "-p", "127.0.0.1:80")
DNAT = "DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination"
#: Engines add rules to the chain for each network, so that the rule is named by what it says.
STALE_DNAT = (f"iptables -t nat -D {DNAT} {WEB_ADDRESS}:80", f"iptables -t nat -A {DNAT} {NOBODY}:80")
STALE_ACCEPT = f"iptables -R DOCKER 1 -d {NOBODY} ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT"
DROP = "iptables -I DOCKER-USER -j DROP"

#: The seven that the tool exists for.
SEVEN = (
    Break("docker-user-drop", "timeout", "FW_RULE_DROP", "DOCKER-USER #0", sh(DROP)),
    Break(
        "app-on-loopback",
        "refused",
        "DST_LISTEN_LOOPBACK_ONLY",
        "127.0.0.1:80",
        command=LOOPBACK_HTTPD,
        owner=run_again(),
    ),
    Break("nothing-listens", "refused", "DST_NO_LISTENER", command=SLEEP, owner=run_again()),
    Break(
        "no-forwarding", "timeout", "HOST_IP_FORWARD_OFF", "net.ipv4.ip_forward", sh("sysctl -qw net.ipv4.ip_forward=0")
    ),
    Break("no-default-route", "timeout", "RET_NO_ROUTE_BACK", make=inside("ip route del default")),
    Break("not-published", "refused", "NAT_NOT_PUBLISHED", options=("--label", "x=y"), vantage=Vantage("lan", port=80)),
    Break("stale-dnat", "timeout", "NAT_DNAT_STALE_TARGET", "DOCKER #1", sh(*STALE_DNAT)),
)


def source_of(host: DockerHost, label: str) -> Netns:
    """The namespace of a vantage point."""
    return {"lan": host.lan, "host": host.host}.get(label) or host.inspect(label).netns
