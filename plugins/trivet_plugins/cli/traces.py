"""``trivet traces``: the spans that a running service keeps, as a list, or one trace as a tree."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.remote import DEFAULT_URL, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping, Sequence

    Span = Mapping[str, Any]

SHOWN: Final = 50


@click.command()
@click.argument("trace_id", required=False)
@click.option("--notable", is_flag=True, help="Only the slow and the failed spans.")
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def traces(*, trace_id: str | None, notable: bool, as_json: bool, url: str, token_file: pathlib.Path | None) -> None:
    """Show the last spans of a running service, the newest first.

    With a TRACE_ID it shows that trace as a tree.
    """
    found = remote(url, token_file).get("/traces", trace=trace_id, notable="1" if notable else None)
    spans: Sequence[Span] = found["spans"]
    if as_json:
        click.echo(json_text(found, indent=2))
    elif not spans:
        click.echo("no spans are kept" if trace_id is None else f"no spans of trace {trace_id} are kept")
    elif trace_id is None:
        click.echo("\n".join(_list(spans[:SHOWN])))
        if len(spans) > SHOWN:
            click.echo(f"and {len(spans) - SHOWN} older ones; --json shows all")
    else:
        click.echo("\n".join(_tree(spans)))


def _list(spans: Sequence[Span]) -> Sequence[str]:
    rows = [("TIME", "TOOK", "TRACE", "SPAN", "ERROR")]
    rows += [(_clock(one["at"]), _took(one), one["trace_id"], one["name"], one["error"]) for one in spans]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _tree(spans: Sequence[Span]) -> Iterator[str]:
    ids = {one["span_id"] for one in spans}
    below: dict[str, list[Span]] = {}
    for one in sorted(spans, key=lambda one: float(one["at"])):
        below.setdefault(one["parent_id"] if one["parent_id"] in ids else "", []).append(one)
    waiting = [(one, 0) for one in reversed(below.get("", []))]
    while waiting:
        one, depth = waiting.pop()
        yield _line(one, depth)
        waiting += [(child, depth + 1) for child in reversed(below.get(one["span_id"], []))]


def _line(span: Span, depth: int) -> str:
    attributes = "".join(f"  {name}={value}" for name, value in span["attributes"].items())
    error = f"  ! {span['error']}" if span["error"] else ""
    return f"{_took(span):>10}  {'  ' * depth}{span['name']}{attributes}{error}"


def _took(span: Span) -> str:
    return f"{span['seconds'] * 1000:.1f} ms" if span["seconds"] < 1 else f"{span['seconds']:.2f} s"


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
