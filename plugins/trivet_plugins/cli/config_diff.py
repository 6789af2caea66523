"""``trivet config diff [BEFORE] AFTER``: what differs between two effective configurations of one service, secrets masked.

A side is a profile (``prod``, or ``profile:prod``), a file in place of the base files (``a.toml``, or ``file:NAME``), or ``.``:
what the other options say; with ``--url`` it is a generation of a running service. Exit 0: equal in value. 1: not. Else: a
side is not valid, or the command line is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from trivet.config.row import difference_row
from trivet_plugins.cli.inquiry import ask_kernel, json_text, row_place
from trivet_plugins.cli.options import (
    CONFIG_SUFFIXES,
    LaunchCommand,
    app_option,
    json_option,
    launch_options,
    open_kernel,
)
from trivet_plugins.cli.remote import remote_options, service_or_none

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping, Sequence

    from trivet import Kernel, Launch
    from trivet.config.leaf import Leaf

DIFFERENT = 1


@attrs.frozen
class Side:
    """One of the two configurations.

    Args:
        kind: ``profile``, ``file`` or ``launch``.
        name: The profile's name or the file's path; empty for ``launch``.
    """

    kind: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Side:
        """Read a BEFORE or AFTER.

        Raises:
            BadParameter: if it is none.
        """
        kind, colon, name = text.partition(":")
        if text == ".":
            return cls("launch")
        if colon and kind in {"profile", "file"}:
            if not name:
                raise click.BadParameter(f"{text!r} names no {kind}")
            return cls(kind, name)
        if text.isdigit():
            reason = (
                "generations live in a running service, which --url names; for a profile of that name write profile:"
                + text
            )
            raise click.BadParameter(f"{text!r} looks like a generation; {reason}")
        if not text or (colon and not text.endswith(CONFIG_SUFFIXES)):
            raise click.BadParameter(f"{text!r} is neither a profile nor a file; write profile:NAME or file:NAME")
        return cls("file" if text.endswith(CONFIG_SUFFIXES) or "/" in text else "profile", text)

    def launch(self, launch: Launch) -> Launch:
        """Return how a kernel is started for this side."""
        if self.kind == "file":
            return attrs.evolve(launch, files=(self.name,))
        return attrs.evolve(launch, profile=self.name) if self.kind == "profile" else launch

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else "as launched"


@click.command(cls=LaunchCommand)
@click.argument("before", metavar="[BEFORE]")
@click.argument("after", metavar="AFTER", required=False)
@app_option
@launch_options
@remote_options()
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    /,
    *,
    before: str,
    after: str | None,
    url: str | None,
    token_file: pathlib.Path | None,
    as_json: bool,
    **launch: Any,  # noqa: ANN401 - launch options
) -> None:
    """Compare two effective configurations of the service.

    A side is a profile (prod), a file in place of the base files (a.toml), or "." for what the other options say; one side
    alone is compared with ".". Write the sides before --config. With --url, sides are generations of a running service; one
    alone is compared with the one in force. Exits with 0 if all values are equal, with 1 if not.
    """
    if (service := service_or_none(url, token_file, launch=launch)) is not None:
        sides = [_generation(side) for side in (before, after) if side is not None]
        query = dict(zip(("from", "to"), sides, strict=False))
        name, found = service.url, service.get("/config/diff", **query)
    else:
        name, found = _compare(before, after, **launch)
    click.echo(json_text(found, indent=2) if as_json else "\n".join(_text(name, found)))
    if found["differences"]:
        ctx.exit(DIFFERENT)


def _generation(text: str) -> int:
    if not text.isdigit():
        raise click.BadParameter(f"{text!r} is no generation; with --url, sides are numbers that config history lists")
    return int(text)


def _compare(before: str, after: str | None, *, app: str | None, **launch: Any) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401 - as above
    from trivet.config.leaf import compare

    sides = [Side.parse(before), Side.parse(after)] if after is not None else [Side("launch"), Side.parse(before)]
    kernel = open_kernel(app, **launch)
    original = kernel.launch
    found = compare(*[_leaves(kernel, side.launch(original)) for side in sides])
    rows = [*map(difference_row, found)]
    return kernel.name, {"before": str(sides[0]), "after": str(sides[1]), "differences": rows}


def _leaves(kernel: Kernel, launch: Launch) -> Sequence[Leaf]:
    kernel.launch = launch
    return ask_kernel(kernel, lambda one: one.config.leaves())


def _text(service: str, found: Mapping[str, Any]) -> list[str]:
    if not found["differences"]:
        return [f"{service}: {found['before']} and {found['after']} are equal"]
    lines = [f"--- {found['before']}", f"+++ {found['after']}"]
    return [*lines, *(line for one in found["differences"] for line in _lines(one))]


def _lines(row: Mapping[str, Any]) -> list[str]:
    sides = [(mark, row[side]) for mark, side in (("-", "before"), ("+", "after")) if row[side] is not None]
    shown = [(f"{mark} {row['path']} = {json_text(side['value'])}", side["origin"]) for mark, side in sides]
    width = min(60, max(len(text) for text, _ in shown))
    return [f"{text:<{width}}  # {row_place(origin)}" for text, origin in shown]
