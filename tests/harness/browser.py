"""A real browser without a screen: loads a page, runs its scripts, gives back what became of it.

Chromium runs with a profile folder of its own, without sandbox (tests run as root) and without the network: a page that
asked for something outside would not get it, and `requests` says what it asked for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=5000",
)
#: Whole files of npm packages that scripts/setup.sh has put here for the browser.
WEB = Path(sys.prefix) / "web"


#: A user who prefers dark colours.
DARK = "--blink-settings=preferredColorScheme=0"


def document_after(page: Path, *options: str) -> str:
    """The page's document as HTML, when its scripts have run."""
    return _browse(page, *options, "--dump-dom")


def printed(page: Path, paper: Path) -> None:
    """Prints the page into a PDF file."""
    _browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")


def _browse(page: Path, *options: str) -> str:
    """What the browser writes to its standard output. Raises CalledProcessError, TimeoutExpired."""
    with tempfile.TemporaryDirectory(prefix="portscope-browser-") as profile:
        argv = ["chromium", *OPTIONS, *options, f"--user-data-dir={profile}", page.as_uri()]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=120)
    return done.stdout


def package_file(path: str) -> str:
    """The text of a file of an npm package."""
    return (WEB / path).read_text(encoding="utf-8")
