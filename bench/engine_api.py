"""A process that answers like dockerd, and like it holds the sockets of the name servers inside the containers.

    python -m bench.engine_api SOCKET FILE

FILE has {"answers": {resource: document}, "resolvers": [namespace file, …]}; SOCKET is made in the folder of FILE.
Prints `ready`, its pid and the ports of the name servers once it listens. At SIGUSR1 the first container is paused, or
goes on, and whoever asked for events hears of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from engine.observe.base.namespaces import NetnsRef, apart, enter
from tests.observe.fake_engine import as_http

#: The address at which Docker's own name server listens in a container of a user-defined network.
RESOLVER = "127.0.0.11"
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def resolvers(paths: list[str]) -> list[socket.socket]:
    """A TCP and a UDP socket of the name server in each namespace, at ports that the kernel chooses."""

    def one(path: str) -> list[socket.socket]:
        enter(NetnsRef(os.stat(path).st_ino, ways=(path,)))
        tcp = socket.create_server((RESOLVER, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((RESOLVER, 0))
        return [tcp, udp]

    return apart(lambda: [each for path in paths for each in one(path)])


class Engine:
    """What is answered, and who listens to events."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._first = next(iter(answers["/containers/json?all=1"]), None)
        self._documents = answers
        self._answers = {resource.encode(): as_http(answer) for resource, answer in answers.items()}
        self._hearing: list[socket.socket] = []

    def serve(self, client: socket.socket) -> None:
        """Answers one client's requests until it hangs up."""
        missing = as_http({}, "404 Not Found")
        with suppress(OSError), client, client.makefile("rb") as lines:
            while request := lines.readline():
                while lines.readline().strip():
                    pass
                resource = request.split()[1]
                if resource.startswith(b"/events"):
                    client.sendall(_EVENTS)
                    self._hearing.append(client)
                elif b"filters=" in resource:
                    wanted = re.findall("[0-9a-f]{64}", unquote(resource.decode()))
                    every = self._documents["/containers/json?all=1"]
                    client.sendall(as_http([each for each in every if each["Id"] in wanted]))
                else:
                    client.sendall(self._answers.get(resource, missing))

    def toggle(self, *_: object) -> None:
        """The first container is paused, or goes on."""
        assert self._first is not None
        own = f"/containers/{self._first['Id']}/json"
        inspected = self._documents[own]
        pauses = inspected["State"]["Status"] == "running"
        self._first["State"] = inspected["State"]["Status"] = "paused" if pauses else "running"
        for resource in ("/containers/json?all=1", own):
            self._answers[resource.encode()] = as_http(self._documents[resource])
        event = {"Type": "container", "Action": "pause" if pauses else "unpause", "Actor": {"ID": self._first["Id"]}}
        line = json.dumps(event).encode() + b"\n"
        for client in self._hearing:
            with suppress(OSError):
                client.sendall(b"%x\r\n%s\r\n" % (len(line), line))


def main(path: str, file: Path) -> None:
    document: dict[str, Any] = json.loads(file.read_text())
    engine = Engine(document["answers"])
    signal.signal(signal.SIGUSR1, engine.toggle)
    held = resolvers(document["resolvers"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", os.getpid(), *(each.getsockname()[1] for each in held), flush=True)
        while True:
            client, _ = listening.accept()
            threading.Thread(target=engine.serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
