from dataclasses import replace
from ipaddress import ip_address

from engine.model.host import Gap, Netns, Snapshot
from engine.model.link import Address, BridgeOptions, BridgePort, Link, Peer
from tests.views.hosts import crowded_host, docker_host
from views.topology.fold import fold
from views.topology.graph import FORWARD_OFF, Fact, Kind, Scene, State
from views.topology.scene import scene
from views.topology.sift import sift


def with_links(base: Snapshot, netns: str, *links: Link) -> Snapshot:
    spaces = (replace(one, links=(*one.links, *links)) if one.id == netns else one for one in base.namespaces)
    return replace(base, namespaces=tuple(spaces))


def two_networks() -> Snapshot:
    """web has a second leg in the bridge br1."""
    bridge = Link(20, "br1", "bridge", bridge=BridgeOptions())
    port = Link(21, "vethb", "veth", peer=Peer("web", 3), master=20, port=BridgePort())
    base = with_links(docker_host(), "dh", bridge, port)
    return with_links(base, "web", Link(3, "eth1", "veth", peer=Peer("dh", 21)))


def ports(picture: Scene) -> list[str]:
    return [port.far.label for switch in picture.switches for port in switch.ports]


def test_a_docker_host_is_one_uplink_and_one_bridge_with_its_containers() -> None:
    found = scene(docker_host())
    assert [(one.near.label, one.far.label) for one in found.uplinks] == [("up0", "lan")]
    assert [one.bridge.label for one in found.switches if one.bridge] == ["docker0"]
    assert ports(found) == ["web", "db", "cache"]


def test_a_container_tells_what_listens_and_where_it_is_published() -> None:
    ends = {port.far.label: tuple(map(str, port.far.facts)) for port in scene(docker_host()).switches[0].ports}
    assert ends == {
        "web": (":8080→80 httpd",),
        "db": (":5432→127.0.0.1:5432 postgres",),
        "cache": (":6379 valkey",),
    }


def test_a_published_port_that_nobody_serves_says_so() -> None:
    base = docker_host()
    silent = replace(base, namespaces=tuple(replace(one, listeners=()) for one in base.namespaces))
    assert scene(silent).switches[0].ports[0].far.facts == (Fact(":8080→80 no listener", amiss=True),)


def test_sockets_that_could_not_be_read_are_no_missing_listener() -> None:
    base = docker_host(gaps=(Gap("sockets", "web", "not permitted"),))
    blind = replace(base, namespaces=tuple(replace(one, listeners=()) for one in base.namespaces))
    assert scene(blind).switches[0].ports[0].far.facts == (Fact(":8080→80 ?"),)


def test_the_bridge_shows_its_gateway_and_its_network() -> None:
    bridge = scene(docker_host()).switches[0].bridge
    assert bridge is not None
    assert (bridge.detail, bridge.facts) == ("172.17.0.1/16", (Fact("network bridge"),))


def test_a_link_without_carrier_is_down() -> None:
    base = docker_host()
    links = tuple(replace(link, carrier=link.name != "docker0") for link in base.host_netns.links)
    bridge = scene(replace(base, namespaces=(replace(base.host_netns, links=links), *base.namespaces[1:]))).switches[0]
    assert bridge.bridge is not None
    assert bridge.bridge.state is State.DOWN


def test_a_paused_container_is_down_and_says_why() -> None:
    base = docker_host()
    paused = replace(base, containers=(replace(base.containers[0], state="paused"), *base.containers[1:]))
    far = scene(paused).switches[0].ports[0].far
    assert (far.state, far.facts[0]) == (State.DOWN, Fact("paused", amiss=True))


def test_a_container_in_two_networks_is_drawn_in_both_and_names_the_other() -> None:
    found = scene(two_networks())
    assert ports(found) == ["web", "db", "cache", "web"]
    tags = [str(port.far.facts[-1]) for switch in found.switches for port in switch.ports if port.far.label == "web"]
    assert tags == ["⇄ br1", "⇄ docker0"]


def test_a_plain_device_leads_outside_by_its_gateway() -> None:
    base = with_links(docker_host(), "dh", Link(30, "eth9"))
    uplink = scene(base).uplinks[-1]
    assert (uplink.near.label, uplink.far.label, uplink.far.state) == ("eth9", "outside", State.UNKNOWN)


def test_a_spare_device_that_is_down_and_has_no_address_is_left_out() -> None:
    base = with_links(docker_host(), "dh", Link(31, "tunl0", "ipip", up=False, carrier=False))
    assert "tunl0" not in {one.near.label for one in scene(base).uplinks}
    host = replace(base.host_netns, addresses=(*base.host_netns.addresses, Address(31, ip_address("10.9.9.9"), 24)))
    addressed = replace(base, namespaces=(host, *base.namespaces[1:]))
    assert "tunl0" in {one.near.label for one in scene(addressed).uplinks}


