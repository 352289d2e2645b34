"""A userland proxy that looks like docker-proxy: it carries that name and takes its options.

    python relay.py -proto tcp|udp -host-ip A -host-port P -container-ip B -container-port Q

It accepts at A:P, opens a second connection to B:Q, and passes bytes (or datagrams) both ways. When the second
connection fails it closes the first, as docker-proxy does. One whose client is gone before it stands is given up, so
that its SYN is not sent again while something else is asked. It prints `ready` once it listens, and needs the
standard library only.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import select
import socket
import threading
from contextlib import suppress

PR_SET_NAME = 15
NAME = b"docker-proxy"


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Passes bytes on until the source ends, then tells the sink."""
    with suppress(OSError):
        while data := source.recv(4096):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def stands(backend: socket.socket, client: socket.socket, target: tuple[str, int]) -> bool:
    """Connects; False where that fails, or the client is gone before."""
    backend.setblocking(False)
    watched = select.poll()
    watched.register(client, select.POLLRDHUP)
    watched.register(backend, select.POLLOUT)
    if backend.connect_ex(target) not in (0, errno.EINPROGRESS):
        return False
    found = {place for place, _ in watched.poll()}
    backend.setblocking(True)
    return client.fileno() not in found and not backend.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def relay(client: socket.socket, target: tuple[str, int]) -> None:
    """One connection, to its end."""
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    with client, socket.socket(family, socket.SOCK_STREAM) as backend:
        if stands(backend, client, target):
            there = threading.Thread(target=pump, args=(client, backend), daemon=True)
            there.start()
            pump(backend, client)
            there.join()


def serve_tcp(server: socket.socket, target: tuple[str, int]) -> None:
    """Accepts for ever."""
    server.listen(16)
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        threading.Thread(target=relay, args=(client, target), daemon=True).start()


def serve_udp(server: socket.socket, target: tuple[str, int]) -> None:
    """Passes one datagram and its answer at a time."""
    print("ready", flush=True)
    while True:
        data, client = server.recvfrom(4096)
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as backend, suppress(OSError):
            backend.settimeout(1)
            backend.connect(target)
            backend.send(data)
            server.sendto(backend.recv(4096), client)


def main() -> None:
    options = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("proto", "host-ip", "host-port", "container-ip", "container-port"):
        options.add_argument(f"-{name}", required=True)
    said = options.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_NAME, NAME, 0, 0, 0)
    kind = socket.SOCK_STREAM if said.proto == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in said.host_ip else socket.AF_INET
    with socket.socket(family, kind) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # as docker-proxy, whose other instance has the port of IPv4
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((said.host_ip, int(said.host_port)))
        serve = serve_tcp if said.proto == "tcp" else serve_udp
        serve(server, (said.container_ip, int(said.container_port)))


if __name__ == "__main__":
    main()
