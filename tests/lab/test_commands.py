"""An administrator's line becomes a change: which program runs, and what takes it back."""

from __future__ import annotations

import pytest

from engine.lab.commands import command_of
from engine.lab.spec import ExtraRule, FilePlace


@pytest.mark.parametrize(
    ("line", "runs", "back"),
    [
        ("iptables -A FORWARD -j DROP", "iptables-nft -A FORWARD -j DROP", "iptables-nft -D FORWARD -j DROP"),
        (
            "iptables-legacy -I FORWARD 2 -j DROP",
            "iptables-legacy -w -I FORWARD 2 -j DROP",
            "iptables-legacy -w -D FORWARD -j DROP",
        ),
        (
            "ip6tables-legacy -P INPUT DROP --wait 5",
            "ip6tables-legacy -P INPUT DROP --wait 5",
            "ip6tables-legacy -P INPUT ACCEPT",
        ),
        ("iptables-nft -N MINE", "iptables-nft -N MINE", "iptables-nft -X MINE"),
        ("nft add table ip mine", "nft add table ip mine", "nft delete table ip mine"),
        ("nft flush ruleset", "nft flush ruleset", ""),
    ],
)
def test_a_line_runs_in_the_lab_and_has_a_way_back(line: str, runs: str, back: str) -> None:
    made = command_of(ExtraRule(FilePlace("lab.yaml", 1, "x-lab.rules[0]"), "host", tuple(line.split())), "lab-host")
    assert (made.netns, made.words, made.back) == ("lab-host", tuple(runs.split()), tuple(back.split()))
