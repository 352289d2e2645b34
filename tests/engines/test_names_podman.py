"""Names in a real Podman with aardvark-dns: what getent finds in a container is what portscope predicts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.images import image_layer
from tests.engines.podman import PROGRAMS as PODMAN
from tests.engines.podman import PodmanHost, podman_host
from tests.engines.stack import Looked
from tests.harness.needs import require

require(*PODMAN, "getent", root=True)

HTTPD = ("/bin/httpd", "-f", "-p", "80")


@pytest.fixture(scope="module")
def host() -> Iterator[PodmanHost]:
    with podman_host() as made:
        folder = made.folder / "full"
        folder.mkdir()
        made.docker("import", str(image_layer(folder, ("getent",))), "full")
        for network in ("front", "back"):
            made.docker("network", "create", network)
        made.docker("network", "create", "--internal", "inner")
        for name, *options in (
            ("web", "--network", "front:alias=shop"),
            ("db", "--network", "back"),
            ("both", "--network", "front", "--network", "back"),
            ("old",),
            ("old2",),
            ("shut", "--network", "inner"),
            ("through", "--network", "front", "-e", "http_proxy=http://me:word@10.89.0.1:9/", "-e", "TOKEN=word"),
        ):
            made.docker("run", "-d", "--name", name, *options, "full", *HTTPD)
        yield made


def looks_up(host: PodmanHost, container: str, name: str) -> Looked:
    done = host.docker("exec", container, "/bin/sh", "-c", f"/usr/bin/getent ahosts {name} || echo none")
    found = tuple(dict.fromkeys(line.split()[0] for line in done.splitlines() if line.strip()))
    return Looked(int(found == ("none",)), found if found != ("none",) else (), 0)


@pytest.mark.parametrize(
    ("source", "name", "code"),
    [
        ("web", "web", ""),
        ("web", "shop", ""),
        ("web", "both", ""),
        ("db", "both", ""),
        ("both", "db", ""),
        ("both", "web.dns.podman", ""),
        ("web", "host.containers.internal", "NAT_NOT_PUBLISHED"),
        ("web", "db", "NAME_OTHER_NETWORK"),
        ("db", "shop", "NAME_OTHER_NETWORK"),
        ("shut", "web", "NAME_OTHER_NETWORK"),
        ("old", "old2", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS"),
        ("old", "web", "NAME_DEFAULT_BRIDGE_HAS_NO_DNS"),
        ("shut", "blog.example.test", "NAME_INTERNAL_NETWORK"),
    ],
)
def test_a_name_is_looked_up_as_the_container_does(host: PodmanHost, source: str, name: str, code: str) -> None:
    real = looks_up(host, source, name)
    answer = host.why(f"http://{name}/", "--from", source)
    assert tuple(answer["name"]["addresses"]) == real.addresses, answer["name"]
    told = [each["code"] for each in (*answer["causes"], *answer["findings"])]
    assert told[:1] == ([code] if code else []), [each["sentence"] for each in answer["causes"]]


def test_networks_are_apart_by_name_only(host: PodmanHost) -> None:
    """The address connects, as nothing keeps the networks of Podman from each other. The name is passed on to a server
    that is not reached here."""
    assert host.why("db:80", "--from", "web")["reach"] == "yes"
    answer = host.why("http://db/", "--from", "web")
    assert (answer["reach"], answer["symptom"]) == ("no", "name-timeout")


def test_a_proxy_of_the_environment_is_said_beside_the_answer(host: PodmanHost) -> None:
    answer = host.why("http://web/", "--from", "through")
    assert (answer["reach"], [each["code"] for each in answer["findings"]]) == ("yes", ["HTTP_CLIENT_PROXY"])
    assert "http_proxy of through is 10.89.0.1:9" in answer["findings"][0]["sentence"]
    assert "word" not in str(answer["findings"])
