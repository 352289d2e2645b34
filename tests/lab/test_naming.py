"""The names of a lab, before anything is built: who answers where, which files decide, what is wrong with a file."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.change.namespace_file import WriteNetnsFile
from engine.change.program import AnswerNames
from engine.lab.errors import LabFileError
from engine.lab.lifecycle import Draft, draft
from engine.model.application import lab_resolver
from engine.model.application.lab_resolver import NameDoor
from engine.model.application.naming import NameRecord, Zone

FILE = """\
services:
  web: {networks: {front: {aliases: [Shop]}}}
  app: {networks: [front, back], extra_hosts: ["host.docker.internal:host-gateway"], dns_search: [corp.test]}
  db: {networks: [back], dns: [198.51.100.2]}
  shut: {networks: [inner]}
  old: {network_mode: bridge}
networks: {front: {}, back: {}, inner: {internal: true}}
x-lab: {LAYOUTdns: {lan: {blog.example.test: 192.168.30.2, .apps.test: [192.168.30.1]}}}
"""


def built(layout: str = "") -> Draft:
    return draft(FILE.replace("LAYOUT", layout and f"layout: {layout}, "), "lab.yaml", "lab")


def doors(lab: Draft) -> dict[str, NameDoor]:
    (answering,) = (change for change in lab.plan.changes if isinstance(change, AnswerNames))
    return {f"{door.netns} {door.address}": door for door in answering.doors}


def text(lab: Draft, netns: str, name: str) -> list[str]:
    (found,) = (
        change.text or ""
        for change in lab.plan.changes
        if isinstance(change, WriteNetnsFile) and (change.netns, change.name) == (netns, name)
    )
    return found.splitlines()


def test_docker_answers_in_each_container_that_is_in_a_network_of_ones_own() -> None:
    lab = built()
    found = doors(lab)
    assert sorted(found) == sorted(
        ["lab-lan 192.168.30.2", *(f"lab-{each} 127.0.0.11" for each in ("web", "app", "db", "shut"))]
    )
    outside = (ip_address("192.168.30.2"),)
    assert (found["lab-app 127.0.0.11"].tables, found["lab-app 127.0.0.11"].servers) == (("back", "front"), outside)
    assert found["lab-db 127.0.0.11"].servers == (ip_address("198.51.100.2"),)
    assert (found["lab-shut 127.0.0.11"].closed, found["lab-shut 127.0.0.11"].servers) == (True, ())
    assert text(lab, "lab-app", "resolv.conf")[:3] == ["nameserver 127.0.0.11", "search corp.test", "options ndots:0"]
    assert text(lab, "lab-app", "hosts")[-1] == "172.17.0.1\thost.docker.internal"
    assert text(lab, "lab-old", "resolv.conf") == ["nameserver 192.168.30.2"]
    assert text(lab, "lab-host", "resolv.conf") == ["nameserver 192.168.30.2"]


def test_podman_answers_at_the_gateways() -> None:
    lab = built("podman")
    found = doors(lab)
    assert sorted(found) == [
        "lab-host 10.89.0.1",
        "lab-host 10.89.1.1",
        "lab-host 10.89.2.1",
        "lab-lan 192.168.30.2",
    ]
    assert all(door.shared for name, door in found.items() if name.startswith("lab-host"))
    assert text(lab, "lab-app", "resolv.conf")[:2] == ["nameserver 10.89.1.1", "nameserver 10.89.0.1"]
    assert "10.89.1.1\thost.containers.internal host.docker.internal" in text(lab, "lab-app", "hosts")


def test_aliases_are_names_and_a_domain_has_all_names_in_it() -> None:
    (answering,) = (change for change in built().plan.changes if isinstance(change, AnswerNames))
    tables = {table.network: {record.name for record in table.records} for table in answering.tables}
    assert tables["front"] == {"web", "shop", "app"}
    assert tables["dns of lan"] == {"blog.example.test", ".apps.test", "."}


def test_a_lab_may_have_no_names() -> None:
    lab = draft("services: {web: {networks: [n]}}\nnetworks: {n: {}}\nx-lab: {dns: false}\n", "lab.yaml", "lab")
    assert not [each for each in lab.plan.changes if isinstance(each, WriteNetnsFile | AnswerNames)]


@pytest.mark.parametrize(
    ("extension", "said"),
    [
        ("dns: {web: {a.test: 10.0.0.1}}", "names 'web', which is no node outside"),
        ("dns: {lan: {'a b': 10.0.0.1}}", "has the name 'a b'"),
        ("dns: {lan: {a.test: nowhere}}", "is 'nowhere'"),
        ("files: {web: {../passwd: x}}", "is no file below /etc"),
        ("files: {web: {/passwd: x}}", "is no file below /etc"),
        ("files: {nothere: {a: x}}", "names 'nothere', which is not a node"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(extension: str, said: str) -> None:
    with pytest.raises(LabFileError, match=said):
        draft(f"services: {{web: {{}}}}\nx-lab: {{{extension}}}\n", "lab.yaml", "lab")


@pytest.mark.parametrize("line", ["nothing", "a b:10.0.0.1", "db:elsewhere"])
def test_a_line_of_extra_hosts_is_a_name_and_an_address(line: str) -> None:
    with pytest.raises(LabFileError):
        draft(f"services: {{web: {{extra_hosts: ['{line}']}}}}\n", "lab.yaml", "lab")


def test_the_words_of_a_resolver_are_read_as_they_were_written() -> None:
    address = ip_address("10.0.0.2")
    tables = (Zone("front", (address,), (NameRecord("web", (address, ip_address("fd00::2"))),)),)
    given = (
        NameDoor("/run/netns/a", ip_address("127.0.0.11"), ("front",), (address,)),
        NameDoor("/run/netns/b", address, ("front", "gone"), (), shared=True, closed=True),
    )
    assert lab_resolver.parse(lab_resolver.words(tables, given)) == (tables, given)
    assert [zone.clients for door in given for zone in door.zones(tables)] == [(), (address,)]


@pytest.mark.parametrize("word", ["x", "{}", "[]", '{"table": "a"}', '{"door": "a", "address": "b", "tables": []}'])
def test_other_words_are_none_of_a_resolver(word: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of JSON, of addresses, or our own
        lab_resolver.parse([word])
