"""The second kernel: what runs there comes back, what goes wrong there is one error, and nothing is left of it."""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path

import pytest

from tests.harness import second_kernel
from tests.harness.needs import require
from tests.harness.second_kernel import PROGRAM, REGISTERS_FIT, GuestError, missing, there
from tests.kernel.guest_plays import built, ending, failing

require(PROGRAM, "ip", "tc", "iptables-legacy", root=True)

needs_its_start = pytest.mark.xfail(not REGISTERS_FIT, reason="linux.uml does not start on this processor", strict=True)


def left() -> tuple[set[str], set[str]]:
    """The folders of runs, and the processes of the program."""
    folders = {each.name for each in Path(tempfile.gettempdir()).glob("portscope-guest-*")}
    running = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            name = path.read_text().strip()
            state = path.with_name("stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if name == PROGRAM[:15] and state != "Z":
            running.add(path.parent.name)
    return folders, running


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    before = left()
    yield
    until = time.monotonic() + 10.0
    while left() != before and time.monotonic() < until:  # what was killed ends a moment later
        time.sleep(0.05)
    assert left() == before


@needs_its_start
def test_it_has_what_this_kernel_lacks_and_portscope_sees_it() -> None:
    release, kinds, rules, refused = there(built)
    assert refused == []
    assert release != platform.release()
    wanted = {"d0": "dummy", "d0.5": "vlan", "b0": "bond", "red": "vrf", "br0": "bridge", "g0": "gre", "iv0": "ipvlan"}
    assert wanted.items() <= kinds.items()
    assert rules == 1


@needs_its_start
def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(LookupError, match="no such thing"):
        there(failing, "such thing")


@needs_its_start
def test_one_that_ends_without_an_answer_says_so_with_its_last_words() -> None:
    with pytest.raises(GuestError, match="ended without an answer") as error:
        there(ending)
    assert "\n" in str(error.value)


@needs_its_start
def test_one_that_hangs_is_ended() -> None:
    with pytest.raises(GuestError, match="did not end within 6 s"):
        there(time.sleep, 600, seconds=6)


def test_what_keeps_it_from_starting_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(second_kernel, "MEMORY_PLACE", tmp_path / "no-such-place")
        assert "is not there, where its memory is kept" in missing()
        changed.setattr(second_kernel, "MEMORY_PLACE", tmp_path)
        changed.setattr(second_kernel, "MEMORY", 1 << 60)
        assert "less than" in missing()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing() == "linux.uml is not installed (Debian: user-mode-linux)"
    with pytest.raises(GuestError, match="is not installed"):
        there(built)
