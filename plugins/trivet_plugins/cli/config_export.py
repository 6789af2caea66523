"""``trivet config export|schema``: configuration and its JSON Schema as documents on standard output.

With ``--url`` a running service writes them; it masks secrets whatever is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trivet_plugins.cli.inquiry import ask, json_text
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel
from trivet_plugins.cli.remote import at_option, remote_options, service_or_none

if TYPE_CHECKING:
    import pathlib


@click.command(cls=LaunchCommand)
@click.option("--format", "format_name", metavar="NAME", help="toml, yaml, json, or one of a plugin.  [default: toml]")
@click.option("--origins", is_flag=True, help="Say where each value comes from.")
@click.option("--reveal", is_flag=True, help="Write secrets in the clear; not with --url. Without it they are masked.")
@at_option
@app_option
@launch_options
@remote_options()
@json_option
def export(
    *,
    format_name: str | None,
    origins: bool,
    reveal: bool,
    as_json: bool,
    url: str | None,
    token_file: pathlib.Path | None,
    at: int | None,
    **launch: Any,  # noqa: ANN401 - handed on to `ask`
) -> None:
    """Write the effective configuration as a document that loads.

    Defaults are in it. The default format is TOML; --json is --format json.
    """
    if as_json and format_name not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_name} exclude each other")
    chosen = "json" if as_json else format_name or "toml"
    if (service := service_or_none(url, token_file, at=at, launch=launch)) is not None:
        if reveal:
            raise click.UsageError("a running service gives no secret away; --reveal works without --url")
        text = service.text("/config/export", format=chosen, origins=int(origins), at=at)
    else:
        text = ask(lambda kernel: kernel.config.export(chosen, redact=not reveal, origins=origins), **launch)
    if reveal:
        click.echo("warning: secrets are written in the clear; keep this out of logs and repositories", err=True)
    click.echo(text, nl=False)


@click.command(cls=LaunchCommand)
@click.option("--partial", is_flag=True, help="Require nothing: for a file that is merged with others.")
@app_option
@launch_options
@remote_options()
@json_option
def schema(
    *,
    partial: bool,
    as_json: bool,
    url: str | None,
    token_file: pathlib.Path | None,
    **launch: Any,  # noqa: ANN401 - the launch options
) -> None:
    """Write the JSON Schema of the configuration.

    For editors and pipelines. The configuration itself need not be valid. It is always JSON; --json changes nothing.
    """
    if (service := service_or_none(url, token_file, launch=launch)) is not None:
        click.echo(json_text(service.get("/config/schema", partial=int(partial)), indent=2))
        return
    click.echo(json_text(_schema(partial=partial, **launch), indent=2))


def _schema(*, partial: bool, app: str | None, **launch: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    import anyio

    kernel = open_kernel(app, **launch)

    async def answer() -> dict[str, Any]:
        async with kernel.secured():  # the plugins that the configuration enables have sections too
            return kernel.config.schema(partial=partial)

    return anyio.run(answer)
