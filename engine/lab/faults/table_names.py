"""Faults of names: what a neighbour of the service asks for it by, and what becomes of the question. Data only.

`asks` is `NODE TARGET`: another question than that for the published port. {server} is what the neighbour's
resolv.conf names, {near} its namespace, {service} the name of the service, {web} its namespace. {moved} is the
neighbour's address, where the service is a proxy that has it in its hosts file.
"""

from __future__ import annotations

from engine.lab.faults.table import Fault, fault

NAMES_HINT = ("The network is fine.", "Look at the name: who is asked for it, and what the answer is.")
BY_NAME = "near http://{service}:{port}/"
HOSTS, RESOLV = "/etc/netns/{near}/hosts", "/etc/netns/{near}/resolv.conf"
SWITCH = "/etc/netns/{near}/nsswitch.conf"


def _server(address: str) -> str:
    """resolv.conf names that server."""
    return f"near: {_named(address)} ~ {_named('{server}')}"


def _named(address: str) -> str:
    return f"sed -i 's/^nameserver .*/nameserver {address}/' {RESOLV}"


NAMES: tuple[Fault, ...] = (
    fault(
        "name-in-hosts",
        "NAME_SHADOWED_BY_HOSTS",
        """Somebody wrote the service's address into a hosts file, long ago. The service has moved since; the hosts file
        is looked at first.""",
        f"near: sed -i '1i {{unused}} {{service}}' {HOSTS} ~ sed -i '/^{{unused}} {{service}}$/d' {HOSTS}",
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "name-service-off",
        "NAME_NOT_FOUND",
        """An image was made smaller, and its nsswitch.conf names the files alone: no server is asked for any name.""",
        f"near: sh -c 'echo hosts: files > {SWITCH}' ~ rm -f {SWITCH}",
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "resolver-dropped",
        "NAME_RESOLVER_UNREACHABLE",
        """A hardening script lets only web traffic out of the container, and forgot port 53.""",
        "near: iptables -A OUTPUT -p udp -m udp --dport 53 -j DROP",
        "near: iptables -A OUTPUT -p tcp -m tcp --dport 53 -j DROP",
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "resolver-rejected",
        "NAME_RESOLVER_UNREACHABLE",
        """The same script with REJECT: the look-up fails at once, which looks like a wrong name.""",
        "near: iptables -A OUTPUT -p udp -m udp --dport 53 -j REJECT --reject-with icmp-port-unreachable",
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "resolver-gone",
        "NAME_RESOLVER_UNREACHABLE",
        """resolv.conf names a server that was taken down last year.""",
        _server("{unused}"),
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "resolver-of-the-host",
        "NAME_RESOLVER_LOOPBACK",
        """The host's resolv.conf was mounted into the container. It names 127.0.0.53, where a resolver listens on the
        host: in the container nothing does.""",
        _server("127.0.0.53"),
        asks=BY_NAME,
        hints=NAMES_HINT,
    ),
    fault(
        "upstream-moved",
        "NAME_STALE_UPSTREAM",
        """The container behind the proxy was made again and has another address. The name leads there; the proxy looked
        it up when it started.""",
        "near: ip address del {moved}/{prefix} dev eth0"
        " ~ sh -c 'ip address add {moved}/{prefix} dev eth0 && ip route replace default via {gateway}'",
        "near: ip address add {unused}/{prefix} dev eth0 ~ ip address del {unused}/{prefix} dev eth0",
        "near: ip route replace default via {gateway} ~ -",
        "web: sed -i 's/^{moved}\t/{unused}\t/' /etc/netns/{web}/hosts"
        " ~ sed -i 's/^{unused}\t/{moved}\t/' /etc/netns/{web}/hosts",
        asks="lan http://{host}:{hport}/",
        hints=("The proxy answers by itself.", "Look at the address that it asks."),
    ),
    fault(
        "published-port-inside",
        "NAME_PUBLISHED_PORT_USED_INSIDE",
        """A neighbour asks for the service by its name and its published port. That port is one of the host: inside the
        network the container's own counts.""",
        asks="near http://{service}:{hport}/",
        hints=NAMES_HINT,
    ),
    fault(
        "localhost-inside",
        "NAME_LOCALHOST_IS_ITSELF",
        """The application's configuration says localhost, as on the developer's machine. In a container that is the
        container itself.""",
        asks="near http://localhost:{port}/",
        hints=NAMES_HINT,
    ),
    fault(
        "host-without-name",
        "NAME_HOST_GATEWAY_ABSENT",
        """The compose file came from a desktop, where host.docker.internal is always there. On Linux a container has
        that name only when it asks for it (extra_hosts).""",
        asks="near http://host.docker.internal:{hport}/",
        hints=NAMES_HINT,
    ),
)
