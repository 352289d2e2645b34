"""The gallery on the real kernel: every lab comes up, answers its own checks, and the kernel says the same."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.apply.namespaces import run_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.lab import breaking, description, faults, library, lifecycle
from engine.observe.look.snapshot import take
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER
from tests.harness.probe import probe

require("ip", "nft", "iptables-nft", "iptables-legacy", "tc", root=True)


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    found = f"lb{secrets.token_hex(3)}"
    yield found
    assert lifecycle.down(found, tmp_path) == ()


@pytest.mark.parametrize("which", library.names())
def test_a_lab_of_the_gallery_answers_as_its_file_says_and_the_kernel_agrees(
    tmp_path: Path, name: str, which: str
) -> None:
    draft = lifecycle.draft(library.text(which), which, name)
    lifecycle.up(draft, tmp_path)
    for fault in draft.lab.spec.faults:
        breaking.break_lab(draft, faults.find(fault), tmp_path)
    snapshot = description.dress(run_in(lifecycle.host_path(name), take), draft.lab)
    for check in draft.lab.spec.checks:
        netns = draft.lab.netns_by_node[check.source]
        question = resolve(snapshot, check.target, f"ns:{netns}", check.protocol)
        verdict = ask(snapshot, question)
        codes = [each.code for each in verdict.causes[:1] or verdict.findings]
        assert str(verdict.symptom) == check.expect, check
        assert check.cause in ("", *codes), (check, codes)
        path = str(NETNS_FOLDER / netns)
        assert probe(path, str(question.address), question.port, str(check.protocol)).symptom == check.expect, check
