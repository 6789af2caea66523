"""The README's comparison: a few measures, each in one line with its peers, written between two marks of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.harness import Row

MEASURES: Final[Mapping[str, str]] = {
    "read live.current.pool.size": "read a setting, typed",
    "load 10,000 YAML keys": "load 10,000 YAML keys, each with its place",
    "load 10,000 TOML keys": "load 10,000 TOML keys, each with its place",
    "seal 1 KiB": "seal 1 KiB for its key, place and type",
    "Counter.inc, bound series": "count one",
    "exposition of 10,000 histograms": "write 10,000 histograms for a scrape",
    "span around nothing": "trace a span",
}
"""Measure to what a reader calls it, in the order of the table."""

BEGIN: Final = "<!-- figures: make bench BENCH_OPTIONS='--readme README.md' -->\n"
END: Final = "<!-- end of figures -->\n"
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def write(page: Path, rows: Sequence[Row]) -> None:
    """Put the comparison between the marks of a page.

    Raises:
        ValueError: if the page has no marks, or a measure of the comparison is not among the rows.
    """
    text = page.read_text()
    if BEGIN not in text or END not in text:
        msg = f"{page} has no lines {BEGIN.strip()} and {END.strip()}"
        raise ValueError(msg)
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}{table(rows)}{END}{rest.partition(END)[2]}")


def table(rows: Sequence[Row]) -> str:
    """Return the comparison as a Markdown table, ours as the median of what the peers' runs measured."""
    lines = ["| | trivet | beside it, in the same run |", "|---|---|---|"]
    for measure, words in MEASURES.items():
        found = [row for row in rows if row.measure == measure and row.ours is not None and row.theirs is not None]
        if not found:
            msg = f"no figures for {measure!r}: run it with its peers"
            raise ValueError(msg)
        ours = sorted(row.ours for row in found if row.ours is not None)[len(found) // 2]
        peers = ", ".join(f"{_name(row.peer)} {_time(row.theirs)}" for row in found if row.peer != "plain attrs")
        lines.append(f"| {words} | {_time(ours)} | {peers} |")
    return "\n".join(lines) + "\n"


def _name(peer: str) -> str:
    return re.sub(r" without _created$", "", peer)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    factor, unit = next(((factor, unit) for factor, unit in _UNITS if seconds >= factor), _UNITS[-1])
    count = seconds / factor
    return f"{count:.2g} {unit}" if count < 10 else f"{count:.0f} {unit}"
