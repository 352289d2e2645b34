import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.harness import leaks
from tests.harness.needs import require

#: Starts a process that outlives it, and tells its id.
ORPHAN = "from subprocess import *; print(Popen(['sleep', '60'], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL).pid)"


def since(before: leaks.Footprint, *, alone: bool = False) -> list[str]:
    return leaks.footprint().left_since(before, alone=alone)


def test_a_process_is_noticed_until_it_ends():
    before = leaks.footprint()
    process = subprocess.Popen(["sleep", "60"])
    assert [line.split(" (")[0] for line in since(before)] == [f"process {process.pid} sleep"]
    process.kill()
    process.wait()
    assert since(before) == []


def test_an_orphan_is_noticed(nothing_left_by_the_run):
    before = leaks.footprint()
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=True)
    orphan = int(done.stdout)
    try:
        assert [line.split(" (")[0] for line in since(before)] == [f"process {orphan} sleep"]
    finally:
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)


def test_a_temporary_file_is_noticed():
    before = leaks.footprint()
    _, name = tempfile.mkstemp()
    assert since(before) == [f"file {name}"]
    Path(name).unlink()


def test_a_named_namespace_is_noticed():
    require("ip", root=True)
    before = leaks.footprint()
    name = f"psthouse{secrets.token_hex(3)}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        assert f"namespace /run/netns/{name}" in since(before, alone=True)
        assert f"mount /run/netns/{name}" in since(before, alone=True)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
    assert not any(name in line for line in since(before, alone=True))


def test_a_second_run_is_noticed(tmp_path):
    first = leaks.Company(tmp_path)
    assert first.alone()
    second = leaks.Company(tmp_path)
    assert not first.alone()
    second.close()
    assert first.alone()
    first.close()


LEAKY = """
import tempfile
import pytest
from pathlib import Path

def test_leaves_a_file():
    Path(tempfile.gettempdir(), "left").touch()

def test_leaves_nothing():
    pass

def test_is_skipped():
    pytest.skip("no such tool")

@pytest.mark.xfail(strict=True)
def test_is_known_to_fail():
    assert False  # the last test: it also gets the error of the whole run, which left a file
"""


def run_pytest(folder: Path, **environment: str) -> tuple[int, str]:
    (folder / "test_leaky.py").write_text(LEAKY)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", str(folder)]
    root = Path(__file__).parents[2]
    (folder / "temporary").mkdir()
    env = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(folder / "temporary"), **environment}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_leak_fails_the_test_that_made_it(tmp_path):
    code, said = run_pytest(tmp_path, PORTSCOPE_STRICT="0")
    assert code == 1
    assert "left behind: file" in said
    assert "2 passed, 1 skipped, 1 xfailed, 2 errors" in said


def test_a_skip_is_a_failure_in_a_strict_run(tmp_path):
    code, said = run_pytest(tmp_path, PORTSCOPE_STRICT="1")
    assert code == 1
    assert "PORTSCOPE_STRICT is set, and this was skipped: Skipped: no such tool" in said
    assert "1 failed, 2 passed, 1 xfailed, 2 errors" in said


def test_require_says_what_is_missing():
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        require("no-such-program")
