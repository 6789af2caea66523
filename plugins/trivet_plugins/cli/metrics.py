"""``trivet metrics top|show|history``: what a running service spends its time on, and all that it measures."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.metrics_history import history
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.printable import printable
from trivet_plugins.cli.remote import DEFAULT_URL, RemoteError, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Sequence

    from trivet.openmetrics.sample import ParsedFamily, Sample
    from trivet_plugins.cli.operations import Operation
    from trivet_plugins.cli.remote import Remote

_ACCEPT: Final = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4;q=0.5"
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_ORDERS: Final[dict[str, Callable[[Operation], float]]] = {
    "total": lambda one: one.seconds,
    "count": lambda one: one.count,
    "errors": lambda one: one.errors / one.count if one.count else 0.0,
    "p99": lambda one: one.quantile(0.99) if one.count else 0.0,
}


@click.group()
def metrics() -> None:
    """Show what a running service measures."""


@metrics.command()
@click.option(
    "--interval", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Measure that long; else since the start."
)
@click.option("--sort", type=click.Choice(list(_ORDERS)), default="total", show_default=True, help="What comes first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most operations to show.")
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def top(
    *, interval: float | None, sort: str, limit: int, as_json: bool, url: str, token_file: pathlib.Path | None
) -> None:
    """Show the operations that a service spends its time on.

    Those of kernel.metrics.timed and MetricsMiddleware: total and mean time, rate, share of errors, quantiles, and the trace of
    the slowest call that has one. Quantiles are interpolated within the histogram's buckets, as PromQL does it.
    """
    from trivet_plugins.cli.operations import operations, start_of

    service = remote(url, token_file)
    before: Sequence[ParsedFamily] = ()
    begun = time.monotonic()
    if interval is not None:
        before = _scrape(service)
        time.sleep(interval)
    families = _scrape(service)
    start = start_of(families)
    seconds = time.monotonic() - begun if interval is not None else time.time() - start if start is not None else None
    found = [one for one in operations(families, before=before) if one.count]
    rows = [_row(one, seconds) for one in sorted(found, key=_ORDERS[sort], reverse=True)[:limit]]
    if as_json:
        click.echo(json_text({"seconds": seconds, "operations": rows}, indent=2))
    elif not rows:
        click.echo("nothing was timed" + (" meanwhile" if interval is not None else ""))
    else:
        click.echo("\n".join(_table([_HEADINGS, *map(_cells, rows)])))
        if len(found) > limit:
            click.echo(f"and {len(found) - limit} more; --limit shows them")


@metrics.command()
@click.argument("pattern", required=False)
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def show(*, pattern: str | None, as_json: bool, url: str, token_file: pathlib.Path | None) -> None:
    """List the metrics of a service; with a PATTERN the series of those whose names have it in them."""
    families = _scrape(remote(url, token_file))
    chosen = [one for one in families if pattern is None or pattern in one.name]
    if as_json:
        click.echo(json_text([_family(one, samples=pattern is not None) for one in chosen], indent=2))
    elif not chosen:
        click.echo(f"no metric has {pattern!r} in its name")
    elif pattern is None:
        rows = [(one.name, one.kind, f"{len(one.samples)}", printable(one.help)) for one in chosen]
        click.echo("\n".join(_table([("METRIC", "TYPE", "SAMPLES", "HELP"), *rows], left=(0, 1, 3))))
    else:
        for one in chosen:
            click.echo(f"{one.name}  {one.kind}  {printable(one.help)}".rstrip())
            click.echo("\n".join(f"  {_sample(sample)}" for sample in one.samples))


def _scrape(service: Remote) -> Sequence[ParsedFamily]:
    from trivet.openmetrics.reader import read
    from trivet.openmetrics.sample import ExpositionError

    text = service.text("/metrics", accept=_ACCEPT)
    try:
        return read(text, openmetrics=text.endswith("# EOF\n"))
    except ExpositionError as exc:
        raise RemoteError(f"{service.url}/metrics is no exposition: {exc}") from None


def _row(operation: Operation, seconds: float | None) -> dict[str, Any]:
    return {
        "operation": operation.name,
        "labels": dict(operation.labels),
        "count": operation.count,
        "total_seconds": operation.seconds,
        "mean_seconds": operation.seconds / operation.count,
        "rate": operation.count / seconds if seconds else None,
        "error_share": operation.errors / operation.count,
        "in_flight": operation.in_flight,
        **{f"{name}_seconds": operation.quantile(share) for name, share in _SHARES.items()},
        "highest_bound_seconds": operation.highest_bound,
        "slowest_traced_seconds": operation.slowest if operation.trace_id else None,
        "trace_id": operation.trace_id or None,
    }


_HEADINGS: Final = (
    *("OPERATION", "TOTAL", "COUNT", "RATE", "ERRORS", "NOW", "MEAN", "P50", "P95", "P99", "SLOWEST TRACED"),
)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    labels = ",".join(f"{name}={value}" for name, value in row["labels"].items())
    quantiles = []
    for name in _SHARES:
        above = ">" if row[f"{name}_seconds"] >= row["highest_bound_seconds"] else ""
        quantiles.append(f"{above}{_took(row[f'{name}_seconds'])}")
    traced = f"{_took(row['slowest_traced_seconds'])} {printable(row['trace_id'])}" if row["trace_id"] else "-"
    return (
        printable(f"{row['operation']} {labels}".rstrip()),
        _took(row["total_seconds"]),
        f"{row['count']:.0f}",
        "-" if row["rate"] is None else f"{row['rate']:.3g}/s",
        f"{row['error_share']:.1%}",
        "-" if row["in_flight"] is None else f"{row['in_flight']:.0f}",
        _took(row["mean_seconds"]),
        *quantiles,
        traced,
    )


def _took(seconds: float) -> str:
    for factor, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _table(rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0, 10)) -> Sequence[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if index in left else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _family(family: ParsedFamily, *, samples: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"name": family.name, "type": family.kind, "unit": family.unit, "help": family.help}
    if not samples:
        return {**row, "samples": len(family.samples)}
    # JSON has no infinities and no NaN: they are texts, as the formats write them.
    read = [
        {
            "name": one.name,
            "labels": dict(one.labels),
            "value": one.value if math.isfinite(one.value) else str(one.value),
        }
        for one in family.samples
    ]
    return {**row, "samples": read}


def _sample(sample: Sample) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sample.labels.items())
    return printable(
        f"{sample.name}{{{labels}}} {sample.value:.12g}" if labels else f"{sample.name} {sample.value:.12g}"
    )


metrics.add_command(history)
