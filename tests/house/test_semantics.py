"""The page about the model's rules names every scenario, and nothing that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
FOLDER = ROOT / "tests" / "scenarios"
SCENARIOS = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.toml")}


def proofs() -> list[list[str]]:
    """The names in the last column, row by row."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| rule", "| ---"))]
    return [re.findall(r"`([^`]+)`", row.strip("| ").rpartition(" | ")[2]) for row in rows]


def test_every_rule_has_a_proof_that_exists() -> None:
    for names in proofs():
        assert names
        for name in names:
            assert name in SCENARIOS or (ROOT / name).is_file(), name


def test_every_scenario_proves_a_rule() -> None:
    assert SCENARIOS - {name for names in proofs() for name in names} == set()
