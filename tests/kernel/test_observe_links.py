"""Ports, forwarding entries, stacked devices and programs on links, against what ip, bridge and tc print."""

from __future__ import annotations

import ctypes
import json
import os
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.model.link import Link, Program
from engine.observe.netlink.client import Netlink
from engine.observe.netlink.tcx_programs import CALLS
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World
from tests.kernel.looks import inside, stack_of

require("ip", "bridge", "tc", "nsenter", root=True)

#: bridge(8)'s name of each setting of a port.
PORT = {
    "isolated": "isolated",
    "hairpin": "hairpin",
    "learning": "learning",
    "flood": "flood",
    "guard": "guard",
    "multicast_flood": "mcast_flood",
    "broadcast_flood": "bcast_flood",
    "neigh_suppress": "neigh_suppress",
    "proxy_arp": "proxy_arp",
    "locked": "locked",
    "vlan_tunnel": "vlan_tunnel",
}


@pytest.fixture(scope="module")
def box() -> Iterator[Netns]:
    """A bridge with two ports of opposite settings, and devices over one that is no port."""
    with World() as world:
        here, there = world.netns("box"), world.netns("far")
        world.bridge(here, "br0", "10.2.0.1/24")
        for port in ("p0", "p1", "a0"):
            world.veth(End(here, port), End(there, f"far-{port}"))
        here.address("a0", "10.1.0.1/24")
        for port in ("p0", "p1"):
            here.ip(f"link set {port} master br0")
        here.run(
            "bridge",
            *[
                "link",
                "set",
                "dev",
                "p0",
                "learning",
                "off",
                "flood",
                "off",
                "mcast_flood",
                "off",
                "bcast_flood",
                "off",
            ],
        )
        here.run(
            "bridge",
            *[
                "link",
                "set",
                "dev",
                "p0",
                "neigh_suppress",
                "on",
                "locked",
                "on",
                "isolated",
                "on",
                "backup_port",
                "p1",
            ],
        )
        here.run("bridge", *["link", "set", "dev", "p1", "hairpin", "on", "guard", "on"])
        here.ip("link add vx0 type vxlan id 42 remote 10.1.0.9 local 10.1.0.1 dstport 4789 dev a0 l2miss ttl 7")
        here.ip("link set vx0 master br0 up")
        here.ip("link add mv0 link a0 type macvlan mode private")
        here.run("ip", *["tuntap", "add", "dev", "tap0", "mode", "tap", "user", "7"])
        here.run("bridge", *["fdb", "add", "02:00:00:00:00:01", "dev", "p1", "master", "static"])
        here.run("bridge", *["fdb", "add", "02:00:00:00:00:02", "dev", "p1", "master", "extern_learn"])
        here.run(
            "bridge",
            *[
                "fdb",
                "append",
                "02:00:00:00:00:03",
                "dev",
                "vx0",
                "dst",
                "10.1.0.8",
                "vni",
                "43",
                "port",
                "4790",
                "via",
                "a0",
            ],
        )
        yield here


def links(netns: Netns) -> dict[str, Link]:
    return {each.link.name: each.link for each in stack_of(netns).links}


