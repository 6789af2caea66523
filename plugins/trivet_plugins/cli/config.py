"""``trivet config show|get|explain``: the configuration that would be in force, and where each value comes from.

Secrets are masked. Nothing starts but what loading takes; a configuration that is not valid prints its problems and
exits with 78. With ``--url`` a running service tells what is in force there. The group is here too; its other commands
have files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trivet.config.row import explanation_row, leaf_row
from trivet_plugins.cli.config_diff import diff
from trivet_plugins.cli.config_export import export, schema
from trivet_plugins.cli.config_service import history, override, pin, reload, rollback, unpin
from trivet_plugins.cli.config_validate import validate
from trivet_plugins.cli.inquiry import ask, json_text, row_place
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options
from trivet_plugins.cli.remote import at_option, remote_options, service_or_none

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping


@click.group()
def config() -> None:
    """Show configuration, and where each value comes from."""


for command in (diff, export, history, override, pin, reload, rollback, schema, unpin, validate):
    config.add_command(command)


@config.command(cls=LaunchCommand)
@at_option
@app_option
@launch_options
@remote_options()
@json_option
def show(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - handed on to `_shown`
    """Print each value in force with its origin, defaults included."""
    found = _shown(as_json=as_json, **options)
    if as_json:
        click.echo(json_text(found, indent=2))
        return
    rows = [(f"{row['path']} = {json_text(row['value'])}", row["origin"]) for row in found]
    width = min(60, max((len(text) for text, _ in rows), default=0))
    for text, origin in rows:
        click.echo(f"{text:<{width}}  # {row_place(origin)}")


def _shown(
    *,
    as_json: bool,
    url: str | None,
    token_file: pathlib.Path | None,
    at: int | None,
    **launch: Any,  # noqa: ANN401 - handed on to `ask`
) -> Any:  # noqa: ANN401 - the tree, or its values as rows
    """Return the tree for JSON, and rows of `leaf_row` for text; from here or from a running service."""
    if (service := service_or_none(url, token_file, at=at, launch=launch)) is not None:
        return service.get("/config", at=at)["config"] if as_json else service.get("/config/values", at=at)["values"]
    if as_json:
        return ask(lambda kernel: kernel.config.show(), **launch)
    return ask(lambda kernel: [*map(leaf_row, kernel.config.leaves())], **launch)


@config.command(cls=LaunchCommand)
@click.argument("path")
@at_option
@app_option
@launch_options
@remote_options()
@json_option
def get(*, path: str, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - handed on to `_find`
    """Print one value: a text as it is, anything else as JSON."""
    value = _find(path, **options)["value"]
    click.echo(value if isinstance(value, str) and not as_json else json_text(value, indent=2))


@config.command(cls=LaunchCommand)
@click.argument("path")
@at_option
@app_option
@launch_options
@remote_options()
@json_option
def explain(*, path: str, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - handed on to `_find`
    """Say where a value comes from, and who sets it in vain."""
    found = _find(path, **options)
    if as_json:
        click.echo(json_text(found, indent=2))
        return
    click.echo(f"{found['path']} = {json_text(found['value'])}")
    click.echo(f"  set by    {row_place(found['origin'])}")
    if found.get("reference") is not None:
        click.echo(f"  made of   {json_text(found['reference'])}")
    for shadowed in found["shadowed"]:
        click.echo(f"  shadowed  {row_place(shadowed)} = {json_text(shadowed['value'])}")


def _find(
    path: str,
    *,
    url: str | None,
    token_file: pathlib.Path | None,
    at: int | None,
    **launch: Any,  # noqa: ANN401 - handed on to `ask`
) -> Mapping[str, Any]:
    """Explain a path, here or in a running service."""
    if (service := service_or_none(url, token_file, at=at, launch=launch)) is not None:
        return service.get("/config/explain", path=path, at=at)
    return explanation_row(ask(lambda kernel: kernel.config.explain(path), **launch))
