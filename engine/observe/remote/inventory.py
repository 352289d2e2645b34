"""The machines of an Ansible inventory, as `ssh://` would name them.

`ansible-inventory` reads the file (INI or YAML, with ranges, groups and group_vars), as its users expect. It gets no
configuration, no plugin that runs programs and no vault, and evaluates no template: a variable that has one is refused.

Source: docs.ansible.com, "How to build your inventory", "Connecting to hosts: behavioral inventory parameters".
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.observe.remote.collecting import RemoteError
from engine.observe.remote.ssh import SshPlace, place_of
from engine.programs import environment, find
from engine.records import dataclass

PROGRAM = "ansible-inventory"
#: Files that are taken for an inventory: what Ansible calls them by default, and its suffixes.
NAMES, SUFFIXES = frozenset({"hosts", "inventory"}), frozenset({".ini", ".yml", ".yaml"})
#: Seconds for reading one.
PATIENCE = 120
#: How a machine is reached; others (local, docker, winrm) are no machines that ssh reaches.
_BY_SSH = frozenset({"ssh", "smart", "paramiko", "ansible.builtin.ssh"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A machine of an inventory by its name there; where it cannot be reached by ssh, why."""

    name: str
    place: SshPlace | None
    refused: str = ""


def is_inventory(path: Path) -> bool:
    """Whether a file is called as inventories are."""
    return path.name in NAMES or path.suffix.lower() in SUFFIXES


def machines(path: Path) -> list[Listed]:
    """The machines of an inventory, in order of their names. Raises RemoteError."""
    program = find(PROGRAM)
    if program is None:
        raise RemoteError(f"{path} is an Ansible inventory, and {PROGRAM} is not here: install ansible-core")
    groups = _printed(program, path)
    meta = groups.pop("_meta", {})
    variables = meta.get("hostvars", {}) if isinstance(meta, dict) else {}
    names = {name for group in groups.values() if isinstance(group, dict) for name in group.get("hosts", ())}
    return [_listed(name, variables.get(name, {})) for name in sorted({*names, *variables})]


def _printed(program: str, path: Path) -> dict[str, Any]:
    with TemporaryDirectory(prefix="portscope-inventory-") as folder:
        config = Path(folder) / "ansible.cfg"
        config.touch()
        try:
            done = subprocess.run(
                (program, "--list", "-i", str(path.absolute())),
                capture_output=True,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
                env=_environment(folder, config),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RemoteError(f"{path}: {PROGRAM} does not end: {error}") from None
    try:
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RemoteError(f"{path} is no Ansible inventory: {_complaint(done.stderr)}")
    return found


def _environment(folder: str, config: Path) -> dict[str, str]:
    """It runs by its own Python, with that one's modules."""
    own = {name: value for name, value in environment().items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return {
        **own,
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": os.fspath(config),
        "ANSIBLE_HOME": folder,
        "ANSIBLE_INVENTORY_ENABLED": "ini,yaml",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
        "ANSIBLE_NOCOLOR": "1",
    }


def _complaint(said: bytes) -> str:
    """The last line that says what is wrong."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    useful = [line for line in lines if line.startswith(("[ERROR]", "[WARNING]", "ERROR"))]
    return "".join(each for each in (useful or lines or ["it says nothing"])[0][:200] if each.isprintable())


def _listed(name: str, variables: Mapping[str, object]) -> Listed:
    connection = str(variables.get("ansible_connection", "ssh"))
    if connection not in _BY_SSH:
        return Listed(name, None, f"{name} is reached by {connection!r:.40}, not by ssh")
    host = str(variables.get("ansible_host", variables.get("ansible_ssh_host", name)))
    user = str(variables.get("ansible_user", variables.get("ansible_ssh_user", "")))
    port = str(variables.get("ansible_port", variables.get("ansible_ssh_port", "")))
    if any("{" in each for each in (host, user, port)):
        return Listed(name, None, f"{name} has a template in its variables: name it as ssh://[USER@]HOST[:PORT]")
    written = "".join((f"{user}@" if user else "", f"[{host}]" if ":" in host else host, f":{port}" if port else ""))
    place = place_of(f"ssh://{written}")
    return Listed(name, place, "" if place else f"{name} cannot be reached by ssh as {written!r:.80}")
