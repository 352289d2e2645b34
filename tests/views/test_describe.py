"""The pages about a container, a bridge, a namespace and the host, on a recorded Docker host."""

from dataclasses import replace

import pytest

from engine.explain.board import board
from engine.model.host import Gap, Snapshot
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.hosts.named import proxied, server, to
from views.describe.container import container_lines
from views.describe.device import device_lines
from views.describe.namespace import namespace_lines
from views.describe.page import MOST, Facts
from views.text import Line, cells

RULE = Ref(RefKind.RULE, "shop-host", (), "nat/DOCKER 4", "-A DOCKER -p tcp --dport 8080 -j DNAT")


def shop() -> Snapshot:
    return open_file(SHOP)


def words(lines: list[Line]) -> str:
    return "\n".join(line.words for line in lines)


def container(name: str, snapshot: Snapshot | None = None, facts: Facts | None = None, width: int = 100) -> str:
    host = snapshot or shop()
    return words(container_lines(host, host.by_id[f"shop-{name}"], facts or Facts(), width))


def test_a_container_has_what_its_engine_says_and_what_its_namespace_holds() -> None:
    shown = container("api")
    for part in (
        "● api  container · running",
        "compose         project shop · api",
        "back            172.19.0.2  gateway 172.19.0.1  bridge br-back",
        "127.0.0.1:8000  → 8000/tcp  for the host alone",
        "eth1            172.18.0.3/16  ⇄ veth5e6bf20 in shop-host",
        "default via 172.19.0.1 dev eth0",
        "[::]:8000/tcp   portscope-serve (pid ",
    ):
        assert part in shown, part
    assert "fe80" not in shown


def test_who_reaches_it_and_the_rules_that_name_it_are_there() -> None:
    host = shop()
    rows = board(host, owners={"web"})
    assert {row.port.owner for row in rows} == {"web"}
    shown = container("web", host, Facts((RULE,), rows, ("db",)))
    assert ":8080 → web:80   ✗ LAN  ✓ host  ✓ containers" in shown
    assert "LAN: rule 1 of filter/DOCKER-USER in shop-host drops" in shown
    assert "nat/DOCKER 4  -A DOCKER -p tcp --dport 8080 -j DNAT" in shown
    assert "db is cut off" in shown


def test_what_is_amiss_is_seen() -> None:
    host = shop()
    there = host.by_id["shop-docs"]
    listener = there.listeners[0]
    assert listener.process is not None
    stopped = replace(listener, process=replace(listener.process, state="T"))
    dead = replace(
        there, listeners=(stopped,), links=tuple(replace(each, up=each.kind == "loopback") for each in there.links)
    )
    shown = container("docs", replace(host.with_netns(dead), gaps=(Gap("sockets", "shop-docs", "no permission"),)))
    assert "), stopped" in shown
    assert "  down  " in shown
    assert "sockets       no permission" in shown


def test_a_bridge_has_its_network_ports_and_routes() -> None:
    host = shop()
    link = host.host_netns.links_by_name["br-front"]
    shown = words(device_lines(host, host.host_netns, link, Facts(), 100))
    for part in ("front  bridge in shop-host · up", "driver", "→ web", "→ api", "→ docs", "172.18.0.0/16 dev br-front"):
        assert part in shown, part
    assert "→ db" not in shown


def test_the_host_has_its_devices_firewall_and_settings() -> None:
    host = shop()
    shown = words(namespace_lines(host, host.host_netns, Facts(), 100))
    for part in (
        "shop-host  host",
        "kernel",
        "xt-nft",
        "rules of docker",
        "net.ipv4.ip_forward = 1",
        "port of br-back",
    ):
        assert part in shown, part


@pytest.mark.parametrize("width", [30, 60, 120])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    host = shop()
    pages = [
        container_lines(host, host.by_id["shop-api"], Facts(board=board(host, owners={"api"})), width),
        namespace_lines(host, host.host_netns, Facts((RULE,)), width),
        device_lines(host, host.host_netns, host.host_netns.links_by_name["br-back"], Facts(), width),
    ]
    assert max(cells(line.words) for page in pages for line in page) <= width


def test_many_rows_are_counted() -> None:
    host = shop()
    there = host.host_netns
    many = replace(there, links=(*there.links, *(Link(1000 + number, f"x{number}") for number in range(MOST))))
    shown = words(namespace_lines(host.with_netns(many), many, Facts(), 100))
    assert f"… {len(many.links) - 1 - MOST} more" in shown


def test_a_proxy_has_the_servers_that_its_sites_pass_on_to() -> None:
    host = proxied(server(to("web:81")))
    shown = words(container_lines(host, host.by_id["proxy"], Facts(), 100))
    assert "Passes on" in shown
    assert "/ → web:81  (/etc/nginx/nginx.conf:3)" in shown
