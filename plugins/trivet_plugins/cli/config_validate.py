"""``trivet config validate``: all problems of the configuration, for people, editors and CI. Exit 78 if there is one.

With ``--url``: what keeps out of a running service what its sources say now.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import click

from trivet.config.row import problem_of, problem_row
from trivet_plugins.cli.inquiry import ask_kernel, json_text
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel
from trivet_plugins.cli.remote import remote_options, service_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Kernel, Problem


@click.command(cls=LaunchCommand)
@click.option("--github", is_flag=True, help="Print annotations of GitHub Actions: ::error file=...,line=...,col=...::")
@app_option
@launch_options
@remote_options()
@json_option
@click.pass_context
def validate(ctx: click.Context, /, *, github: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - handed on
    """Validate the configuration, and start nothing.

    Prints each problem as file:line:col: error: message and exits with 78 if there is one. With --url: what keeps out of
    a running service what its files and other sources say now.
    """
    from trivet.exit_codes import EX_CONFIG

    if github and as_json:
        raise click.UsageError("--github and --json exclude each other")
    valid, problems = _asked(**options)
    if as_json:
        click.echo(json_text([*map(problem_row, problems)], indent=2))
    else:
        for problem in problems:
            click.echo(_annotation(problem) if github else str(problem))
        if not problems:
            click.echo(valid)
    if problems:
        ctx.exit(EX_CONFIG)


def _asked(
    *,
    app: str | None,
    url: str | None,
    token_file: pathlib.Path | None,
    **launch: Any,  # noqa: ANN401 - the launch options
) -> tuple[str, Sequence[Problem]]:
    """Return what to say where all is well, and the problems."""
    service = service_or_none(url, token_file, launch={"app": app, **launch})
    if service is None:
        kernel = open_kernel(app, **launch)
        return f"{kernel.name}: the configuration is valid", _problems(kernel)
    found = service.get("/config/problems")
    if (pin := found["pinned"]) is not None:
        held = f"pinned by {pin['actor']}; reloads held back: {pin['held']}"
        click.echo(f"warning: {found['kernel']} is {held}", err=True)
    valid = f"{found['kernel']}: generation {found['generation']} is in force and valid; nothing newer was refused"
    return valid, [*map(problem_of, found["problems"])]


def _problems(kernel: Kernel) -> Sequence[Problem]:
    from trivet import ConfigError

    try:
        ask_kernel(kernel, lambda _: None)
    except ConfigError as exc:
        return exc.problems
    return ()


def _annotation(problem: Problem) -> str:
    """Return a workflow command of GitHub Actions; a place that is no file stands in the message."""
    origin = problem.origin
    text = str(problem)
    if origin is None or (origin.line is None and not pathlib.Path(origin.source).is_file()):
        return f"::error::{_escape(text.replace('error: ', '', 1))}"
    place = {"file": origin.source, "line": origin.line, "col": origin.column}
    properties = ",".join(f"{key}={_escape_property(str(value))}" for key, value in place.items() if value is not None)
    return f"::error {properties}::{_escape(text.removeprefix(f'{origin}: ').removeprefix('error: '))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
