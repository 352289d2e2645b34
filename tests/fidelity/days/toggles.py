"""What can be so on the host of the scenario `published-nft`, or not: with the commands, and the words of its change.

The client in `lan` asks 10.77.0.1:8080, which leads to port 80 of `web` behind a bridge of the host.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.netns import Netns, World
from tests.harness.scenes import Scene
from tests.harness.servers import serve

GATEWAY, ADDRESS = "172.30.0.1", "172.30.0.2"
PUBLISHED = ("-m", "addrtype", "--dst-type", "LOCAL", "-p", "tcp", "-m", "tcp", "--dport", "8080")
TO_WEB = (*PUBLISHED, "-j", "DNAT", "--to-destination", f"{ADDRESS}:80")


@dataclass(frozen=True)
class Toggle:
    """Something that is so (`on`) or not; each way gives False where it changed nothing.

    `words` are in the change's words, or `also` in those of another one that is made with it; `decides`: it can change
    the answer; a recorder has to look for what is `looked_for`, of all else the kernel notifies.
    """

    words: str
    on: Callable[[], object]
    off: Callable[[], object]
    decides: bool = True
    looked_for: bool = False
    also: str = ""


class Web:
    """The server's namespace, in which one change takes others along."""

    def __init__(self, world: World, netns: Netns) -> None:
        self._world, self._netns = world, netns
        self._routed = True
        self._server: subprocess.Popen[str] | None = None

    def serve(self, on: bool) -> None:
        """Starts or ends the server."""
        if self._server is not None:
            self._world.stop(self._server)
        self._server = serve(self._world, self._netns, "web", "tcp/0.0.0.0/80") if on else None

    def link(self, state: str) -> None:
        """Sets the device up, with its route, or down, which takes the route away."""
        self._netns.ip(f"link set eth0 {state}")
        self._restore()

    def address(self, verb: str) -> None:
        """Adds the address, with the route that needs it, or deletes it."""
        self._netns.ip(f"address {verb} {ADDRESS}/24 dev eth0")
        self._restore()

    def route(self, on: bool) -> bool:
        """Adds or deletes the way back; says whether that can be, now."""
        self._routed = on
        before = self._netns.run("ip", "route", "show", "default")
        if not on:
            self._netns.run("ip", "route", "del", "default", check=False)
        self._restore()
        return self._netns.run("ip", "route", "show", "default") != before

    def _restore(self) -> None:
        if self._routed:
            self._netns.run("ip", "route", "replace", "default", "via", GATEWAY, check=False)


def toggles(world: World, scene: Scene) -> dict[str, Toggle]:
    """All of them, by name; nothing of it is so at the beginning, where the server has to be started."""
    host, lan = scene.netns["host"], scene.netns["lan"]
    web = Web(world, scene.netns["web"])
    web.serve(on=True)

    def rule(
        where: Netns, chain: str, *words: str, table: str = "filter"
    ) -> tuple[Callable[[], object], Callable[[], object]]:
        verb = "-A" if "REJECT" in words else "-I"  # what drops comes first, in whichever order they came
        return (
            lambda: where.run("iptables-nft", "-t", table, verb, chain, *words),
            lambda: where.run("iptables-nft", "-t", table, "-D", chain, *words),
        )

    def ip(where: Netns, on: str, off: str) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: where.ip(on), lambda: where.ip(off)

    def added(what: str, words: str) -> tuple[str, str]:
        return f"{what} add {words}", f"{what} del {words}"

    def sysctl(name: str, on: int, off: int) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: host.sysctl(name, on), lambda: host.sysctl(name, off)

    table = "add table inet spell; add chain inet spell f { type filter hook forward priority 5; }; "
    native = table + "add rule inet spell f tcp dport 80 drop"

    def held(work: Callable[[str], object], off: str, on: str) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: work(off), lambda: work(on)

    def nft(undo: str) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: host.run("nft", native), lambda: host.run("nft", undo)

    published = rule(host, "PREROUTING", *TO_WEB, table="nat")
    return {
        "drop": Toggle("--dport 80 -j DROP", *rule(host, "FORWARD", *["-p", "tcp", "--dport", "80", "-j", "DROP"])),
        "reject": Toggle("-j REJECT", *rule(host, "FORWARD", *f"-d {ADDRESS} -p tcp -j REJECT".split())),
        "native": Toggle("inet spell", *nft("delete table inet spell")),
        "unpublished": Toggle("--dport 8080 -j DNAT", *reversed(published)),
        "blackhole": Toggle("blackhole", *ip(host, f"route add blackhole {ADDRESS}/32", f"route del {ADDRESS}/32")),
        "port": Toggle("link v1", *ip(host, "link set v1 down", "link set v1 up")),
        "forwarding": Toggle("net.ipv4.ip_forward", *sysctl("net.ipv4.ip_forward", 0, 1)),
        "inside": Toggle("link eth0", *held(web.link, "down", "up"), also="route default"),
        "address": Toggle(f"address {ADDRESS}/24", *held(web.address, "del", "add"), also="route default"),
        "route": Toggle("route default", lambda: web.route(on=False), lambda: web.route(on=True)),
        "server": Toggle("listener", lambda: web.serve(on=False), lambda: web.serve(on=True), looked_for=True),
        "elsewhere": Toggle("10.99.0.0/16", *ip(host, *added("route", "10.99.0.0/16 via 10.77.0.2")), decides=False),
        "counter": Toggle("-s 10.0.0.0/8", *rule(host, "INPUT", "-s", "10.0.0.0/8"), decides=False),
        "spare": Toggle("10.98.0.1/32", *ip(lan, *added("address", "10.98.0.1/32 dev lo")), decides=False),
        "policy": Toggle("to 10.97.0.0/16", *ip(host, *added("rule", "to 10.97.0.0/16 table 97")), decides=False),
    }  # fmt: skip
