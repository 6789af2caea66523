"""``trivet plugins``: the providers that would run, who gives each, and what stands in the way of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Kernel, ProviderRow

KEYS: Final = ("id", "kind", "plugin", "distribution", "version", "state", "replaces", "error")


@click.command(cls=LaunchCommand)
@app_option
@launch_options
@json_option
def plugins(*, app: str | None, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `open_kernel`
    """List the providers that take part, and the plugins that give them."""
    import anyio
    import attrs

    kernel = open_kernel(app, **launch)
    note = anyio.run(_enable, kernel)
    # What had to run for the configuration has stopped again; here everything is what would run.
    rows = [attrs.evolve(row, state="declared") if row.state == "stopped" else row for row in kernel.plugins()]
    if as_json:
        click.echo(json.dumps([{key: getattr(row, key) for key in KEYS} for row in rows], indent=2, ensure_ascii=False))
    else:
        click.echo(_table(rows))
    if note:
        click.echo(note, err=True)


async def _enable(kernel: Kernel) -> str | None:
    """Let the configuration name its plugins. A configuration that is wrong must not hide what is installed: it is a note."""
    from trivet import CompositionError, TrivetError

    try:
        async with kernel.configured():
            return None
    except CompositionError:
        raise
    except TrivetError:
        return "note: the configuration does not load; trivet check says why"


def _table(rows: Sequence[ProviderRow]) -> str:
    cells = [("ID", "STATE", "PLUGIN", "DISTRIBUTION", "REMARK"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: ProviderRow) -> tuple[str, str, str, str, str]:
    distribution = f"{row.distribution} {row.version or ''}".rstrip() if row.distribution else "-"
    remarks = [f"replaces {row.replaces}"] if row.replaces else []
    if row.error:
        remarks.append(row.error)
    return row.id, row.state, row.plugin, distribution, "; ".join(remarks)
