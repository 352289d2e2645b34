"""The rules that hold for every test: nothing is left behind, a skip is seen, and the environment is a known one."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import leaks
from tests.harness.needs import STRICT_VARIABLE, strict
from tests.harness.schemas import check_text
from workbench import output

#: Settings of the user's terminal and of portscope that change what is drawn or said.
UNSET = ("NO_COLOR", "TEXTUAL_THEME", "PORTSCOPE_DEBUG", "COLUMNS", "LINES")

#: What a test needs, by its folder or file; all other tests are pure.
MARKS = {
    "apply": "kernel", "engines": "engines", "faults": "kernel", "fidelity": "kernel", "kernel": "kernel",
    "views/test_report_page.py": "screens", "workbench": "screens",
}  # fmt: skip
MEANINGS = (
    "pure: needs no kernel, container engine or screen (`make quick`)",
    "kernel: asks the kernel, in namespaces of its own; mostly as root",
    "engines: starts real container engines, as root",
    "screens: drives the workbench, the command line or a browser",
)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(HERE) if item.path.is_relative_to(HERE) else item.path
        item.add_marker(MARKS.get(str(place)) or MARKS.get(place.parts[0], "pure"))


def pytest_configure(config: pytest.Config) -> None:
    for meaning in MEANINGS:
        config.addinivalue_line("markers", meaning)
    for name in UNSET:
        os.environ.pop(name, None)
    # Under nohup, and in a background job of a shell, an interrupt is ignored, and by all that is started from here.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    # pytest keeps the last runs' folders for the user to look at; they stay where the user looks for them.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(leaks.TEMPORARY))


@pytest.fixture(scope="session")
def company() -> Iterator[leaks.Company]:
    company = leaks.Company()
    yield company
    company.close()


@pytest.fixture(scope="session", autouse=True)
def nothing_left_by_the_run(company: leaks.Company) -> Iterator[None]:
    """Gives the run a temporary folder, and fails when something is left after all fixtures have ended."""
    leaks.adopt()
    folder = tempfile.mkdtemp(prefix="pst-")
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    before = leaks.footprint()
    yield
    try:
        leaks.check(before, alone=company.alone())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_left(company: leaks.Company, nothing_left_by_the_run: None) -> Iterator[None]:
    """Fails a test that leaves something behind. What a longer-lived fixture holds was there before the test."""
    before = leaks.footprint()
    yield
    leaks.check(before, alone=company.alone())


@pytest.fixture(scope="session", autouse=True)
def documents_are_as_published() -> Iterator[None]:
    """Checks each JSON document that a command prints."""
    printed = output.emit_whole

    def checked(text: str) -> None:
        check_text(text)
        printed(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "emit_whole", checked)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo and call.excinfo.errisinstance(leaks.Leak):
        report.outcome = "failed"
        report.__dict__.pop("wasxfail", None)
    return fail_a_skip(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    return fail_a_skip((yield))


def fail_a_skip(report):
    """In a strict run, turns a skip into a failure. An expected failure is not a skip."""
    if strict() and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{STRICT_VARIABLE} is set, and this was skipped: {reason}"
    return report
