from pathlib import Path

import pytest

from engine.observe.recording.snapshot_file import dumps, open_file

HOSTS = sorted((Path(__file__).parents[1] / "hosts").glob("*.json"))


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_recorded_host_is_read_and_written_the_same(path: Path) -> None:
    assert dumps(open_file(path)) == path.read_text()


def test_the_docker_host_has_its_container_its_port_and_its_relay() -> None:
    snapshot = open_file(next(path for path in HOSTS if path.stem == "docker26-one-container"))
    (web,) = snapshot.containers
    assert (web.name, web.netns, web.published[0].host_port) == ("web", "web", 8080)
    relays = [each.process.relay for each in snapshot.host_netns.listeners if each.process]
    assert [str(relay.target) for relay in relays if relay] == ["172.17.0.2", "172.17.0.2"]
