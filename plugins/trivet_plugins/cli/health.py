"""``trivet health``: the checks of a running service, as its admin pages tell them. Exit 1 where one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.remote import DEFAULT_URL, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping, Sequence

UNHEALTHY: Final = 1
_UNAVAILABLE: Final = 503


@click.command()
@click.option("--group", metavar="NAME", help="Only the checks of a group: live, ready, startup or an own one.")
@click.option("--tag", metavar="WORD", help="Only the checks with this tag.")
@click.option("--refresh", is_flag=True, help="Run the checks now; else their last results are shown.")
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def health(
    *, group: str | None, tag: str | None, refresh: bool, as_json: bool, url: str, token_file: pathlib.Path | None
) -> None:
    """Show the health checks of a running service.

    Exit 0: no check fails, though some may warn. 1: one fails.
    """
    asked = {"group": group, "tag": tag, "refresh": "1" if refresh else None}
    found = remote(url, token_file).get("/health", also=_UNAVAILABLE, **asked)
    click.echo(json_text(found, indent=2) if as_json else "\n".join(_lines(found)))
    if found["status"] == "fail":
        click.get_current_context().exit(UNHEALTHY)


def _lines(found: Mapping[str, Any]) -> Sequence[str]:
    what = found["service"] if found["group"] is None else f"{found['service']} ({found['group']})"
    causes = f", because of {', '.join(found['root_causes'])}" if found["root_causes"] else ""
    head = f"{what}: {found['status']}{causes}" if found["gate"] is None else f"{what}: fail, {found['gate']}"
    rows = [("CHECK", "STATUS", "AGE", "TOOK", "AVAILABLE", "GROUPS", "SAYS"), *map(_cells, found["checks"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return [head, "", *(line.rstrip() for line in lines)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    says = row["output"]
    if row["causes"]:
        says = f"{says} (caused by {', '.join(row['causes'])})"
    share = row["availability"]
    return (
        row["name"],
        row["status"],
        _seconds(row["age_seconds"]),
        _seconds(row["took_seconds"]),
        "-" if share is None else f"{share:.2%}",
        ",".join(row["groups"]),
        says,
    )


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
