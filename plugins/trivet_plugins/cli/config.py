"""``trivet config show|get|explain``: the configuration that would be in force, and where each value comes from.

Secrets are masked. Nothing starts but what loading takes; a configuration that is not valid prints its problems and
exits with 78. The group is here too; its other commands have files of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trivet_plugins.cli.config_diff import diff
from trivet_plugins.cli.config_export import export, schema
from trivet_plugins.cli.config_validate import validate
from trivet_plugins.cli.inquiry import ask, json_text, origin_row, place_text
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trivet import Kernel
    from trivet.config.explanation import Explanation


@click.group()
def config() -> None:
    """Show configuration, and where each value comes from."""


for command in (diff, export, schema, validate):
    config.add_command(command)


@config.command(cls=LaunchCommand)
@app_option
@launch_options
@json_option
def show(*, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `ask`
    """Print the effective configuration, defaults included: a line per value with its origin."""
    if as_json:
        click.echo(json_text(ask(lambda kernel: kernel.config.show(), **launch), indent=2))
        return
    rows = [(f"{row.path} = {json_text(row.value)}", row.origin) for row in ask(_explain_all, **launch)]
    width = min(60, max((len(text) for text, _ in rows), default=0))
    for text, origin in rows:
        click.echo(f"{text:<{width}}  # {place_text(origin)}")


@config.command(cls=LaunchCommand)
@click.argument("path")
@app_option
@launch_options
@json_option
def get(*, path: str, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `ask`
    """Print one value: a text as it is, anything else as JSON."""
    value = ask(lambda kernel: kernel.config.explain(path), **launch).value
    click.echo(value if isinstance(value, str) and not as_json else json_text(value, indent=2))


@config.command(cls=LaunchCommand)
@click.argument("path")
@app_option
@launch_options
@json_option
def explain(*, path: str, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `ask`
    """Say where a value comes from, and which places set it in vain."""
    found = ask(lambda kernel: kernel.config.explain(path), **launch)
    if as_json:
        click.echo(json_text(_explanation(found), indent=2))
        return
    click.echo(f"{found.path} = {json_text(found.value)}")
    click.echo(f"  set by    {place_text(found.origin)}")
    if found.reference is not None:
        click.echo(f"  made of   {json_text(found.reference)}")
    for shadowed in found.shadowed:
        click.echo(f"  shadowed  {place_text(shadowed.origin)} = {json_text(shadowed.value)}")


def _explain_all(kernel: Kernel) -> list[Explanation]:
    return [kernel.config.explain(path) for path in _leaves(kernel.config.show())]


def _leaves(tree: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _explanation(found: Explanation) -> dict[str, object]:
    shadowed = [{**(origin_row(one.origin) or {}), "value": one.value} for one in found.shadowed]
    return {
        "path": found.path,
        "value": found.value,
        "reference": found.reference,
        "origin": origin_row(found.origin),
        "shadowed": shadowed,
    }
