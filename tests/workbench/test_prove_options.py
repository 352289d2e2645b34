"""Options of a proof that do not go together: one line that says which, before anything is looked at."""

from __future__ import annotations

import pytest

from workbench.cli import main
from workbench.exits import Exit


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--timeout", "3"), "--timeout goes with --prove"),
        (("--trace",), "--trace goes with --prove"),
        (("--pcap", "x"), "--pcap goes with --prove"),
        (("--save-case", "x"), "--save-case goes with --prove"),
        (("--prove", "--redact"), "--redact goes with --save-case"),
        (("--force",), "--force goes with --pcap or --save-case"),
        (("--prove", "--snapshot", "x"), "a file cannot be attempted"),
        (("--prove", "--from", "everywhere"), "name one place with --from"),
        (("--prove", "--timeout", "0"), "from 0.05 to 600 seconds"),
    ],
    ids=str,
)
def test_options_that_do_not_go_together_are_one_line(
    words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", "127.0.0.1:80", *words]) == Exit.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert line in shown.err
    assert shown.err.count("\n") == 1