def test_a_veth_to_a_container_without_a_bridge_hangs_at_the_host() -> None:
    base = with_links(docker_host(), "dh", Link(40, "cali1", "veth", peer=Peer("cache", 3)))
    base = with_links(base, "cache", Link(3, "eth1", "veth", peer=Peer("dh", 40)))
    direct = scene(base).switches[-1]
    assert direct.bridge is None
    assert [(port.near.label, port.far.label) for port in direct.ports] == [("cali1", "cache")]


def test_a_peer_in_a_namespace_that_was_not_seen_says_so() -> None:
    base = with_links(docker_host(), "dh", Link(41, "vethx", "veth", peer=Peer(None, 2)))
    assert scene(base).uplinks[-1].far.label == "not seen"


def test_links_past_the_host_are_listed_once() -> None:
    base = with_links(docker_host(), "lan", Link(9, "to-db", "veth", peer=Peer("db", 9)))
    base = with_links(base, "db", Link(9, "to-lan", "veth", peer=Peer("lan", 9)))
    assert [(one.near.label, one.far.label) for one in scene(base).elsewhere] == [("db to-lan", "lan")]


def test_both_ends_of_a_link_lead_to_its_node() -> None:
    found = scene(docker_host())
    assert found.devices[("dh", 5)] == found.devices[("web", 2)] == "dh/5"


def test_a_host_that_does_not_forward_says_so() -> None:
    base = docker_host()
    host = replace(base.host_netns, sysctls={"net.ipv4.ip_forward": 0})
    assert scene(replace(base, namespaces=(host, *base.namespaces[1:]))).host.facts == (FORWARD_OFF,)


def test_a_crowded_bridge_is_folded_and_counts_what_it_hides() -> None:
    folded = fold(scene(crowded_host(30)), 8)
    assert ports(folded) == [f"app{number:02}" for number in range(8)]
    assert folded.switches[0].hidden == 22


def test_folding_never_hides_what_is_selected_or_traced() -> None:
    full = scene(crowded_host(30))
    last = full.switches[0].ports[-1].far
    folded = fold(full, 8, frozenset({last.id}))
    assert ports(folded) == [*(f"app{number:02}" for number in range(7)), "app29"]
    assert folded.switches[0].hidden == 22


def test_an_opened_bridge_is_not_folded() -> None:
    assert len(ports(fold(scene(crowded_host(30)), 8, opened=frozenset({"dh/3"})))) == 30


def test_a_new_container_moves_none_of_the_others() -> None:
    assert ports(scene(crowded_host(4)))[:3] == ports(scene(crowded_host(3)))


def test_a_node_is_found_by_its_namespace() -> None:
    found = scene(docker_host())
    node = found.nodes[found.of_netns("web") or ""]
    assert (node.label, node.kind) == ("web", Kind.END)
    assert found.of_netns("dh") == found.host.id
    assert found.of_netns("nowhere") is None


def test_a_namespace_that_could_not_be_entered_is_not_one_without_links() -> None:
    base = docker_host(gaps=(Gap("namespace", "closed", "Operation not permitted"),))
    found = scene(replace(base, namespaces=(*base.namespaces, Netns("closed"), Netns("lonely"))))
    assert (found.alone, found.unread) == (("lonely",), ("closed",))


def test_a_lab_s_namespaces_are_named_without_the_lab() -> None:
    base = docker_host()
    renamed = {"dh": "demo-host", "lan": "demo-lan"}
    spaces = []
    for one in base.namespaces:
        links = tuple(
            replace(link, peer=replace(link.peer, netns=renamed.get(link.peer.netns or "", link.peer.netns)))
            if link.peer
            else link
            for link in one.links
        )
        spaces.append(replace(one, id=renamed.get(one.id, one.id), links=links))
    found = scene(replace(base, host="demo-host", namespaces=tuple(spaces)))
    assert (found.host.label, found.uplinks[0].far.label) == ("host", "lan")


def test_a_filter_leaves_the_ports_that_fit_and_the_host() -> None:
    full = scene(docker_host())
    left, count = sift(full, "valkey")
    assert ([port.far.label for one in left.switches for port in one.ports], count) == (["cache"], 1)
    others, count = sift(full, "!valkey")
    assert ([port.far.label for one in others.switches for port in one.ports], count) == (["web", "db"], 2)
    assert sift(full, "docker0")[1] == 3
    assert (left.host, left.uplinks) == (full.host, full.uplinks)


def test_a_container_of_compose_is_called_by_its_service_where_that_is_clear_and_found_by_its_name() -> None:
    base = docker_host()
    web, db, cache = base.containers
    composed = (
        replace(web, name="shop-web-1", project="shop", service="web"),
        replace(db, name="shop_db_2", project="shop", service="db"),
        replace(cache, name="shop-cache-of-mine", project="shop", service="cache"),
    )
    found = scene(replace(base, containers=composed))
    assert ports(found) == ["web", "db_2", "shop-cache-of-mine"]
    assert sift(found, "shop-web")[1] == 1
    twice = (composed[0], replace(db, name="blog-web-1", project="blog", service="web"), cache)
    assert ports(scene(replace(base, containers=twice))) == ["shop-web-1", "blog-web-1", "cache"]
