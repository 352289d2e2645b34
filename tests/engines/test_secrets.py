"""Environments, command lines and labels stay out of what is read of a real engine: snapshot, file and script alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engine.model.container import Container
from engine.observe.collected.snapshot import loads
from engine.observe.recording.snapshot_file import dumps
from tests.engines.docker import HTTPD, DockerHost
from tests.observe.collecting import collect

SECRET = "k7Qh-not-for-others"
GIVEN = ("-p", "8080:80", "-e", f"DB_PASSWORD={SECRET}", "--label", f"token={SECRET}")
LISTENS = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", 7070))
print("ready", flush=True)
time.sleep(1000)
"""


@contextmanager
def with_secrets(engine: DockerHost) -> Iterator[None]:
    """A container and a process of the host that have the secret in every place where programs get theirs."""
    engine.fresh(*GIVEN, command=(*HTTPD, "-r", SECRET))
    argv = engine.host.enter([sys.executable, "-I", "-c", LISTENS, f"--password={SECRET}"])
    process = engine.world.start(argv, ready="ready", env={**os.environ, "TOKEN": SECRET})
    try:
        yield
    finally:
        engine.world.stop(process)


def essence(container: Container) -> tuple[object, ...]:
    """What a container is, without how its engine is reached."""
    return (container.id, container.name, container.state, container.published, container.attachments, container.netns)


def test_no_secret_of_a_container_or_process_enters_a_snapshot(docker: DockerHost) -> None:
    with with_secrets(docker):
        assert SECRET in docker.docker("inspect", "web"), "the engine tells it"
        snapshot = docker.snapshot()

    web = next(each for each in snapshot.containers if each.name == "web")
    listening = {each.port: each.process for each in snapshot.host_netns.listeners}
    assert (web.state, listening[7070] is not None) == ("running", True), "both were read"
    assert SECRET not in dumps(snapshot)


def test_the_script_tells_the_same_containers_and_no_secret(docker: DockerHost) -> None:
    with with_secrets(docker):
        seen = docker.snapshot()
        text = collect(docker.host, environment={**os.environ, "DOCKER_HOST": f"unix://{docker.socket}"})

    assert SECRET not in text
    told = loads(text)
    assert list(map(essence, told.containers)) == list(map(essence, seen.containers))
    assert [(each.name, each.bridge) for each in told.networks] == [(each.name, each.bridge) for each in seen.networks]
