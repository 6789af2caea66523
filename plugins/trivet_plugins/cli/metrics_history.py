"""``trivet metrics history``: how a metric of a running service went, as lines for a terminal."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.printable import printable
from trivet_plugins.cli.remote import DEFAULT_URL, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping, Sequence

BARS: Final = "▁▂▃▄▅▆▇█"
PLAIN_BARS: Final = ".:-=+*#@"
GROWING: Final = frozenset({"counter", "histogram", "summary"})
"""Of these a line shows how much was added, not how much there is."""
COLUMNS: Final = 60


@click.command()
@click.argument("name")
@click.option("--match", multiple=True, metavar="LABEL=VALUE", help="Only series with this label; as often as needed.")
@click.option(
    "--since",
    type=click.FloatRange(min=1),
    default=900.0,
    show_default=True,
    metavar="SECONDS",
    help="Look that far back.",
)
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def history(
    *, name: str, match: Sequence[str], since: float, as_json: bool, url: str, token_file: pathlib.Path | None
) -> None:
    """Show how the series NAME of a service went: of what only grows, how much came in a second.

    NAME is as in the Prometheus text format: orders_total, took_seconds_count.
    """
    query: dict[str, Any] = {"name": name, "from": -since}
    for pair in match:
        label, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter("write it like region=eu", param_hint="--match")
        query[f"match[{label}]"] = value
    found = remote(url, token_file).get("/history", **query)
    if as_json:
        click.echo(json_text(found, indent=2))
    elif not found["series"]:
        click.echo(
            f"there is no history of {printable(name)} with such labels; `trivet metrics show` lists what there is"
        )
    else:
        bars = BARS if _can_show(BARS) else PLAIN_BARS
        for series in found["series"]:
            click.echo("\n".join(_lines(series, found["from"], found["to"], bars)))


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _lines(series: Mapping[str, Any], start: float, end: float, bars: str) -> Iterator[str]:
    labels = ", ".join(f"{label}={value}" for label, value in series["labels"].items())
    yield printable(f"{series['name']}{{{labels}}}" if labels else series["name"])
    samples = _numbers(series)
    unit = ""
    if series["kind"] in GROWING:
        samples, unit = _rates(samples), "/s"
    if not samples:
        yield "  too few numbers for a line"
        return
    values = [value for _, value in samples]
    told = f"min {min(values):.4g}{unit}  max {max(values):.4g}{unit}  last {values[-1]:.4g}{unit}"
    yield f"  {sparkline(samples, start, end, bars)}  {told}"


def _numbers(series: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(series["times"], series["values"], strict=True)
    return [(time, value) for time, value in pairs if isinstance(value, int | float)]


def _rates(samples: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    # A counter that fell has begun anew, at 0.
    return [
        (time, (value - before if value >= before else value) / (time - then))
        for (then, before), (time, value) in pairwise(samples)
    ]


def sparkline(samples: Sequence[tuple[float, float]], start: float, end: float, bars: str = BARS) -> str:
    """Return means over equal parts of a time as bars, a blank where there is no sample.

    Args:
        samples: Times and values.
        start: Of the time.
        end: Of the time.
        bars: From the lowest to the highest.
    """
    parts: list[list[float]] = [[] for _ in range(COLUMNS)]
    for time, value in samples:
        parts[min(COLUMNS - 1, max(0, int((time - start) / (end - start) * COLUMNS)))].append(value)
    means = [sum(part) / len(part) if part else None for part in parts]
    known = [mean for mean in means if mean is not None]
    low, high = min(known), max(known)
    scale = (len(bars) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if mean is None else bars[round((mean - low) * scale)] for mean in means)
