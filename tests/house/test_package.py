"""What is installed: the manual page of the grammar as it is, and a wheel with all that the program reads."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import manual

ROOT = Path(__file__).parents[2]


def test_the_manual_page_is_that_of_the_grammar():
    assert manual.PAGE.read_text(encoding="utf-8") == manual.text(), "python -m scripts.manual writes it"
    assert manual.COMMANDS.read_text(encoding="utf-8") == manual.commands(), "python -m scripts.manual writes it"


def test_the_manual_page_is_one_that_man_shows_without_a_complaint():
    argv = ("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(manual.PAGE))
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> list[Path]:
    """Two wheels of this tree."""
    made = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        argv = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
        subprocess.run(argv, capture_output=True, text=True, check=True)
        made += folder.glob("*.whl")
    return made


def test_the_same_tree_gives_the_same_wheel(wheels):
    one, two = wheels
    assert one.read_bytes() == two.read_bytes()


def test_the_wheel_has_every_file_that_the_program_reads(wheels):
    names = set(zipfile.ZipFile(wheels[0]).namelist())
    tracked = subprocess.run(
        ("git", "ls-files", "engine", "views", "workbench"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in tracked if name not in names] == []
    assert any(name.endswith("share/man/man1/portscope.1") for name in names)
    assert not any(name.startswith(("tests/", "bench/", "scripts/")) for name in names)
