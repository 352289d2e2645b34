"""A process that answers like dockerd, and like it holds the sockets of the name servers inside the containers.

    python -m bench.engine_api SOCKET FILE

FILE has {"answers": {resource: document}, "resolvers": [namespace file, …]}; SOCKET is made in the folder of FILE.
Prints `ready` once it listens. One client at a time, which is all that a measurement needs.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.observe.namespaces import Place, apart, enter
from tests.observe.fake_engine import as_http

#: The address at which Docker's own name server listens in a container of a user-defined network.
RESOLVER = "127.0.0.11"


def resolvers(paths: list[str]) -> list[socket.socket]:
    """A TCP and a UDP socket of the name server in each namespace, at ports that the kernel chooses."""

    def one(path: str) -> list[socket.socket]:
        enter(Place(os.stat(path).st_ino, ways=(path,)))
        tcp = socket.create_server((RESOLVER, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((RESOLVER, 0))
        return [tcp, udp]

    return apart(lambda: [each for path in paths for each in one(path)])


def serve(client: socket.socket, answers: dict[bytes, bytes]) -> None:
    """Answers one client's requests until it hangs up."""
    missing = as_http({}, "404 Not Found")
    with suppress(OSError), client, client.makefile("rb") as lines:
        while request := lines.readline():
            while lines.readline().strip():
                pass
            client.sendall(answers.get(request.split()[1], missing))


def main(path: str, file: Path) -> None:
    document: dict[str, Any] = json.loads(file.read_text())
    answers = {resource.encode(): as_http(answer) for resource, answer in document["answers"].items()}
    held = resolvers(document["resolvers"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", *(each.getsockname()[1] for each in held), flush=True)
        while True:
            client, _ = listening.accept()
            threading.Thread(target=serve, args=(client, answers), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
