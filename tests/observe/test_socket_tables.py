import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.traffic import Listener, Process, Relay
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.sockets import TRANSPARENT, parse_diag, parse_proc, with_processes
from engine.observe.proc.processes import Holder
from engine.observe.proc.relays import program_of

TCP, UDP, V4, V6 = Protocol.TCP, Protocol.UDP, Family.INET, Family.INET6


def diag(
    address: str, port: int, *, v6only: int | None = None, device: int = 0, queues: tuple[int, int] = (0, 0)
) -> bytes:
    packed = (IPv6Address(address) if ":" in address else IPv4Address(address)).packed.ljust(16, b"\0")
    body = struct.pack("=BBBB", 10 if ":" in address else 2, 10, 0, 0)
    body += port.to_bytes(2, "big") + bytes(2) + packed + bytes(16) + struct.pack("=I", device) + bytes(8)
    body += struct.pack("=IIIII", 0, *queues, 1000, 4711)
    body += struct.pack("=HHB3x", 5, 8, 7)  # INET_DIAG_SHUTDOWN comes before
    return body + (struct.pack("=HHB3x", 5, 11, v6only) if v6only is not None else b"")


def test_a_tcp_listener_has_queue_backlog_user_and_inode() -> None:
    found = parse_diag(diag("10.0.0.1", 80, queues=(3, 128)), TCP, V4)
    assert found == Listener(TCP, V4, IPv4Address("10.0.0.1"), 80, queued=3, backlog=128, inode=4711, uid=1000)


def test_queues_of_a_udp_socket_are_not_accept_queues() -> None:
    found = parse_diag(diag("10.0.0.1", 53, queues=(3, 128)), UDP, V4)
    assert (found.queued, found.backlog) == (0, 0)


def test_unspecified_addresses_are_wildcards_and_v6only_is_told() -> None:
    assert parse_diag(diag("0.0.0.0", 80), TCP, V4).address is None
    dual, single = parse_diag(diag("::", 80, v6only=0), TCP, V6), parse_diag(diag("::", 80, v6only=1), TCP, V6)
    assert (dual.address, dual.v6only) == (None, False)
    assert (single.address, single.v6only) == (None, True)


def test_a_transparent_socket_is_told_by_a_bit_of_its_options() -> None:
    def options(first: int) -> bytes:
        return diag("0.0.0.0", 80) + struct.pack("=HHBB2x", 6, 22, first, 0)

    assert parse_diag(options(TRANSPARENT), TCP, V4).transparent is True
    assert parse_diag(options(0xFF & ~TRANSPARENT), TCP, V4).transparent is False
    assert parse_diag(diag("0.0.0.0", 80), TCP, V4).transparent is None


def test_a_bound_device_is_its_index() -> None:
    assert parse_diag(diag("0.0.0.0", 80, device=7), TCP, V4).device == 7
    assert parse_diag(diag("0.0.0.0", 80), TCP, V4).device is None


def test_a_mapped_address_takes_ipv4_only() -> None:
    found = parse_diag(diag("::ffff:10.0.0.1", 80, v6only=0), TCP, V6)
    assert (found.family, found.address) == (V4, IPv4Address("10.0.0.1"))


@given(st.binary(max_size=120), st.sampled_from([TCP, UDP]), st.sampled_from([V4, V6]))
def test_damaged_messages_raise_one_error(body: bytes, protocol: Protocol, family: Family) -> None:
    try:
        parse_diag(body, protocol, family)
    except NetlinkError:
        return


TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 100 0 0 10 0
"""
ANY6 = "0" * 32
LOOPBACK6 = "00000000000000000000000001000000"
REST = "00000000:00000000 00:00000000 00000000     0        0"
UDP6_TABLE = f"""\
  sl  local_address  remote_address  st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   9: {ANY6}:0035 {ANY6}:0000 07 {REST} 99 2 0 0
  10: {LOOPBACK6}:0035 {LOOPBACK6}:1000 01 {REST} 98 2 0 0
"""


def test_proc_tables_show_listeners_and_not_connections() -> None:
    assert parse_proc(TCP_TABLE.splitlines(), TCP, V4) == [
        Listener(TCP, V4, IPv4Address("127.0.0.1"), 8080, inode=4711, uid=1000)
    ]
    assert parse_proc(UDP6_TABLE.splitlines(), UDP, V6) == [Listener(UDP, V6, None, 53, inode=99, uid=0)]


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_is_a_proc_table_without_rows_or_with(lines: list[str]) -> None:
    for found in parse_proc(lines, TCP, V4):
        assert isinstance(found, Listener)


def held_by(name: str, *words: str) -> Holder:
    return Holder(Process(5, name), program_of(name, words))


LISTENER = Listener(TCP, V4, None, 8080, inode=1)


def test_a_listener_gets_the_process_that_holds_its_inode() -> None:
    (found,) = with_processes([LISTENER], {1: held_by("nginx"), 2: held_by("other")})
    assert found.process == Process(5, "nginx")
    assert with_processes([LISTENER], {}) == (LISTENER,)


def test_docker_proxy_passes_on_to_the_container() -> None:
    words = ["docker-proxy", "-host-port", "8080", "-container-ip", "172.17.0.2", "-container-port", "80"]
    (found,) = with_processes([LISTENER], {1: held_by("docker-proxy", *words)})
    assert found.process is not None
    assert found.process.relay == Relay("docker-proxy", IPv4Address("172.17.0.2"), 80)


@pytest.mark.parametrize(("published", "relay"), [({(TCP, 8080)}, Relay("dockerd")), ({(TCP, 9000)}, None)])
def test_dockerd_holds_published_ports_silently_and_answers_on_its_own(
    published: set[tuple[Protocol, int]], relay: Relay | None
) -> None:
    (found,) = with_processes([LISTENER], {1: held_by("dockerd")}, published)
    assert found.process is not None
    assert found.process.relay == relay
