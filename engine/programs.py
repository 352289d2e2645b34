"""How portscope finds and starts other programs: the one place that says so, since it often runs as root.

1. Python is started with `-P`: the current folder is never on its path. It imports from where this process imports.
2. Programs are looked up in absolute folders only: an empty or relative entry of PATH would be the current folder.
3. Output is in English, whatever the locale.

Sources: execvp(3), "The PATH variable"; python(1), -P.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

#: Folders of administrators' programs, which an ordinary user's PATH leaves out.
ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def search_path() -> str:
    """The absolute folders of PATH, then the administrators' ones, joined as PATH is."""
    folders = (*os.environ.get("PATH", "").split(os.pathsep), *ADMIN_FOLDERS)
    return os.pathsep.join(dict.fromkeys(filter(os.path.isabs, folders)))


def find(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((found for name in names if (found := shutil.which(name, path=search_path()))), None)


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: this one with safe search paths for programs and for Python's modules, and `more`."""
    modules = os.pathsep.join(filter(os.path.isabs, sys.path))
    return {**os.environ, "PATH": search_path(), "PYTHONPATH": modules, "LC_ALL": "C", **more}


def python(*words: str) -> Sequence[str]:
    """The argv that runs this Python with `words`, such as `-m MODULE`; it needs `environment()`."""
    return (sys.executable, "-P", *words)
