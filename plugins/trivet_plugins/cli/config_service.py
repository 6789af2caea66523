"""``trivet config history|reload|rollback|pin|unpin|override``: look at and steer the configuration of a running service.

They ask its admin pages (``--url``). Exit 0: what was asked for is in force. 1: the service refused, nothing has changed,
and the problems are on standard error.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trivet_plugins.cli.actor import actor_name
from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.remote import DEFAULT_URL, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

REFUSED = 1
_SHOWN_PATHS = 3


def _service_options(function: F) -> F:
    return debug_option(remote_options(default=DEFAULT_URL)(json_option(function)))


def _order_options(function: F) -> F:
    """Add what all orders take: who gives them, and why."""
    function = click.option("--reason", metavar="TEXT", default="", help="Why: for the history and the log.")(function)
    by = click.option("--by", metavar="NAME", help="Who does it: for the history and the log.  [default: your user]")
    return _service_options(by(function))


@click.command()
@_service_options
def history(*, url: str, token_file: pathlib.Path | None, as_json: bool) -> None:
    """List the last generations of a running service.

    When, why and by whom each came into force, and what it changed.
    """
    found = remote(url, token_file).get("/config/history")
    click.echo(json_text(found, indent=2) if as_json else "\n".join(_history_lines(found)))


@click.command()
@_order_options
def reload(**options: Any) -> None:  # noqa: ANN401 - handed on to `_order`
    """Load the configuration of a running service anew."""
    _order("/config/reload", **options)


@click.command()
@click.argument("generation", type=click.IntRange(min=1))
@_order_options
def rollback(*, generation: int, **options: Any) -> None:  # noqa: ANN401 - as above
    """Put the values of an older generation in force, and pin it.

    Files change nothing from then on, until "trivet config unpin".
    """
    _order("/config/rollback", {"generation": generation}, **options)


@click.command()
@_order_options
def pin(**options: Any) -> None:  # noqa: ANN401 - as above
    """Hold what is in force, whatever happens to its files."""
    _order("/config/pin", **options)


@click.command()
@_order_options
def unpin(**options: Any) -> None:  # noqa: ANN401 - as above
    """Let reloads through again, and reload."""
    _order("/config/unpin", **options)


@click.command()
@click.argument("assignments", metavar="PATH=VALUE...", nargs=-1)
@click.option(
    "--expires-in", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Until when it holds."
)
@click.option("--remove", type=click.IntRange(min=1), metavar="ID", help="End an override; history lists their ids.")
@_order_options
def override(*, assignments: tuple[str, ...], expires_in: float | None, remove: int | None, **options: Any) -> None:  # noqa: ANN401 - as above
    """Set values above all files and variables, for a while.

    They hold until they expire or are removed. A VALUE is JSON, or else a text: size=20, name=blue, hosts='["a", "b"]'. For
    a secret use its source: what stands on a command line is seen by others.
    """
    if bool(assignments) == (remove is not None):
        raise click.UsageError("give values to set, as PATH=VALUE, or an override to --remove")
    if remove is not None:
        _order("/config/override/remove", {"id": remove}, **options)
        return
    values = dict(_assignment(text) for text in assignments)
    _order("/config/override", {"values": values, "expires_in": expires_in}, **options)


def _assignment(text: str) -> tuple[str, object]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise click.BadParameter(f"{text!r} is not PATH=VALUE")
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def _order(
    page: str,
    fields: Mapping[str, object] | None = None,
    *,
    url: str,
    token_file: pathlib.Path | None,
    by: str | None,
    reason: str,
    as_json: bool,
) -> None:
    done = remote(url, token_file).order(page, actor=by or actor_name(), reason=reason or None, **(fields or {}))
    if as_json:
        click.echo(json_text(done, indent=2))
    elif done["applied"]:
        click.echo("\n".join(_done_lines(done)))
    if not done["applied"]:
        if not as_json:
            click.echo("\n".join([f"refused; generation {done['generation']} stays", *done["problems"]]), err=True)
        click.get_current_context().exit(REFUSED)


def _done_lines(done: Mapping[str, Any]) -> Sequence[str]:
    lines = [f"generation {done['generation']} is in force", *(f"  changed  {path}" for path in done["changed"])]
    if "override" in done:
        lines.append(f"  override {done['override']['id']}{_until(done['override'])}")
    return lines


def _history_lines(found: Mapping[str, Any]) -> Sequence[str]:
    cells = [("GENERATION", "TIME", "REASON", "CHANGED")]
    for row in found["history"]:
        mark = "*" if row["generation"] == found["generation"] else " "
        paths, more = row["changed"][:_SHOWN_PATHS], len(row["changed"]) - _SHOWN_PATHS
        changed = ", ".join(paths) + (f" and {more} more" if more > 0 else "")
        cells.append((f"{mark} {row['generation']}", _moment(row["created"]), row["reason"], changed))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if (held := found["pinned"]) is not None:
        lines.append(f"pinned by {held['actor']} since {_moment(held['since'])}; reloads held back: {held['held']}")
    overrides = (
        f"override {one['id']} by {one['actor']}{_until(one)}: {', '.join(one['paths'])}" for one in found["overrides"]
    )
    return [*lines, *overrides]


def _until(override_: Mapping[str, Any]) -> str:
    return f" until {_moment(override_['until'])}" if override_["until"] is not None else ""


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
