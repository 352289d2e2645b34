"""Ports that a real engine does not publish as they were meant: the client is refused, and the answer says why."""

from __future__ import annotations

import pytest

from tests.engines.docker import HOST_ADDRESS, HTTPD, IMAGE, DockerHost
from tests.harness.netns import CommandFailed
from tests.harness.processes import wait


def answer(docker: DockerHost, target: str = ":8080") -> tuple[str, str, str]:
    """The symptom that a client on the LAN sees and the answer says alike, the first cause and its first fix."""
    address, _, port = target.rpartition(":")
    found = docker.why(target, "--from", f"ns:{docker.lan.name}")
    seen = docker.probe(docker.lan, address or HOST_ADDRESS, int(port)).symptom
    assert found["symptom"] == seen
    first = found["causes"][0] if found["causes"] else {"code": "", "sentence": "", "fixes": [{"title": ""}]}
    return seen, first["sentence"], first["fixes"][0]["title"]


def state(docker: DockerHost) -> str:
    return docker.docker("inspect", "-f", "{{.State.Status}}", "web").strip()


def test_an_option_behind_the_image_s_name(docker: DockerHost) -> None:
    docker.empty()
    with pytest.raises(CommandFailed):
        docker.docker("run", "-d", "--name", "web", IMAGE, "-p", "8080:80")
    seen, sentence, title = answer(docker)
    assert seen == "refused"
    assert sentence.startswith("web was run with -p 8080:80 behind the image's name")
    assert title == "run web again with -p 8080:80 before the image's name"


def test_a_program_that_ends_with_an_error(docker: DockerHost) -> None:
    docker.empty()
    docker.docker("run", "-d", "--name", "web", "-p", "8080:80", IMAGE, "/bin/sh", "-c", "exit 7")
    wait(lambda: state(docker) == "exited", "web does not end")
    seen, sentence, title = answer(docker)
    assert (seen, sentence) == ("refused", "web publishes the port, but has exited with code 7")
    assert title.startswith("start web, once its log is read: docker ")


@pytest.mark.parametrize(("bridge", "symptom"), [("zfront", "refused"), ("afront", "connected")])
def test_a_port_is_published_where_the_default_route_is(docker: DockerHost, bridge: str, symptom: str) -> None:
    docker.empty()
    docker.docker("network", "create", bridge)
    lan = ("-d", "macvlan", "--subnet", "10.99.0.0/24", "--gateway", "10.99.0.254", "-o", "parent=up0", "lan")
    docker.docker("network", "create", *lan)
    docker.docker("create", "--name", "web", "-p", "8080:80", "--network", bridge, IMAGE, *HTTPD)
    docker.docker("network", "connect", "lan", "web")
    docker.docker("start", "web")
    wait(lambda: docker.inspect("web").netns.listening(80), "web does not listen")
    seen, sentence, title = answer(docker)
    assert seen == symptom
    if symptom == "refused":
        assert sentence.endswith("web's is lan (macvlan), which has none")
        assert title.startswith(f"connect web to {bridge} with a higher gateway priority")


def test_a_container_in_another_s_network(docker: DockerHost) -> None:
    docker.empty()
    docker.docker("run", "-d", "--name", "vpn", IMAGE, "/bin/sleep", "1000")
    docker.container("app", "--network", "container:vpn")
    _, _, title = answer(docker)
    assert title.startswith("run vpn again with -p 8080:80")


def test_an_address_that_the_host_has_lost(docker: DockerHost) -> None:
    docker.empty()
    docker.host.run("ip", "addr", "add", "10.77.0.9/24", "dev", "up0")
    docker.container("web", "-p", "10.77.0.9:8080:80")
    docker.host.run("ip", "addr", "del", "10.77.0.9/24", "dev", "up0")
    docker.forget()
    seen, sentence, title = answer(docker, "10.77.0.9:8080")
    assert (seen, title) == ("host-unreachable", f"assign 10.77.0.9/24 to up0 in {docker.host.name}")
    assert sentence.startswith("docker published 10.77.0.9:8080 for web, and no device of ")
