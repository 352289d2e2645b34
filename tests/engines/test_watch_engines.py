"""What real engines do with containers comes out of `watch` as the change that it is."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from engine.observe.base.namespaces import NetnsRef, enter
from engine.observe.watch.watch import watch
from tests.engines.docker import HTTPD, IMAGE, DockerHost
from tests.engines.podman import PROGRAMS, podman_host
from tests.harness.needs import require
from tests.harness.netns import Netns
from tests.kernel.test_watch_changes import PATIENCE, Watching

#: What is done, by the client's words, and the change that it is.
DONE = (
    ("run -d --name web --network front", "container web added"),
    ("network connect bridge web", "container web changed (networks front → bridge front"),
    ("pause web", "container web changed (state running → paused)"),
    ("unpause web", "container web changed (state paused → running)"),
    ("rename web site", "container site changed (name web → site)"),
    ("rm -f site", "container site deleted"),
)


class Watched(Watching):
    """A watch of what is said of containers, on a host whose other namespaces are out of sight."""

    def __init__(self, host: Netns) -> None:
        super().__init__(host, "container ")

    def _run(self) -> None:
        enter(NetnsRef(os.stat(self._host.path).st_ino, ways=(self._host.path,)))
        for update in watch(self.stop, wanted=lambda netns: netns in ("web", "site")):
            self._updates.put(update)

    def until_it_runs(self, name: str) -> None:
        """Waits for a container that runs: what is done before that is seen may come as one change with it."""
        while (name, "running") not in {(each.name, each.state) for each in self.last.containers}:
            self.last = self._updates.get(timeout=PATIENCE).snapshot


@pytest.fixture
def seen(docker: DockerHost) -> Iterator[Watched]:
    docker.docker("network", "create", "front")
    watching = Watched(docker.host)
    yield watching
    watching.close()


def test_each_thing_that_docker_does_is_told(docker: DockerHost, seen: Watched) -> None:
    for words, change in DONE:
        docker.docker(*words.split(), *((IMAGE, *HTTPD) if words.startswith("run") else ()))
        seen.until(change)
        if words.startswith("run"):
            seen.until_it_runs("web")


#: The same for Podman, which needs no socket for it. A stopped container may be seen as "stopped" on its way.
DONE_BY_PODMAN = (
    ("run -d --name web", "container web added"),
    ("pause web", "container web changed (state running → paused)"),
    ("unpause web", "container web changed (state paused → running)"),
    ("rename web site", "container site changed (name web → site)"),
    ("stop -t 0 site", "→ exited"),
    ("rm site", "container site deleted"),
)


def test_each_thing_that_podman_does_is_told() -> None:
    require(*PROGRAMS, root=True)
    with podman_host() as podman:
        podman.docker("run", "-d", "--name", "other", IMAGE, *HTTPD)  # its store is found by what runs in it
        seen = Watched(podman.host)
        try:
            for words, change in DONE_BY_PODMAN:
                podman.docker(*words.split(), *((IMAGE, *HTTPD) if words.startswith("run") else ()))
                seen.until(change)
                if words.startswith("run"):
                    seen.until_it_runs("web")
        finally:
            seen.close()
