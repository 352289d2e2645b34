"""The files of one configuration below its proxy's root: bounded in number and size, and none that holds secrets."""

from __future__ import annotations

from collections.abc import Callable

from engine.observe.base.inside_root import Root

#: Bytes of all files of one configuration.
MOST_BYTES = 8 * 1024 * 1024
#: Names of files that hold secrets: they are not opened.
_SECRET = (".key", ".htpasswd", ".env", ".pfx", ".p12", "id_rsa")


#: Says whether there is a file or folder of that path, in the proxy's own root.
Exists = Callable[[str], bool]


class TooLarge(OSError):
    """The files of a configuration are larger than is read."""


class RootFiles:
    """Reads text files, and counts what was read. `whole` says that a file which is not there is nowhere."""

    whole = True

    def __init__(self, root: Root) -> None:
        self._root = root
        self._left = MOST_BYTES

    def text(self, path: str) -> str:
        """A file as text; bytes that are none become replacement characters. Raises OSError."""
        if path.lower().endswith(_SECRET) or "privkey" in path.lower():
            raise PermissionError(1, "files of secrets are not opened", path)
        found = self._root.read(path, self._left)
        self._left -= len(found)
        return found.decode("utf-8", "replace")

    def listed(self, folder: str) -> list[str]:
        """The names in a folder, sorted. Raises OSError."""
        return self._root.listed(folder)

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._root.exists(path)
