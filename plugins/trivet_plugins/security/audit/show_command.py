"""``trivet audit show``: the records of a log that fit, as they are; whether they are true says ``verify``."""

from __future__ import annotations

import datetime as dt
import pathlib
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
import click

from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.glimpse import Glimpse
from trivet_plugins.security.audit.record import AuditRecord, TaggedRecord, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY: Final = click.Path(path_type=pathlib.Path, exists=True, file_okay=False)


class Moment(click.ParamType[str]):
    """A time, ``2026-11-25T02:45``, with an offset or in UTC; or how long ago: ``90s``, ``15m``, ``2h``, ``7d``."""

    name = "time"
    _UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as records have it."""
        text = str(value)
        now = dt.datetime.now(dt.UTC).timestamp()
        if text[:-1].isdecimal() and text[-1:] in self._UNITS:
            return timestamp(max(0.0, now - int(text[:-1][:9]) * self._UNITS[text[-1]]))
        try:
            moment = dt.datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
            return timestamp(moment.timestamp())
        except (ValueError, OverflowError):
            self.fail("a time like 2026-11-25T02:45, or how long ago, like 15m or 7d", param, ctx)


@attrs.frozen(kw_only=True)
class Filter:
    """Which records are shown.

    Args:
        op: This operation only.
        outcome: This outcome only.
        target: Those whose target has this in it.
        actor: Those whose actor has this in it.
        since: Not before; as records have it.
        until: Not after.
    """

    op: str | None = None
    outcome: str | None = None
    target: str | None = None
    actor: str | None = None
    since: str | None = None
    until: str | None = None

    def admits(self, record: AuditRecord) -> bool:
        """Say whether a record fits."""
        return (
            self.op in (None, record.op)
            and self.outcome in (None, record.outcome)
            and (self.target is None or self.target in record.target)
            and (self.actor is None or self.actor in (record.actor or ""))
            and (self.since is None or record.ts >= self.since)
            and (self.until is None or record.ts <= self.until)
        )


@click.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--op", help="Only this operation: open, seal, verify_password ...")
@click.option("--outcome", type=click.Choice(["ok", "failed"]), help="Only these.")
@click.option("--target", help="Only where this is part of the target, e.g. database.password.")
@click.option("--actor", help="Only where this is part of the actor, e.g. user:alice.")
@click.option("--since", type=Moment(), help="From then on: 2026-11-25T02:45, or 15m, 2h, 7d ago.")
@click.option("--until", type=Moment(), help="Up to then.")
@click.option("--last", type=click.IntRange(min=1), help="Only so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines of the log, JSON.")
def show(directory: pathlib.Path, last: int | None, *, as_json: bool, **wanted: str | None) -> None:
    """Print the records of the log in DIRECTORY that fit."""
    found = _records(directory, Filter(**wanted))
    for line, record in found if last is None else deque(found, maxlen=last):
        click.echo(line.decode() if as_json else _row(record))


def _records(directory: pathlib.Path, wanted: Filter) -> Iterator[tuple[bytes, AuditRecord]]:
    for segment, size in Glimpse.of(LogDirectory(directory)).segments:
        for line in segment.lines(until=size):
            try:
                record = TaggedRecord.parse(line.data).record
            except ValueError as exc:
                text = (
                    f"{segment.path.name}:{line.number}: no record: {exc}; look with: trivet audit verify {directory}"
                )
                click.echo(f"warning: {text}", err=True)
                continue
            if wanted.admits(record):
                yield line.data, record


def _row(record: AuditRecord) -> str:
    why = f" ({record.reason})" if record.reason else ""
    key = f" key {record.key_id}" if record.key_id else ""
    text = f"{record.seq:>7} {record.ts} {record.outcome:6} {record.op:16} {record.target}{why}{key} by {record.actor or '?'}"
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )  # a terminal obeys some
