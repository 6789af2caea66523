"""``trivet config export|schema``: configuration and its JSON Schema as documents on standard output."""

from __future__ import annotations

from typing import Any

import click

from trivet_plugins.cli.inquiry import ask, json_text
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel


@click.command(cls=LaunchCommand)
@click.option("--format", "format_name", metavar="NAME", help="toml, yaml, json, or one of a plugin.  [default: toml]")
@click.option("--origins", is_flag=True, help="Say where each value comes from.")
@click.option("--reveal", is_flag=True, help="Write secrets in the clear. Without it they are masked.")
@app_option
@launch_options
@json_option
def export(*, format_name: str | None, origins: bool, reveal: bool, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on to `ask`
    """Write the effective configuration, defaults included, as a document that loads.

    The default format is TOML; --json is --format json.
    """
    if as_json and format_name not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_name} exclude each other")
    chosen = "json" if as_json else format_name or "toml"
    text = ask(lambda kernel: kernel.config.export(chosen, redact=not reveal, origins=origins), **launch)
    if reveal:
        click.echo("warning: secrets are written in the clear; keep this out of logs and repositories", err=True)
    click.echo(text, nl=False)


@click.command(cls=LaunchCommand)
@click.option("--partial", is_flag=True, help="Require nothing: for a file that is merged with others.")
@app_option
@launch_options
@json_option
def schema(*, partial: bool, app: str | None, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - the launch options
    """Write the JSON Schema of the configuration, for editors and pipelines.

    The configuration itself need not be valid.
    """
    import anyio

    kernel = open_kernel(app, **launch)

    async def answer() -> dict[str, Any]:
        async with kernel.secured():  # the plugins that the configuration enables have sections too
            return kernel.config.schema(partial=partial)

    click.echo(json_text(anyio.run(answer), indent=2))
