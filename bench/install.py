"""What portscope takes on a disk and until its first word, beside tools that people install for the same evening.

    python -m bench.install [WHEEL] [--rounds 15] [--pypi ansible-core glances posting] [--debian docker-cli nmap]

Without a wheel only the start-up of what is in .venv is measured. With one (`make dist`) it and each package of --pypi
get an environment of their own (pip, which reads PyPI); its size is that of the files which pip wrote, the compiled
modules among them, without pip and Python. A Debian package counts with all that it depends on, without what every
Debian has (`apt-cache depends`, Installed-Size). Each round starts all programs once, in turn. It asserts nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.why import Spent, in_turn, table, timed
from tests.harness.netns import run

REPOSITORY = Path(__file__).resolve().parents[1]
#: What every Debian has, a minimal one, too.
BASE = ("apt", "bash", "coreutils", "dpkg", "mount", "util-linux")
#: What a new environment has before anything is installed into it.
EVERYWHERE = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
#: The program that a package of PyPI is known by, where it has another name.
PROGRAMS = {"ansible-core": "ansible"}
#: What portscope is compared with: Python and a terminal interface that has drawn nothing yet.
EMPTY = "Python, and Textual imported"
OF_A_PACKAGE = (
    "--recurse",
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
)


def environment(folder: Path, package: str) -> Path:
    """An environment with one package. Its programs are in bin/."""
    run([sys.executable, "-m", "venv", str(folder)])
    run([str(folder / "bin/pip"), "install", "-q", package])
    return folder


def size(folder: Path) -> int:
    """Bytes of what pip installed there, without what every environment has."""
    places = (each for each in folder.glob("lib/python*/site-packages/*") if not each.name.startswith(EVERYWHERE))
    files = (each for place in places for each in (place, *place.rglob("*")))
    return sum(each.stat().st_size for each in files if each.is_file())


def closure(packages: Iterable[str]) -> set[str]:
    """Debian packages with all that they depend on."""
    listed = run(["apt-cache", "depends", *OF_A_PACKAGE, *packages])
    return set(re.findall(r"^(\w[\w.+-]*)$", listed, re.MULTILINE))


def debian_size(package: str) -> int:
    """Bytes that a minimal Debian grows by."""
    added = closure([package]) - closure(BASE)
    newest: dict[str, int] = {}
    for entry in run(["apt-cache", "show", "--no-all-versions", *sorted(added)]).split("\n\n"):
        name, kilobytes = re.search(r"^Package: (.+)", entry), re.search(r"^Installed-Size: (\d+)", entry, re.MULTILINE)
        if name and kilobytes:
            newest[name[1]] = int(kilobytes[1])
    return 1024 * sum(newest.values())


def starts(home: Path) -> dict[str, Callable[[], Spent]]:
    """The first words of portscope, and what it costs to be able to say any."""
    program, python = str(home / "bin/portscope"), str(home / "bin/python")
    return {
        "portscope --version": lambda: timed(lambda: run([program, "--version"])),
        "portscope --help": lambda: timed(lambda: run([program, "--help"])),
        "portscope why 127.0.0.1:1": lambda: timed(lambda: run([program, "why", "127.0.0.1:1"], check=False)),
        "Python": lambda: timed(lambda: run([python, "-c", "pass"])),
        EMPTY: lambda: timed(lambda: run([python, "-c", "import textual.app, textual.widgets"])),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="size and start-up of portscope beside other tools")
    parser.add_argument("wheel", nargs="?", metavar="WHEEL")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pypi", nargs="*", default=["ansible-core", "glances", "posting"])
    parser.add_argument("--debian", nargs="*", default=["docker-cli", "nmap", "tshark", "podman"])
    given = parser.parse_args()
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = REPOSITORY / ".venv"
        others: dict[str, Callable[[], Spent]] = {}
        if given.wheel:
            home = environment(Path(folder) / "portscope", given.wheel)
            rows = starts(home)
            for row in rows.values():
                row()  # compiles what it needs
            sizes["portscope"] = size(home)
            for package in given.pypi:
                beside = environment(Path(folder) / package, package)
                argv = [str(beside / "bin" / PROGRAMS.get(package, package)), "--version"]
                others[f"{package} --version"] = lambda argv=argv: timed(lambda: run(argv, check=False))
                others[f"{package} --version"]()
                sizes[package] = size(beside)
        for package in given.debian:
            program = package.removesuffix("-cli")
            sizes[f"{package} (Debian)"] = debian_size(package)
            if shutil.which(program):
                argv = [program, "--version"]
                others[f"{program} --version"] = lambda argv=argv: timed(lambda: run(argv, check=False))
        print(f"{given.rounds} rounds, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d')}")
        print(table(in_turn({**starts(home), **others}, given.rounds), EMPTY, {}))
    print(f"\n{'installed':52}{'MB':>8}")
    for name, found in sorted(sizes.items(), key=lambda each: each[1]):
        print(f"{name:52}{found / 1e6:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
