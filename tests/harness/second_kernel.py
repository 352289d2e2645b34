"""A second kernel: User Mode Linux on this machine's own files, which runs a function and gives back its result.

1. Debian's package user-mode-linux has a kernel that is a program (linux.uml) and its modules. Its root is this
   machine's (hostfs), so Python, ip(8) and the repository are there; /run, /proc, /sys and /dev are the guest's own.
2. A function is named, its arguments and its result travel as pickles in a folder of the run, which goes with it.
3. A guest that dies, hangs or cannot start is one line with the last lines of its console; nothing is left of it.

It has what this machine's kernel may lack: VLAN filtering, bond, VRF, ipvlan, tunnels, IPVS, SCTP, netem, ESP. It has
iptables-legacy and no families of nftables. Source: Documentation/virt/uml/user_mode_linux_howto_v2.rst.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PROGRAM = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")
#: It ends, too, when who started it is killed (PR_SET_PDEATHSIG of prctl(2)).
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
#: Where the guest's memory is a file (TMPDIR of the program), and what it needs there.
MEMORY_PLACE, MEMORY = Path("/dev/shm"), 1 << 30
#: It has room for 2696 bytes of registers (HOST_FP_SIZE); with AMX there are 11008, and it ends at its first program.
CPUINFO = Path("/proc/cpuinfo")
REGISTERS_FIT = not CPUINFO.exists() or " amx_tile" not in CPUINFO.read_text()
#: Lines of the console that an error shows.
LAST = 12
#: Seconds between two looks for a file of the other side.
POLL = 0.005


class GuestError(RuntimeError):
    """The second kernel could not be started, or what ran there did not end well."""


def missing() -> str:
    """What keeps it from being started, in words; "" where nothing does."""
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is not installed (Debian: user-mode-linux)"
    if not MODULES.is_dir():
        return f"{MODULES} is not there (Debian: user-mode-linux)"
    if not MEMORY_PLACE.is_dir():
        return f"{MEMORY_PLACE} is not there, where its memory is kept"
    if shutil.disk_usage(MEMORY_PLACE).free < MEMORY:
        return f"{MEMORY_PLACE} has less than {MEMORY >> 20} MiB free"
    return "" if REGISTERS_FIT else "linux.uml cannot keep the registers of this processor (AMX)"


def there(work: Callable[..., T], *arguments: Any, seconds: float = 120.0) -> T:
    """The result of a function of a module, run under the second kernel. Raises `GuestError`, or what it raised."""
    with Guest() as guest:
        return guest.call(work, *arguments, seconds=seconds)


class Guest:
    """A second kernel that is up, and is asked one thing after the other. Raises `GuestError` where there is none."""

    def __init__(self) -> None:
        if reason := missing():
            raise GuestError(reason)
        self._home = tempfile.TemporaryDirectory(prefix="portscope-guest-")
        self._folder = Path(self._home.name)
        self._asked = 0
        with open(self._folder / "console", "wb") as console:
            self._process = subprocess.Popen(
                self._argv(), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _argv(self) -> list[str]:
        return [
            *DIE_WITH_US, PROGRAM, f"mem={MEMORY >> 20}M", "rootfstype=hostfs", "rw", "quiet",
            "con=null", "con0=fd:0,fd:1",
            f"uml_dir={self._folder}", "umid=guest", f"init={Path(__file__).with_name('guest.sh')}",
            f"PORTSCOPE_GUEST={self._folder}", f"PORTSCOPE_PYTHON={sys.executable}", f"PORTSCOPE_ROOT={ROOT}",
        ]  # fmt: skip

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, work: Callable[..., T], *arguments: Any, seconds: float = 120.0) -> T:
        """The result of a function of a module. Raises `GuestError`, or what it raised."""
        self._asked += 1
        request, answer = (self._folder / f"{what}-{self._asked}" for what in ("request", "answer"))
        put(request, pickle.dumps((work.__module__, work.__qualname__, arguments)))
        until = time.monotonic() + seconds
        while not answer.exists():
            if self._process.poll() is not None and not answer.exists():
                raise GuestError(f"the second kernel ended without an answer:\n{self._last()}")
            if time.monotonic() > until:
                raise GuestError(f"the second kernel did not end within {seconds:.0f} s:\n{self._last()}")
            time.sleep(POLL)
        kind, value = pickle.loads(answer.read_bytes())
        answer.unlink()
        if kind == "raised":
            raise value
        return value

    def close(self) -> None:
        """Ends it; what was built there goes with it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._home.cleanup()

    def _last(self) -> str:
        text = (self._folder / "console").read_text("utf-8", "replace")
        return "\n".join(f"  {line}" for line in text.splitlines()[-LAST:])


def put(path: Path, data: bytes) -> None:
    """Writes a file that is there as a whole or not at all."""
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.rename(path)
