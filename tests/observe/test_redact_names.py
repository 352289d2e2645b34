"""Other names, and the same answers; nothing of the old names is left."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.application.naming import HostsLine, NameAnswer, NameSymptom
from engine.model.container import Mount
from engine.model.matrix import MatrixRow
from engine.model.packet import Protocol
from engine.model.verdict import Question, Source
from engine.observe.recording.redact import Redacted
from engine.observe.recording.snapshot_file import dumps
from tests.explain.test_client_proxy import with_environment
from tests.fidelity.record import read_host, read_truth
from tests.hosts.named import named_world, proxied, server, to
from tests.hosts.stock import docker_world
from workbench.session.matrix_pool import fill

TRUTH = read_truth()
SECRET = "acmebank"


def named_host():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -m comment --comment acmebank-web -j DROP",)).snapshot()
    containers = tuple(
        replace(
            one, name=f"{SECRET}-{one.name}", image=f"registry.{SECRET}/{one.name}", project=SECRET, service=one.name
        )
        for one in snapshot.containers
    )
    networks = tuple(replace(one, name=f"{SECRET}_default") for one in snapshot.networks)
    return replace(snapshot, hostname=f"prod1.{SECRET}", containers=containers, networks=networks)


def test_no_name_is_left_in_the_file():
    assert SECRET in dumps(named_host())
    assert SECRET not in dumps(Redacted(named_host()).snapshot)


def test_what_an_environment_says_of_proxies_is_renamed_and_its_addresses_as_all_others() -> None:
    lines = (
        "http_proxy=proxy.acmebank.test:3128",
        "no_proxy=localhost,.acmebank.test,10.77.0.0/16,10.77.0.2,[fd00::7]",
    )
    snapshot = with_environment(*lines)
    redacted = Redacted(snapshot)
    found = next(each.client_proxy for each in redacted.snapshot.containers if each.client_proxy)
    assert SECRET not in dumps(redacted.snapshot)
    assert found.http.endswith(":3128")
    assert found.exempt[0] == "localhost"
    network, address = found.exempt[2:4]
    assert ip_address(address) == redacted.address(ip_address("10.77.0.2"))
    assert ip_address(address) in ip_network(network)


def test_the_same_name_is_the_same_pseudonym_and_common_names_stay():
    redacted = Redacted(docker_world().snapshot())
    assert redacted.snapshot.host == "host"
    web = redacted.snapshot.containers[0]
    assert (web.name, web.netns) == ("container-1", "container-1")
    assert redacted.netns("web") == "container-1"
    assert {network.name for network in redacted.snapshot.networks} == {"bridge"}
    assert redacted.snapshot.by_id["container-1"].path == "/run/netns/container-1"


@pytest.mark.parametrize("name", sorted(TRUTH)[::10])
def test_a_redacted_host_gives_the_same_answers(name: str) -> None:
    snapshot = read_host(name)
    redacted = Redacted(snapshot)
    for row in TRUTH[name]:
        source, address, protocol = row.source, ip_address(row.address), Protocol(row.protocol)
        one = explain.ask(snapshot, Question(Source(source), address, row.port, protocol))
        asked = Question(Source(redacted.netns(source)), redacted.address(address), row.port, protocol)
        other = explain.ask(redacted.snapshot, asked)
        assert (one.reach, one.symptom) == (other.reach, other.symptom)
        assert [(cause.code, cause.owner) for cause in one.causes] == [
            (cause.code, cause.owner) for cause in other.causes
        ]


def test_a_redacted_host_has_the_same_matrix_and_the_same_warnings() -> None:
    snapshot = read_host("healthy")
    one, other = fill(snapshot), fill(Redacted(snapshot).snapshot)
    assert [_cells(row) for row in one.rows] == [_cells(row) for row in other.rows]
    assert [each.code for each in one.exposures] == [each.code for each in other.exposures]
    assert sum(len(row.cells) for row in one.rows) > 10


def _cells(row: MatrixRow) -> list[tuple[str, str]]:
    return [(str(cell.reach), str(cell.symptom)) for _, cell in row.cells]


def test_the_redacted_file_is_read_back_equal():
    snapshot = Redacted(named_host()).snapshot
    assert json.loads(dumps(snapshot))["hostname"] == "machine-1"


def test_names_and_sites_have_other_names_and_the_same_answers():
    world = named_world()
    passed_on = f"location /{SECRET}/ {{ proxy_pass http://web/{SECRET}/; proxy_set_header Host {SECRET}.test; }}"
    passed_on += f"location /f {{ rewrite ^/{SECRET}$ /{SECRET}.php last; try_files /{SECRET}.html @{SECRET}; }}"
    sites = server(to("web"), f"blog.{SECRET}.test") + server(to("shop") + passed_on, f"*.{SECRET}.test")
    snapshot = proxied(sites, world)
    hosts = (HostsLine(ip_address("172.18.0.3"), (f"shop.{SECRET}.test", "shop"), 2),)
    configs = tuple(
        replace(each, hosts=hosts, search=(f"{SECRET}.test",), hostname=f"x.{SECRET}") for each in snapshot.name_configs
    )
    containers = tuple(
        replace(
            one, mounts=(Mount(f"/data/{SECRET}/x", "/etc/nginx"),), attachments=tuple(map(aliased, one.attachments))
        )
        for one in snapshot.containers
    )
    heard = NameAnswer(ip_address("10.77.0.2"), f"mail.{SECRET}.test", NameSymptom.NO_NAME)
    snapshot = replace(snapshot, name_configs=configs, containers=containers, name_answers=(heard,))
    redacted = Redacted(snapshot)
    assert SECRET in dumps(snapshot)
    assert SECRET not in dumps(redacted.snapshot)
    client = redacted.netns("client")
    (name,) = (each.names for each in redacted.snapshot.proxies[0].table.sites[:1])
    for asked, other in (("http://proxy/", f"http://{redacted.netns('proxy')}/"), ("http://shop/", "")):
        if other:
            one = explain.ask(snapshot, resolve(snapshot, asked, "client"))
            two = explain.ask(redacted.snapshot, resolve(redacted.snapshot, other, client))
            assert (one.reach, one.symptom) == (two.reach, two.symptom)
    found = explain.ask(redacted.snapshot, resolve(redacted.snapshot, f"http://{name[0]}/", client))
    assert found.conversation.name is not None


def aliased(place):
    return replace(place, aliases=(*place.aliases, f"{SECRET}-db"))
