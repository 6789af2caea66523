"""The threat model names its proofs, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text()
PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_proof_that_is_named_is_there():
    """A test that is renamed takes the claim with it unless the page follows."""
    missing = [
        f"{file}::{name}"
        for file, name in PROOF.findall(PAGE)
        if not (ROOT / file).is_file()
        or (name and not re.search(rf"\bdef {name}\(", (ROOT / file).read_text(encoding="utf-8")))
    ]
    assert missing == []


def test_every_promise_names_a_proof():
    """A row of the table without a test is a wish."""
    table = PAGE.partition("## What is protected")[2].partition("## What is not protected")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| against")]
    assert len(rows) > 10
    assert [row for row in rows if not PROOF.search(row)] == []


def test_the_policy_points_to_it():
    """Who reports a weakness should know what is none."""
    assert "docs/explanation/threat-model.md" in (ROOT / "SECURITY.md").read_text()
