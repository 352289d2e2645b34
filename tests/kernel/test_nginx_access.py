"""A client that the real nginx turns away is let in by the line that a fix writes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.change.application.proxy_access import LetIn
from engine.model.application.proxy import ConfigPlace
from engine.model.where import named
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait
from tests.kernel.test_nginx_paths import HEAD, fetched

require("nginx", "curl", "ss", root=True)


@pytest.mark.parametrize(
    "rules",
    ["deny all;", "allow 10.0.0.0/8;\tdeny all;", "deny 127.0.0.0/8; deny all;"],
)
def test_a_line_lets_one_client_in(tmp_path: Path, rules: str) -> None:
    file = tmp_path / "nginx.conf"
    text = f"location /api {{{rules} proxy_pass http://127.0.0.1:9000; }} }} }}\n"
    file.write_text(f"{HEAD.format(tmp_path)}server {{ listen 8080;\n{text}")
    tmp_path.chmod(0o755)
    line = len(HEAD.splitlines()) + 2
    assert file.read_text().splitlines()[line - 1] == text.strip()
    with World() as world:
        web = world.netns("web")
        with running(web, file):
            assert fetched(web, "/api")[0] == 403
        change = LetIn("web", 1, ConfigPlace(str(file), line), ip_address("127.0.0.1"), str(file))
        for argv in change.argv(named()):
            subprocess.run(argv, check=True, timeout=10, env={"PATH": "/usr/bin:/bin"})
        with running(web, file):
            assert fetched(web, "/api") == (200, "/api")


@contextmanager
def running(netns: Netns, file: Path) -> Iterator[None]:
    """nginx with a configuration."""
    process = subprocess.Popen(netns.enter(["nginx", "-c", str(file)]), stderr=subprocess.DEVNULL)
    try:
        wait(lambda: netns.listening(8080) or process.poll() is not None, "nginx does not listen")
        yield
    finally:
        process.terminate()
        process.wait()
