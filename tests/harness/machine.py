"""A host that is a host: mounts, processes, a name and a network of its own, on this machine's kernel and files.

Two of them do not see each other: each has its own /proc, /run with /run/netns, /sys and hostname. What is between them
is a cable (`cable`), of which each sees its own end, as of a network card. Who stands outside sees both.

A machine is a process (`init`, that unshare(1) starts) and ends with it: every process in it is killed by the kernel,
and its namespaces, mounts and files in /run go with the last of them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.harness.netns import PATIENCE, CommandFailed, run

ROOT = Path(__file__).parents[2]
CABLE = Path(__file__).with_name("cable.py")
#: Namespaces of its own. `--kill-child` ends init, and with it all others, when unshare(1) ends.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc", "--net")
#: What init does before it waits: a name, and file systems that tell of nothing but this machine. Engines of other
#: tests mount their namespaces (nsfs) wherever they keep files; one of these may go meanwhile, when its file does.
SETUP = """
others() { grep ' - nsfs ' /proc/self/mountinfo | cut -d ' ' -f 5; }
others | xargs -r -n 1 umount -l 2>/dev/null
test -z "$(others)" || { echo "cannot unmount $(others)"; exit 1; }
hostname "$1" && mount -t sysfs sys /sys && mount -t tmpfs run /run && mkdir -p /run/netns /run/lock &&
mount -t tmpfs tmp /mnt && ip link set lo up && echo ready && exec cat
"""


class Machine:
    """A host of that name. Raises `CommandFailed` where it does not come up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._started: list[subprocess.Popen[str]] = []
        self._outer = subprocess.Popen(
            [*APART, "sh", "-c", SETUP, "sh", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._outer.stdout is not None
        said = self._outer.stdout.readline().strip()
        if said != "ready":
            self.close()
            raise CommandFailed(f"machine {name} does not come up: {said}")
        self.pid = int(Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()[0])

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in here."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--net", "--", *argv]

    def run(self, *argv: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs a command in here and returns its stdout. Raises `CommandFailed`."""
        return run(self.enter(argv), stdin=stdin, check=check, cwd=ROOT)

    def ip(self, words: str) -> None:
        """`ip WORDS` in here."""
        self.run("ip", *words.split())

    def start(self, *argv: str, ready: str = "") -> subprocess.Popen[str]:
        """Starts a program in here, and waits for a line that has the words. Raises `CommandFailed`."""
        process = subprocess.Popen(
            self.enter(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        )
        self._started.append(process)
        assert process.stdout is not None
        said = ""
        while ready and ready not in said:
            said = process.stdout.readline()
            if not said:
                raise CommandFailed(f"{' '.join(argv)} ended in machine {self.name} before it said {ready!r}")
        return process

    def portscope(self, *words: str) -> str:
        """What portscope says in here."""
        return self.run(sys.executable, "-P", "-c", "from workbench.cli import main; main()", *words, check=False)

    def close(self) -> None:
        """Ends it, with all that runs in it: init ends with its stdin."""
        assert self._outer.stdin is not None
        self._outer.stdin.close()
        try:
            self._outer.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait()
        for process in self._started:
            process.wait(PATIENCE)
        for stream in (self._outer.stdout, *(process.stdout for process in self._started)):
            if stream is not None:
                stream.close()


class Machines(ExitStack):
    """Some machines, and wires between them. All of them end with the block."""

    def machine(self, name: str) -> Machine:
        """One more."""
        return self.enter_context(Machine(name))

    def wire(self, one: Machine, one_link: str, other: Machine, other_link: str) -> None:
        """A cable between two, each end up."""
        ends = [str(one.pid), one_link, str(other.pid), other_link]
        cable = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CABLE), *ends], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.callback(_pull, cable)
        assert cable.stdout is not None
        if cable.stdout.readline().strip() != "ready":
            raise CommandFailed(f"no cable between {one.name} and {other.name}")
        one.ip(f"link set {one_link} up")
        other.ip(f"link set {other_link} up")


def _pull(cable: subprocess.Popen[str]) -> None:
    cable.communicate()
