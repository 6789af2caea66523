"""Every pain on the page has its threads, and a test that is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "explanation" / "known-pains.md"
ROW = re.compile(
    r"^\| (?P<number>\d+) \| (?P<pain>[^|]+) \| (?P<threads>[^|]+) \| (?P<answer>[^|]+) \| (?P<tests>[^|]+) \|$",
    re.MULTILINE,
)
ROWS = {int(row["number"]): row for row in ROW.finditer(PAGE.read_text())}
THREAD = re.compile(r"([\w.-]+/)?[\w.-]+#\d+|GHSA(-[\w]{4}){3}")
NODE = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)`")
PAINS = 31


@cache
def defined_in(file):
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_no_pain_is_left_out():
    """All of them, each once; no line of the tables is misread."""
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]
    assert len(lines) == len(ROWS)
    assert sorted(ROWS) == list(range(1, PAINS + 1))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_pain_has_threads_and_tests_that_are_there(number):
    """A test that is renamed or removed is missed here."""
    threads = ROWS[number]["threads"].split()
    assert threads
    assert [text for text in threads if not THREAD.fullmatch(text)] == []
    named = ROWS[number]["tests"].split()
    nodes = [NODE.fullmatch(text) for text in named]
    assert all(nodes), named
    assert [text for text, node in zip(named, nodes, strict=True) if node["name"] not in defined_in(node["file"])] == []
