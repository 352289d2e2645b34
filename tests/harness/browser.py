"""A real browser without a screen: loads a page, runs its scripts, gives back what became of it.

Chromium runs with a profile folder of its own, without sandbox (tests run as root) and without the network: a page that
asked for something outside would not get it, and `requests` says what it asked for.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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


#: Puts what a script found into the document, where the test reads it.
TOLD = re.compile(r'<pre id="told">(.*?)</pre>', re.DOTALL)
TELL = """
const tell = (found) => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
  document.body.append(told);
};
"""
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


def told_by(html: str, script: str, path: Path, *libraries: str, options: tuple[str, ...] = ()) -> Any:
    """What `script`, run at the end of the page after the libraries, has told."""
    scripts = "".join(f"<script>{library}</script>" for library in (*libraries, TELL, script))
    path.write_text(html.replace("</body>", f"{scripts}</body>"), encoding="utf-8")
    found = TOLD.search(document_after(path, *options))
    assert found is not None, "the script told nothing"
    return json.loads(base64.b64decode(found[1]))
