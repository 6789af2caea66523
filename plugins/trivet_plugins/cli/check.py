"""``trivet check``: compose, load and validate, and start nothing that serves.

Exit 0: all is well, or works but wants a look: warnings are lines too. 78: something is not; each problem is a line on stdout.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from trivet.config.row import problem_row
from trivet_plugins.cli.options import LaunchCommand, json_option, launch_options, mute, open_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Kernel, Problem, TrivetError


@click.command(cls=LaunchCommand)
@click.argument("target", required=False)
@launch_options
@json_option
@click.pass_context
def check(ctx: click.Context, /, *, target: str | None, as_json: bool, **launch: Any) -> None:  # noqa: ANN401 - handed on
    """Validate configuration and plugins, and start nothing.

    Prints each problem as file:line:col: error: message and exits with 78 if there is one. Warnings (what falls below the
    security level, say) are printed too.
    """
    import anyio

    from trivet.events import ConfigWarning
    from trivet.exit_codes import EX_CONFIG

    kernel, warnings = open_kernel(target, **launch), list[str]()
    kernel.observe(lambda event: warnings.append(event.message) if isinstance(event, ConfigWarning) else None)
    mute("trivet.config")  # what it would log is printed below
    problems, failure = anyio.run(_problems, kernel, warnings)
    broken = [*map(str, failure), *(str(error) for _, error in sorted(kernel.broken.items()))]
    if as_json:
        rows = [*map(_placed_row, problems), *map(_bare_row, broken), *(_bare_row(one, "warning") for one in warnings)]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        errors, cautions = (f"error: {text}" for text in broken), (f"warning: {text}" for text in warnings)
        for line in [*map(str, problems), *errors, *cautions]:
            click.echo(line)
        if not problems and not broken:
            click.echo(f"{kernel.name}: the configuration is valid")
    if problems or broken:
        ctx.exit(EX_CONFIG)


async def _problems(kernel: Kernel, warnings: list[str]) -> tuple[Sequence[Problem], Sequence[TrivetError]]:
    """Return the problems of the configuration, and what else keeps it from loading."""
    from trivet import ConfigError, TrivetError

    try:
        async with kernel.configured():
            warnings.extend(await _of_keys(kernel))
            return (), ()
    except ConfigError as exc:
        return exc.problems, ()
    except TrivetError as exc:
        return (), [exc]


async def _of_keys(kernel: Kernel) -> list[str]:
    """Say where data keys stand as they are. A ring that cannot be read is the problem of the values that need it."""
    from trivet import KeyKeeper, KeyRing, KeyRingError, UnknownServiceError

    try:
        ring = kernel.service(KeyRing)
        listing = await ring.listing() if isinstance(ring, KeyKeeper) else None
    except (KeyRingError, UnknownServiceError):
        return []
    if listing is None or listing.wrapped_by is not None:
        return []
    remedy = "name a master key, plugins.key_file.master, then run trivet keys rewrap"
    return [f"{listing.place}: the keys in it are not wrapped, whoever reads the file has them; {remedy}"]


def _placed_row(problem: Problem) -> dict[str, object]:
    return {**problem_row(problem), "severity": "error"}


def _bare_row(message: str, severity: str = "error") -> dict[str, object]:
    return {"file": None, "line": None, "column": None, "path": None, "message": message, "severity": severity}
