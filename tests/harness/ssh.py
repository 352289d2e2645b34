"""An SSH server in a machine, and the ssh of a user in another one who may log in there.

The server is dropbear; the client is OpenSSH's, started through a script that names a configuration of its own, so that
neither reads nor writes anything of whoever runs the tests.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from tests.harness.machine import Machine

#: Where the server's keys are: the machine's own memory, which only root may write.
FOLDER = "/mnt/ssh"
CONFIG = """Host {name}
 HostName {address}
Host *
 StrictHostKeyChecking accept-new
 IdentityFile {folder}/id
 IdentitiesOnly yes
 UserKnownHostsFile {folder}/known
"""


def serve(machine: Machine, public_key: str, *options: str) -> None:
    """An SSH server at port 22, which takes that key for root."""
    machine.run("chmod", "755", "/mnt")
    machine.run("mkdir", "-p", "-m", "700", FOLDER)
    machine.run("sh", "-c", f"cat > {FOLDER}/authorized_keys", stdin=public_key)
    machine.run("dropbearkey", "-t", "ed25519", "-f", f"{FOLDER}/host_key")
    words = ("dropbear", "-F", "-E", "-p", "22", "-P", "/run/dropbear.pid", "-r", f"{FOLDER}/host_key", "-D", FOLDER)
    machine.start(*words, *options, ready="Not backgrounding")


class User:
    """Who asks, in a machine, with a key and a configuration in a folder of the test's."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.folder = machine, folder
        machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id"))
        script = folder / "bin" / "ssh"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
        script.chmod(0o755)

    @property
    def public_key(self) -> str:
        """The line of the key for `serve`."""
        return (self.folder / "id.pub").read_text()

    def knows(self, name: str, address: str) -> None:
        """The user's configuration has a name for a machine."""
        with (self.folder / "config").open("a") as config:
            config.write(CONFIG.format(name=name, address=address, folder=self.folder))

    def portscope(self, *words: str) -> str:
        """What portscope says to this user, on stdout and stderr, and its exit code."""
        program = (sys.executable, "-P", "-c", "from workbench.cli import main; raise SystemExit(main())", *words)
        path = f"{self.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"
        script = 'cd "$1"; PATH="$2"; shift 2; "$@" 2>&1; echo "exit $?"'
        return self.machine.run("sh", "-c", script, "sh", str(self.folder), path, *program)

    def typed(self, command: str) -> str:
        """The same of a command line of portscope that needs no shell, in the user's folder."""
        return self.portscope(*shlex.split(command)[1:])
