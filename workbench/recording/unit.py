"""The recorder as a service of systemd: its unit, written where the administrator's units are (systemd.unit(5)).

The unit runs this very installation, with the options that were given. It gives the recorder no mount namespace of its
own (systemd.exec(5) lists what would): the files of network namespaces are mounts, and must come and go for it as they
do for the host.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from engine.programs import python

NAME = "portscope-record.service"
FOLDER = Path("/etc/systemd/system")
#: The store's folder under /var/lib, which systemd makes for the service and guards (StateDirectory=).
STATE = Path("/var/lib")

TEXT = """\
[Unit]
Description=portscope: keeps every change of the host's network
Documentation=https://pypi.org/project/portscope/
After=network-pre.target

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=10
Nice=10
{folder}NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes

[Install]
WantedBy=multi-user.target
"""


def text(store: Path, options: Sequence[str]) -> str:
    """The unit's text: `options` are those of `portscope record` but for --store and --install. Raises ValueError."""
    command = [*python("-m", "workbench.start", "record"), *options, "--store", os.fspath(store)]
    return TEXT.format(command=" ".join(map(_word, command)), folder=_folder(store))


def _folder(store: Path) -> str:
    """How the service gets its folder, where systemd makes it."""
    return f"StateDirectory={store.name}\nStateDirectoryMode=0700\n" if store == STATE / "portscope" else ""


def _word(word: str) -> str:
    """A word of a command line as systemd reads it (systemd.service(5), systemd.syntax(7)): $ and % are doubled.

    Raises ValueError for a word that no unit can have."""
    if not word.isprintable():
        raise ValueError(f"{word!r:.60} cannot stand in a unit")
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return quoted if quoted == word and shlex.quote(word) == word else f'"{quoted}"'
