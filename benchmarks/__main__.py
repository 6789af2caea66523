"""Run the measures, print a table, write JSON. Exit 1 when a peer is missing, never because a machine is slow."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import attrs

import benchmarks
from benchmarks import comparison, harness

HERE = Path(__file__).parent
HEADINGS = ("measure", "peer", "ours", "theirs", "ratio", "goal", "met")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float | None) -> str:
    """Write a time with three significant digits and a fitting unit."""
    if seconds is None:
        return "-"
    factor, unit = next(((factor, unit) for factor, unit in UNITS if seconds >= factor), UNITS[-1])
    return f"{seconds / factor:.3g} {unit}"


def cells(row: harness.Row) -> tuple[str, ...]:
    """Turn a row into the texts of a table line."""
    met = {True: "yes", False: "no", None: "-"}[row.met]
    show = duration if row.timed else number
    return row.measure, row.peer, show(row.ours), show(row.theirs), row.shown, row.goal, met


def number(count: float | None) -> str:
    """Write a count."""
    return "-" if count is None else f"{count:,}"


def table(rows: Iterable[harness.Row]) -> str:
    """Lay the rows out as a Markdown table."""
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def machine() -> dict[str, object]:
    """Say where the numbers come from."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Run what the arguments select."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="run the measures whose name contains this")
    parser.add_argument("--rounds", type=int, help="rounds of each contest instead of its own number")
    parser.add_argument(
        "--json", type=Path, default=HERE / "results.json", help="where to write (default: %(default)s)"
    )
    parser.add_argument(
        "--readme", type=Path, metavar="PAGE", help="run the comparison alone, and put it into this page"
    )
    options = parser.parse_args()
    for module in pkgutil.iter_modules(benchmarks.__path__, "benchmarks."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows: list[harness.Row] = []
    wanted = comparison.MEASURES if options.readme else [name for name in harness.measures if options.pattern in name]
    selected = [name for name in harness.measures if name in wanted]
    for number, name in enumerate(selected, 1):
        print(f"[{number}/{len(selected)}] {name}", file=sys.stderr, flush=True)
        rows.extend(harness.run(name, options.rounds))
    print(table(rows))
    record = {"machine": machine(), "rows": [attrs.asdict(row) for row in rows]}
    if options.readme:
        comparison.write(options.readme, rows)
    options.json.write_text(json.dumps(record, indent=2) + "\n")
    return int(any(row.shown.startswith("missing") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
