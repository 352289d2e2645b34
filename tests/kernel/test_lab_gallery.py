"""The gallery on the real kernel: every lab comes up, answers its own checks, and the kernel says the same."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.apply.namespaces import run_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.lab import breaking, description, faults, library, lifecycle
from engine.observe.look.snapshot import take
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, Netns
from tests.harness.probe import probe
from tests.harness.processes import wait

#: Exit codes of curl(1).
CURL = {0: "connected", 6: "name-not-found", 7: "refused", 28: "timeout", 35: "tls-failure"}
#: What curl does not speak; connecting is enough.
POSTGRES = re.compile(r"^postgres://([^/]+)/.*")
require("ip", "nft", "iptables-nft", "iptables-legacy", "tc", "curl", "nginx", root=True)


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
    for node in draft.lab.nodes:
        for port in draft.lab.published if node.command else ():
            if port.service == node.name:
                inside = Netns(str(NETNS_FOLDER / node.netns), node.netns)
                wait(partial(inside.listening, port.container_port), f"{node.name} does not listen")
    for check in draft.lab.spec.checks:
        netns = draft.lab.netns_by_node[check.source]
        by_url = "://" in check.target
        fetched = fetch(netns, check.target) if by_url else None
        snapshot = description.dress(run_in(lifecycle.host_path(name), take), draft.lab)
        question = resolve(snapshot, check.target, f"ns:{netns}", check.protocol)
        verdict = ask(snapshot, question)
        codes = [each.code for each in verdict.causes[:1] or verdict.findings]
        assert str(verdict.symptom) == check.expect, check
        assert check.cause in ("", *codes), (check, codes)
        if fetched is not None:
            told = verdict.conversation.http
            assert fetched[0] == check.expect, check
            assert told is None or fetched[1] == (told.status if check.expect == "connected" else 0), check
            continue
        path = str(NETNS_FOLDER / netns)
        assert probe(path, str(question.address), question.port, str(check.protocol)).symptom == check.expect, check


def fetch(netns: str, url: str) -> tuple[str, int]:
    """What curl comes to, as `ip netns exec` runs it: the symptom, and the status of HTTP."""
    words = ["-s", "-k", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", POSTGRES.sub(r"telnet://\1:5432", url)]
    argv = ["ip", "netns", "exec", netns, "curl", *words]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return CURL[done.returncode], int(done.stdout)
