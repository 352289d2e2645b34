"""Engines that the tests of a session share. Each test gets one without containers, and `fresh()` makes it healthy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.docker import PROGRAMS, DockerHost, docker_host
from tests.harness.needs import require


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerHost]:
    require(*PROGRAMS, root=True)
    with docker_host() as host:
        yield host


@pytest.fixture(scope="session")
def engine_without_proxy() -> Iterator[DockerHost]:
    require(*PROGRAMS, root=True)
    with docker_host(userland_proxy=False) as host:
        yield host


@pytest.fixture
def docker(engine: DockerHost) -> Iterator[DockerHost]:
    """Docker Engine as it is after installation."""
    yield engine
    engine.clear()


@pytest.fixture
def docker_without_proxy(engine_without_proxy: DockerHost) -> Iterator[DockerHost]:
    """Docker Engine with `userland-proxy: false`: loopback goes through NAT, and bridge ports are hairpins."""
    yield engine_without_proxy
    engine_without_proxy.clear()
