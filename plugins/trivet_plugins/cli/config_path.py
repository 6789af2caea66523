"""The PATH argument of commands, as click hands it on: ``database.password``, ``hosts[0].url``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trivet.config.origin import Path


def config_path(ctx: click.Context, param: click.Parameter, value: str) -> Path:
    """Turn the text of a PATH argument into keys and indices; the ``callback`` of a `click.argument`."""
    from trivet.config.origin import parse_path

    try:
        path = parse_path(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), ctx=ctx, param=param) from None
    if not path:
        raise click.BadParameter("the path is empty; write it like database.password", ctx=ctx, param=param)
    return path
