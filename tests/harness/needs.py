"""What a test needs of the machine, and what happens where it is not there.

`require` skips with the reason. With PORTSCOPE_STRICT=1 (as .ci/run sets it) `tests/conftest.py` turns every skip,
whoever asked for it, into a failure: there, everything is installed.
"""

from __future__ import annotations

import os
import shutil

import pytest

STRICT_VARIABLE = "PORTSCOPE_STRICT"
#: Where administrators' programs are, which an ordinary user's PATH lacks.
ADMIN_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def strict() -> bool:
    """Whether a skip is a failure in this run."""
    return os.environ.get(STRICT_VARIABLE, "0") not in ("", "0")


def require(*programs: str, root: bool = False) -> None:
    """Skips the test (or, at the top of a module, all of it) unless the programs are there, and root where needed."""
    lacking = [f"{program} is not installed" for program in programs if not shutil.which(program, path=ADMIN_PATH)]
    if root and os.geteuid() != 0:
        lacking.append("not root")
    if lacking:
        pytest.skip(f"needs more than there is here: {', '.join(lacking)}", allow_module_level=True)
