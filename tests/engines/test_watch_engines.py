"""What real engines do with containers comes out of `watch` as the change that it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.docker import HTTPD, IMAGE, DockerHost
from tests.engines.podman import PROGRAMS, podman_host
from tests.harness.needs import require
from tests.kernel.test_watch_changes import Watching

#: What is done, by the client's words, and the change that it is.
DONE = (
    ("run -d --name web --network front", "container web added"),
    ("network connect bridge web", "container web changed (networks front → bridge front"),
    ("pause web", "container web changed (state running → paused)"),
    ("unpause web", "container web changed (state paused → running)"),
    ("rename web site", "container site changed (name web → site)"),
    ("rm -f site", "container site deleted"),
)


@pytest.fixture
def seen(docker: DockerHost) -> Iterator[Watching]:
    docker.docker("network", "create", "front")
    watching = Watching(docker.host, "container ")
    yield watching
    watching.close()


def test_each_thing_that_docker_does_is_told(docker: DockerHost, seen: Watching) -> None:
    for words, change in DONE:
        docker.docker(*words.split(), *((IMAGE, *HTTPD) if words.startswith("run") else ()))
        seen.until(change)


def test_containers_of_podman_come_and_go_without_its_socket() -> None:
    require(*PROGRAMS, root=True)
    with podman_host() as podman:
        seen = Watching(podman.host, "container ")
        try:
            podman.docker("run", "-d", "--name", "web", IMAGE, *HTTPD)
            seen.until("container web added")
            podman.docker("stop", "-t", "0", "web")
            seen.until("container web changed (state running → ")  # by way of "stopped"
        finally:
            seen.close()
