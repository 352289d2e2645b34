"""The rules of the house that a reader could check by hand, checked by machine. Contracts are in pyproject.toml."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "views", "workbench")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
ENGINE = [path for path in SOURCES if path.is_relative_to(ROOT / "engine")]
PYTHON = sorted({*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")})

#: Lines of a code file without its tables, and of what counts as a table.
LONGEST_CODE, A_SCREEN = 320, 40
#: Modules of a room; rooms with more than so many have each named in their docstring.
LARGEST_ROOM, NAMED_FROM = 24, 8

#: Modules that touch the kernel, and who may import them. `socket` alone is also a source of constants.
HANDS = {"iptc", "nftables", "pyroute2", "subprocess"}
#: `documents`, `matrix_pool` and `looking` start nothing but this program itself; `lending` what the user asked for.
MAY_HAVE_HANDS = (
    "engine/observe/",
    "engine/prove/",
    "engine/apply/",
    "workbench/agents/documents.py",
    "workbench/paging.py",
    "workbench/recording/on_flip.py",
    "workbench/session/lending.py",
    "workbench/session/looking.py",
    "workbench/session/matrix_pool.py",
)
#: The pure part of building: it is given a snapshot or a plan and gives another value.
PURE = ("engine/apply/diff.py", "engine/lab/", "engine/model/", "engine/path/", "engine/explain/")

#: Written in two parts, so that this file does not have them.
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")
FOREIGN_PATHS = ("/wo" + "rk/", "/tmp/scr" + "atch", "/ho" + "me/", "/ro" + "ot/")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """The top names of every import in a file, at whatever depth it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def tracked_texts() -> list[Path]:
    """Every text of the repository that people wrote: no pictures, no licence, nothing that was built."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git work tree")
    names = [line for line in done.stdout.splitlines() if not line.endswith((".svg", ".png", "LICENSE"))]
    return [ROOT / line for line in names if (ROOT / line).is_file()]


def test_the_import_contracts_hold():
    argv = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "0 broken" in done.stdout


def test_a_module_says_what_it_is() -> None:
    assert [name(path) for path in SOURCES if not ast.get_docstring(parsed(path))] == []


def test_code_files_are_short() -> None:
    """A table may be as long as it is; where a file is code, there is a joint to cut it at."""
    long = {name(path): lines for path in SOURCES if (lines := code_lines(path)) > LONGEST_CODE}
    assert long == {}


def code_lines(path: Path) -> int:
    """The lines of a module outside of tables: values that are assigned at the top, longer than a screen."""
    tables = (
        node.end_lineno - node.lineno
        for node in parsed(path).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.end_lineno and node.end_lineno - node.lineno > A_SCREEN
    )
    return len(path.read_text(encoding="utf-8").splitlines()) - sum(tables)


def test_a_room_is_small_and_has_a_map() -> None:
    """A folder has at most `LARGEST_ROOM` modules, and its docstring says what is in it."""
    rooms = {path.parent for path in SOURCES}
    crowded = {name(room): count for room in rooms if (count := len(list(room.glob("*.py"))) - 1) > LARGEST_ROOM}
    assert crowded == {}
    unnamed = {}
    for room in rooms:
        told = ast.get_docstring(parsed(room / "__init__.py")) or ""
        modules = [path.stem for path in room.glob("*.py") if path.stem not in ("__init__", "__main__")]
        missing = sorted(each for each in modules if not re.search(rf"\b{each}\b", told))
        if missing and len(modules) > NAMED_FROM:
            unnamed[name(room)] = missing
    assert unnamed == {}


def test_a_public_class_of_the_engine_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for path in ENGINE:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name(path))
    assert {each: found for each, found in places.items() if len(found) > 1} == {}


def test_only_eyes_and_hands_touch_the_kernel() -> None:
    pure = (path for path in SOURCES if not name(path).startswith(MAY_HAVE_HANDS) or name(path).startswith(PURE))
    assert [name(path) for path in pure if imports(path) & HANDS] == []


def test_the_engine_prints_nothing() -> None:
    printed = []
    for path in ENGINE:
        calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        printed += [name(path) for call in calls if isinstance(call, ast.Name) and call.id in ("print", "input")]
    assert printed == []


def test_nothing_is_left_unfinished_and_no_path_of_a_build_machine_is_known():
    found = []
    for path in tracked_texts():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            words = set(line.replace(":", " ").replace("(", " ").split())
            if words & set(UNFINISHED) or any(place in line for place in FOREIGN_PATHS):
                found.append(f"{name(path)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_the_engine_loads_no_terminal_library():
    """What a static graph misses: imports by name, and those of other people's modules."""
    modules = [name(path).removesuffix(".py").replace("/", ".") for path in SOURCES if name(path).startswith("engine/")]
    modules = [module.removesuffix(".__init__") for module in modules]
    script = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'textual', 'rich', 'views', 'workbench'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_git_ignores_no_module():
    """An ignored module is in nobody's clone and in no wheel."""
    words = [name(path) for path in PYTHON]
    done = subprocess.run(["git", "check-ignore", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
