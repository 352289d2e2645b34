"""Images made of this machine's own programs: each with the libraries that it is linked with, and busybox for the rest.

A program is found in PATH, and what `ldd` names goes to the same place in the image. No registry is asked.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.harness.netns import run

APPLETS = ("sh", "httpd", "nc", "sleep", "ip", "cat", "kill", "sed", "wget", "mkdir", "ls", "echo", "touch")
_LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")
#: What getaddrinfo of glibc loads when it is called, and what a password file is asked for.
_LOADED = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")


def image_layer(folder: Path, programs: Sequence[str] = (), files: Mapping[str, str] | None = None) -> Path:
    """An archive of a root with busybox, the programs and the files (text by path), in the folder."""
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "busybox", root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for place in ("tmp", "etc", "run", "var/log", "var/lib", "var/run"):
        (root / place).mkdir(parents=True, exist_ok=True)
    for program in programs:
        _copy(root, shutil.which(program, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin") or program)
    for path, text in (
        {"/etc/passwd": "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n"} | dict(files or {})
    ).items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (root / "etc/group").write_text("root:x:0:\nwww-data:x:33:\n")
    archive = folder / "image.tar"
    run(["tar", "-C", str(root), "-cf", str(archive), "."])
    return archive


def _copy(root: Path, program: str) -> None:
    """A program and its libraries, by their real paths."""
    for path in (program, *_libraries(program)):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(path, target)


def _libraries(program: str) -> list[str]:
    """What the dynamic linker loads for it; none for a static one."""
    try:
        told = run(["ldd", program])
    except Exception as error:  # a static program is refused
        if "not a dynamic" in str(error):
            return []
        raise
    found = _LINKED.findall(told)
    beside = [Path(path).parent / name for path in found if path.endswith("libc.so.6") for name in _LOADED]
    return [*found, *(str(path) for path in beside if path.exists())]
