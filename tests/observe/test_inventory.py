"""The machines of an Ansible inventory, read by Ansible's own program, which runs nothing that the file asks for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.observe.remote.collecting import RemoteError
from engine.observe.remote.inventory import is_inventory, machines
from engine.observe.remote.ssh import place_of

INI = """
[web]
web[01:03].example.test
app1 ansible_host=10.9.0.7 ansible_port=2222 ansible_user=deploy
[db]
db1 ansible_host="fd00::7"
here ansible_connection=local
[db:vars]
ansible_user=postgres
"""
YAML = """
all:
  children:
    web:
      hosts:
        web1: {ansible_host: "{{ lookup('pipe', 'touch %s') }}"}
        web2: {ansible_host: -oProxyCommand=x}
        web3: {ansible_connection: ssh}
"""


@pytest.fixture(autouse=True)
def ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}")


def of(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    return {each.name: each.refused or str(each.place) for each in machines(path)}


def test_ranges_groups_and_variables_of_an_ini_file(tmp_path: Path) -> None:
    assert of(tmp_path / "inventory.ini", INI) == {
        "app1": "ssh://deploy@10.9.0.7:2222",
        "db1": "ssh://postgres@[fd00::7]",
        "here": "here is reached by 'local', not by ssh",
        "web01.example.test": "ssh://web01.example.test",
        "web02.example.test": "ssh://web02.example.test",
        "web03.example.test": "ssh://web03.example.test",
    }


def test_the_variables_beside_a_yaml_file_count_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("ansible_port: 2200\n")
    assert of(tmp_path / "hosts.yaml", YAML % ran) == {
        "web1": "web1 has a template in its variables: name it as ssh://[USER@]HOST[:PORT]",
        "web2": "web2 cannot be reached by ssh as '-oProxyCommand=x:2200'",
        "web3": "ssh://web3:2200",
    }
    assert not ran.exists()


def test_a_script_is_no_inventory_and_is_not_run(tmp_path: Path) -> None:
    ran, script = tmp_path / "ran", tmp_path / "hosts"
    script.write_text(f"#!/bin/sh\ntouch {ran}\necho '{{}}'\n")
    script.chmod(0o755)
    with pytest.raises(RemoteError, match="is no Ansible inventory"):
        machines(script)
    assert not ran.exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"none\.ini is no Ansible inventory") as error:
        machines(tmp_path / "none.ini")
    assert len(str(error.value).splitlines()) == 1


def test_without_the_program_the_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("engine.programs.ADMIN_FOLDERS", ())
    with pytest.raises(RemoteError, match="install ansible-core"):
        machines(tmp_path / "hosts.ini")


def test_what_is_taken_for_an_inventory() -> None:
    names = ("hosts", "inventory", "prod.ini", "x/prod.YML", "prod.yaml", "host.json", "host.json.gz", "ssh://db1")
    assert [is_inventory(Path(name)) for name in names] == [True] * 5 + [False] * 3


def test_a_place_is_written_as_it_is_read() -> None:
    for text in ("ssh://db1", "ssh://me@db1:22", "ssh://[fd00::7]", "ssh://me@[fd00::7]:22"):
        assert str(place_of(text)) == text
