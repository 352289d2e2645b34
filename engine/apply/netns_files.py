"""Files that a named namespace has of its own, below /etc/netns/NAME: written, shown to a program, removed.

A program that `ip netns exec` starts finds them in the place of those in /etc (ip-netns(8)); `show` does the same for
the calling process. Such a folder carries the lab's mark as a comment of its hosts file: another folder is never
written to, and never removed.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from engine.apply import namespaces
from engine.model.file_name import is_file_name

FOLDER = Path("/etc/netns")
ETC = Path("/etc")
#: The file with the mark, and its last line.
HOSTS = "hosts"
MARK = "# made by portscope: {}\n"


def write(netns: str, name: str, text: str | None, mark: str) -> bool:
    """Writes a file, or removes it (None); False where the folder is there and carries another mark or none.

    Raises OSError.
    """
    folder = FOLDER / netns
    if not _is_ours(folder, mark):
        if folder.exists():
            return False
        folder.mkdir(parents=True)
        own = (ETC / HOSTS).read_text() if (ETC / HOSTS).exists() else ""
        (folder / HOSTS).write_text(own + MARK.format(mark))
    if name == HOSTS:
        text = (text or "") + MARK.format(mark)
    target = folder / name
    if text is None:
        target.unlink(missing_ok=True)
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return True


def remove(netns: str, mark: str) -> None:
    """Removes the files of a namespace that carry the mark, and /etc/netns itself when it is empty."""
    folder = FOLDER / netns
    if is_file_name(netns) and _is_ours(folder, mark):
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):
            FOLDER.rmdir()


def show(netns: str) -> None:
    """Puts the files of a namespace in the place of those in /etc, for the calling process, which has a single thread,
    and what it starts. What has no counterpart in /etc is passed over. Raises OSError."""
    folder = FOLDER / netns
    if not folder.is_dir():
        return
    namespaces.unshare(namespaces.CLONE_NEWNS)
    namespaces.mount("none", "/", "none", namespaces.MS_REC | namespaces.MS_SLAVE)
    for entry in folder.iterdir():
        if (ETC / entry.name).exists():
            namespaces.mount(str(entry), str(ETC / entry.name), "none", namespaces.MS_BIND)


def _is_ours(folder: Path, mark: str) -> bool:
    try:
        return (folder / HOSTS).read_text().endswith(MARK.format(mark))
    except (OSError, UnicodeDecodeError):
        return False