def rows(netns: Netns, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(netns.run(*words) or "[]")
    return found


@pytest.mark.parametrize("name", ["p0", "p1", "vx0"])
def test_a_port_has_the_settings_that_bridge_prints(box: Netns, name: str) -> None:
    (row,) = rows(box, "bridge", "-j", "-d", "link", "show", "dev", name)
    port = links(box)[name].port
    assert port is not None
    assert port.state == row["state"]
    assert {key: getattr(port, key) for key in PORT} == {key: row.get(word, False) for key, word in PORT.items()}
    assert port.backup == (links(box)["p1"].index if name == "p0" else None)


def test_the_bridge_itself_has_its_options(box: Netns) -> None:
    (row,) = box.ip_json("-d link show br0")
    data = row["linkinfo"]["info_data"]
    options = links(box)["br0"].bridge
    assert options is not None
    assert options.vlan_filtering == bool(data["vlan_filtering"])
    assert options.multicast_snooping == bool(data["mcast_snooping"])
    assert options.vlan_protocol == data.get("vlan_protocol", "802.1Q")


def test_forwarding_entries_are_those_that_bridge_prints(box: Netns) -> None:
    names = {link.index: name for name, link in links(box).items()}
    shown = {
        (row["mac"], row["ifname"], row.get("dst"), row.get("vni"), row.get("port"), row.get("viaIf"))
        for row in rows(box, "bridge", "-j", "fdb", "show")
        if "master" in row or "dst" in row
    }
    found = {
        (
            entry.mac,
            names[entry.link],
            str(entry.destination) if entry.destination else None,
            entry.vni,
            entry.port,
            names[entry.via] if entry.via else None,
        )
        for entry in stack_of(box).fdb
    }
    assert found == shown
    flags = {entry.mac: entry.flags for entry in stack_of(box).fdb}
    assert flags["02:00:00:00:00:01"] == {"static"}
    assert flags["02:00:00:00:00:02"] == {"extern_learn"}


def test_a_vxlan_has_its_parameters(box: Netns) -> None:
    (row,) = box.ip_json("-d link show vx0")
    data, link = row["linkinfo"]["info_data"], links(box)["vx0"]
    assert link.parent == links(box)[data["link"]].index
    assert (link.detail["id"], link.detail["remote"], link.detail["local"]) == ("42", data["remote"], data["local"])
    assert (link.detail["dstport"], link.detail["ttl"]) == (str(data["port"]), str(data["ttl"]))
    low, high = data["port_range"]["low"], data["port_range"]["high"]
    assert link.detail["srcport"] == f"{low}-{high}"
    assert (link.detail["l2miss"], link.detail["l3miss"]) == ("1", "0")


def test_a_macvlan_has_its_mode_and_a_tap_its_owner(box: Netns) -> None:
    found = links(box)
    (row,) = box.ip_json("-d link show mv0")
    assert found["mv0"].detail["mode"] == row["linkinfo"]["info_data"]["mode"] == "private"
    assert found["mv0"].parent == found["a0"].index
    assert (found["tap0"].kind, found["tap0"].detail["type"], found["tap0"].detail["user"]) == ("tun", "tap", "7")


def test_classifiers_are_noted_with_their_hook(box: Netns) -> None:
    assert links(box)["a0"].programs == ()
    box.run("tc", "qdisc", "add", "dev", "a0", "clsact")
    try:
        assert links(box)["a0"].programs == ()
        box.run("tc", *["filter", "add", "dev", "a0", "ingress", "bpf", "bytecode"], "1,6 0 0 4294967295")
        box.run("tc", *["filter", "add", "dev", "a0", "egress", "bpf", "bytecode"], "1,6 0 0 4294967295")
        assert links(box)["a0"].programs == (Program("ingress", "bpf"), Program("egress", "bpf"))
    finally:
        box.run("tc", "qdisc", "delete", "dev", "a0", "clsact")


LOAD, ATTACH, DETACH = 5, 8, 9
XDP, CLASSIFIER = 6, 3
XDP_PASS, TCX_NEXT = 2, -1


def bpf(command: int, request: bytes) -> int:
    """bpf(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    done: int = libc.syscall(CALLS[os.uname().machine], command, ctypes.create_string_buffer(request, 128), 128)
    if done < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return done


@contextmanager
def program(kind: int, answer: int) -> Iterator[tuple[int, int]]:
    """The descriptor and the number of a BPF program with one answer for every packet: `r0 = ANSWER; exit`."""
    code = struct.pack("=BBhi", 0xB7, 0, 0, answer) + struct.pack("=BBhi", 0x95, 0, 0, 0)
    words, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    request = struct.pack("=IIQQIIQ", kind, 2, ctypes.addressof(words), ctypes.addressof(licence), 0, 0, 0)
    try:
        descriptor = bpf(LOAD, request)
    except OSError as error:
        pytest.skip(f"this kernel loads no BPF program: {error}")
    try:
        information = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
        yield descriptor, next(int(line.split()[1]) for line in information.splitlines() if line.startswith("prog_id"))
    finally:
        os.close(descriptor)


def attach_xdp(index: int, descriptor: int) -> None:
    """RTM_SETLINK with IFLA_XDP: the generic mode, so that any device takes it."""
    inner = struct.pack("=HHi", 8, 1, descriptor) + struct.pack("=HHI", 8, 3, 2)
    body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + struct.pack("=HH", 4 + len(inner), 43 | 0x8000) + inner
    with closing(Netlink()) as netlink:
        netlink._send(19, 0x1 | 0x4, body)
        netlink._receive()


def test_an_xdp_program_is_noted_with_its_number(box: Netns) -> None:
    index = links(box)["a0"].index
    with program(XDP, XDP_PASS) as (descriptor, number):
        inside(box, lambda: attach_xdp(index, descriptor))
        try:
            assert links(box)["a0"].programs == (Program("xdp", "generic", number=number),)
        finally:
            box.ip("link set dev a0 xdpgeneric off")


def test_programs_of_tcx_are_noted_with_their_hook_and_number(box: Netns) -> None:
    index = links(box)["a0"].index
    with program(CLASSIFIER, TCX_NEXT) as (descriptor, number):
        requests = [struct.pack("=III", index, descriptor, kind) for kind in (46, 47)]  # BPF_TCX_INGRESS and _EGRESS
        inside(box, lambda: [bpf(ATTACH, request) for request in requests])
        try:
            found = links(box)
        finally:
            inside(box, lambda: [bpf(DETACH, request) for request in requests])
    assert found["a0"].programs == (Program("ingress", "tcx", number=number), Program("egress", "tcx", number=number))
    assert found["p0"].programs == links(box)["a0"].programs == ()
