"""Labs without root: a user namespace in which an ordinary user may have network namespaces.

`enter` moves this process into a new user, mount and network namespace, as root of its own; `engine.apply.holder`
keeps such namespaces for labs that stay. The user keeps its files;
/run becomes a file system of its own, so that named namespaces and the lock of xtables are private, and so does /etc,
with links to what is there, for the files of namespaces. All of it goes when the last process inside ends, so nothing
can be left behind.

The kernel moves only a process with a single thread (unshare(2), EINVAL), so this comes before anything that starts
threads. It is tried in a child first: where it is forbidden, this process is as it was.
Sources: user_namespaces(7), mount_namespaces(7), sysctl/user.rst and sysctl/kernel.rst of the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engine.apply import namespaces, netns_files
from engine.apply.errors import UserNamespaceForbidden
from engine.read_only import may

#: Where journals of labs in a user namespace are: on its own /run.
PRIVATE_STATE = Path("/run/portscope/labs")
#: Where the machine's /etc is then.
PRIVATE_ETC = Path("/run/etc")
#: Bits of capabilities(7) that building needs.
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21

#: Settings that forbid user namespaces to ordinary users: file, the value that does, and the command that allows it.
SETTINGS = (
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/user/max_net_namespaces", "0", "sysctl -w user.max_net_namespaces=15000"),
)

_state: dict[str, bool | int | None] = {"entered": False, "lease": None}


def entered() -> bool:
    """Whether this process is in a user namespace for labs."""
    return bool(_state["entered"])


def lease() -> int | None:
    """The file that ends with whoever keeps the namespaces; None where nobody else does."""
    return _state["lease"]


def settle(lease: int | None = None) -> None:
    """Remembers that this process is in a user namespace for labs."""
    _state.update(entered=True, lease=lease)


def privileged() -> bool:
    """Whether this process may build where it is: CAP_SYS_ADMIN and CAP_NET_ADMIN are effective."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return all(held >> bit & 1 for bit in (CAP_NET_ADMIN, CAP_SYS_ADMIN))
    return False


def enter() -> None:
    """Moves this process, which has a single thread, into a user namespace of its own.

    Raises UserNamespaceForbidden, with nothing changed.
    """
    attempt()
    try:
        move()
    except OSError as error:
        raise UserNamespaceForbidden(f"this process cannot enter a user namespace: {error.strerror}") from None
    settle()


def attempt() -> None:
    """Tries it in a child. Raises UserNamespaceForbidden."""
    may("make a user namespace")
    said = _try_in_child()
    if said:
        raise UserNamespaceForbidden(forbidden(said, _read))


def forbidden(said: str, read: Callable[[str], str | None]) -> str:
    """The one line for a user: what the kernel said, which setting is behind it, and what to do.

    `read` gives the content of a setting's file, None where there is no such setting.
    """
    for path, value, command in SETTINGS:
        if read(path) == value:
            name = path.removeprefix("/proc/sys/").replace("/", ".")
            return f"{name}={value} forbids user namespaces: run with sudo, or allow them with `{command}`"
    return f"user namespaces are forbidden here ({said}), as in a container without privileges: run with sudo"


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def move() -> None:
    """The moves into new namespaces, in the order in which each gives the right to the next. Raises OSError."""
    uid, gid = os.geteuid(), os.getegid()
    namespaces.unshare(namespaces.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    namespaces.unshare(namespaces.CLONE_NEWNS | namespaces.CLONE_NEWNET)
    namespaces.mount("none", "/", "none", namespaces.MS_REC | namespaces.MS_PRIVATE)
    namespaces.mount("tmpfs", "/run", "tmpfs", namespaces.MS_NOSUID | namespaces.MS_NODEV, "mode=755")
    namespaces.NETNS_DIR.mkdir()
    _own_etc()


def _own_etc() -> None:
    """A folder /etc that can be written, with links to all that the machine has there: for files of namespaces."""
    PRIVATE_ETC.mkdir()
    namespaces.mount("/etc", str(PRIVATE_ETC), "none", namespaces.MS_BIND | namespaces.MS_REC)
    namespaces.mount("tmpfs", "/etc", "tmpfs", namespaces.MS_NOSUID | namespaces.MS_NODEV, "mode=755")
    for entry in PRIVATE_ETC.iterdir():
        if entry.name != netns_files.FOLDER.name:
            Path("/etc", entry.name).symlink_to(entry)


def _try_in_child() -> str:
    """Makes the moves in a child that ends at once; "" or what the kernel said to one of them."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            move()
        except OSError as error:
            said = f"{error.filename or 'user namespace'}: {error.strerror}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said
