"""``trivet config validate``: all problems of the configuration, for people, editors and CI. Exit 78 if there is one."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import click

from trivet_plugins.cli.inquiry import ask_kernel, json_text
from trivet_plugins.cli.options import LaunchCommand, app_option, json_option, launch_options, open_kernel
from trivet_plugins.cli.problem_row import problem_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Kernel, Problem


@click.command(cls=LaunchCommand)
@click.option("--github", is_flag=True, help="Print annotations of GitHub Actions: ::error file=...,line=...,col=...::")
@app_option
@launch_options
@json_option
@click.pass_context
def validate(ctx: click.Context, /, *, app: str | None, github: bool, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - the launch options
    """Validate the configuration, and start nothing.

    Prints each problem as file:line:col: error: message and exits with 78 if there is one.
    """
    from trivet.exit_codes import EX_CONFIG

    if github and as_json:
        raise click.UsageError("--github and --json exclude each other")
    kernel = open_kernel(app, **launch)
    problems = _problems(kernel)
    if as_json:
        click.echo(json_text([*map(problem_row, problems)], indent=2))
    else:
        for problem in problems:
            click.echo(_annotation(problem) if github else str(problem))
        if not problems:
            click.echo(f"{kernel.name}: the configuration is valid")
    if problems:
        ctx.exit(EX_CONFIG)


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
