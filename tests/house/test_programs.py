"""How the product starts other programs: Python never with the current folder on its path, programs by safe folders."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import programs
from engine.lab.script import script
from engine.model.plan import Plan

ROOT = Path(__file__).parents[2]
SAFE = {"-P", "-I"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in ("engine", "views", "workbench"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def test_only_one_module_names_this_python() -> None:
    naming = {
        str(path.relative_to(ROOT))
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "executable"
    }
    assert naming == {"engine/programs.py"}


def test_every_python_that_is_written_down_leaves_the_current_folder_out() -> None:
    wrong = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple | ast.List):
                words = [each.value if isinstance(each, ast.Constant) else "" for each in node.elts]
                if words[:1] == ["python3"] and len(words) > 1 and words[1] not in SAFE:
                    wrong.append(f"{path}:{node.lineno}")
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if "python3 -" in text and not any(f"python3 {flag}" in text for flag in SAFE):
                wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_every_child_gets_an_environment() -> None:
    """A child without `env` would look programs up in the PATH that this process was given."""
    wrong = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                starts = node.func.attr in ("Popen", "run", "check_output", "check_call") and (
                    isinstance(node.func.value, ast.Name) and node.func.value.id == "subprocess"
                )
                if starts and "env" not in {keyword.arg for keyword in node.keywords}:
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_programs_are_looked_up_in_absolute_folders_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\necho hit")
    (tmp_path / "nft").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ":.:./bin:/usr/bin:")
    folders = programs.search_path().split(os.pathsep)
    assert folders == ["/usr/bin", *programs.ADMIN_FOLDERS]
    assert programs.find("nft") != "./nft"
    assert programs.find("no-such-program-here") is None


@pytest.mark.parametrize("words", [("-m", "workbench.start", "--version"), ("-c", "import pickle, engine")])
def test_a_python_child_imports_nothing_of_the_current_folder(tmp_path: Path, words: tuple[str, ...]) -> None:
    for name in ("pickle", "engine", "workbench", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the current folder was run')")
    argv = programs.python(*words)
    done = subprocess.run(
        argv, cwd=tmp_path, env=programs.environment(), input="", capture_output=True, text=True, check=False
    )
    assert "current folder" not in done.stderr
    assert argv[0] == sys.executable


def test_a_lab_script_imports_nothing_of_the_current_folder() -> None:
    assert "python3 -c" not in script(Plan("lab", ()))
