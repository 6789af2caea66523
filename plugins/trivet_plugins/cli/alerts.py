"""``trivet alerts``: rule files (``check``, ``test``, ``list``); alerts of a running service (``show``, ``silence``, ``ack``)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

import click

from trivet_plugins.cli.actor import actor_name
from trivet_plugins.cli.inquiry import json_text
from trivet_plugins.cli.options import debug_option, json_option
from trivet_plugins.cli.remote import DEFAULT_URL, remote, remote_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Mapping, Sequence

ON_FILES: Final = "trivet_plugins.alerts.commands"
"""Where the commands on files are: with what they read."""


class AlertsGroup(click.Group):
    """The commands here, and those on files, which load when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all."""
        return sorted({*super().list_commands(ctx), *self._on_files()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one; None where there is none."""
        return super().get_command(ctx, cmd_name) or self._on_files().get(cmd_name)

    def _on_files(self) -> Mapping[str, click.Command]:
        group: click.Group = importlib.import_module(ON_FILES).alerts
        return group.commands


@click.group(cls=AlertsGroup)
def alerts() -> None:
    """Check and test alert rules; silence and acknowledge alerts."""


def _order_options(function: Callable[..., None]) -> Callable[..., None]:
    by = click.option("--by", metavar="NAME", help="Who does it, for the audit log.  [default: your user]")
    comment = click.option("--comment", metavar="TEXT", default="", help="Why: others read it.")
    return debug_option(remote_options(default=DEFAULT_URL)(json_option(by(comment(function)))))


@alerts.command()
@json_option
@remote_options(default=DEFAULT_URL)
@debug_option
def show(*, as_json: bool, url: str, token_file: pathlib.Path | None) -> None:
    """Show the alerts of a running service, its silences, and how delivery goes."""
    found = remote(url, token_file).get("/alerts")
    click.echo(json_text(found, indent=2) if as_json else "\n".join(_lines(found)))


@alerts.command()
@click.argument("matchers", metavar="MATCHER...", nargs=-1, required=True)
@click.option("--for", "duration", default="1h", show_default=True, help="How long: 30m, 2h, or seconds.")
@_order_options
def silence(*, matchers: Sequence[str], duration: str, **options: Any) -> None:  # noqa: ANN401 - handed on to `_order`
    """Send no notifications of alerts that meet every MATCHER, such as severity=page or job=~"a|b"."""
    from trivet.config.coercion import to_duration

    try:
        seconds = to_duration(duration).total_seconds()
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="--for") from None
    done = _order("/alerts/silence", {"matchers": [*matchers], "seconds": seconds}, **options)
    if not options["as_json"]:
        click.echo(f"silence {done['id']}; end it: trivet alerts unsilence {done['id']}")


@alerts.command()
@click.argument("silence_id", metavar="ID")
@_order_options
def unsilence(*, silence_id: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """End a silence; show lists their ids."""
    _order("/alerts/unsilence", {"id": silence_id}, **options)


@alerts.command()
@click.argument("fingerprint")
@_order_options
def ack(*, fingerprint: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """Say that you are at a firing alert: it is not repeated until it ends. show lists fingerprints."""
    _order("/alerts/acknowledge", {"fingerprint": fingerprint}, **options)


def _order(
    page: str,
    fields: Mapping[str, object],
    *,
    url: str,
    token_file: pathlib.Path | None,
    by: str | None,
    comment: str,
    as_json: bool,
) -> Mapping[str, Any]:
    given = {**fields, "comment": comment} if page != "/alerts/unsilence" else {**fields, "reason": comment}
    done = remote(url, token_file).order(page, actor=by or actor_name(), **given)
    if as_json:
        click.echo(json_text(done, indent=2))
    return done


def _lines(found: Mapping[str, Any]) -> Sequence[str]:
    cells = [("ALERT", "STATE", "SINCE", "VALUE", "FINGERPRINT", "MUTED", "LABELS")]
    cells += [_cells(row) for row in found["alerts"]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if not found["alerts"]:
        lines = ["no alerts"]
    lines += [f"silence {one['id']} by {one['creator']}: {' '.join(one['matchers'])}" for one in found["silences"]]
    for one in found["receivers"]:
        if one["waiting"] or one["error"]:
            lines.append(
                f"receiver {one['name']}: {one['waiting']} waiting{': ' + one['error'] if one['error'] else ''}"
            )
    return [*lines, *([found["problem"]] if found["problem"] else [])]


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str, str, str, str, str]:
    labels = [f"{name}={value}" for name, value in row["labels"].items() if name != "alertname"]
    muted = [f"silence {row['silenced']}"] if row["silenced"] else []
    muted += [f"acknowledged by {row['acknowledged']}"] if row["acknowledged"] else []
    muted += ["flapping"] if row["flapping"] else []
    name = row["labels"].get("alertname", "")
    since = row["activeAt"].partition(".")[0]
    return (name, row["state"], since, row["value"], row["fingerprint"], ", ".join(muted), ",".join(labels))
