"""``trivet secrets check``: does every sealed value of a file open, and what is it sealed with?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import click

from trivet.ciphers.manifests import ENTRIES
from trivet_plugins.cli.options import LaunchCommand, json_option
from trivet_plugins.cli.service import Service, files_argument, service_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping, Sequence

    from trivet import Kernel, KeyRing
    from trivet_plugins.cli.sealed_file import SealedFile, SealedValue


@attrs.frozen(kw_only=True)
class Row:
    """What is known about one envelope.

    Args:
        file: The file.
        line: 1-based.
        column: 1-based.
        path: Where it stands.
        opens: Whether it does.
        key: The key's id, None where the envelope is damaged.
        suite: The cipher, as above.
        state: ``primary``, ``decrypt-only``, ``disabled``, ... or ``unknown``: no key of the ring.
    """

    file: str
    line: int
    column: int
    path: str
    opens: bool
    key: str | None
    suite: str | None
    state: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        if not self.opens:
            return f"{place}: error: {self.path}: the sealed value does not open{self._why()}"
        return f"{place}: {self.path}: opens, key {self.key} ({self.state}), {self.suite}"

    def _why(self) -> str:
        if self.key is None:
            return ": it is damaged; restore it, or seal it again"
        if self.state == "unknown":
            return (
                f": it names key {self.key}, which is not in the key ring; use the ring that has it, or seal it again"
            )
        if self.state == "disabled":
            return f": key {self.key} is disabled; trivet keys retire {self.key} lets it open values again"
        if self.state == "destroyed":
            return f": key {self.key} is destroyed, and what it sealed is lost; seal the value again"
        return f": key {self.key} is there ({self.state}), so it is damaged, or was sealed for another place or service"


@attrs.frozen
class ManifestRow:
    """What is known about the manifest of a file.

    Args:
        file: The file.
        generation: The manifest's generation.
        key: The id of the key that it is signed under.
        problems: What it does not vouch for, a line each.
    """

    file: str
    generation: int
    key: str | None
    problems: list[str]

    def __str__(self) -> str:
        vouches = f"{self.file}: manifest of generation {self.generation}, key {self.key}: vouches for all of them"
        return "\n".join(self.problems) or vouches


@click.command(cls=LaunchCommand)
@files_argument
@service_options
@json_option
@click.pass_context
def check(ctx: click.Context, /, *, service: Service, named: tuple[pathlib.Path, ...], as_json: bool) -> None:
    """Tell of every sealed value in FILES whether it opens, under which key, by which cipher.

    Prints no value. Exits with 78 if one does not open, or a manifest does not vouch for what is there.
    """
    import anyio

    from trivet.exit_codes import EX_CONFIG

    rows, manifests = anyio.run(_check, service, service.kernel(), named)
    if as_json:
        found = {"values": [*map(attrs.asdict, rows)], "manifests": [*map(attrs.asdict, manifests)]}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in (*rows, *manifests, _verdict(rows)):
            click.echo(str(line))
    if not all(row.opens for row in rows) or any(one.problems for one in manifests):
        ctx.exit(EX_CONFIG)


def _verdict(rows: Sequence[Row]) -> str:
    bad, values = sum(not row.opens for row in rows), "sealed value" if len(rows) == 1 else "sealed values"
    if not rows:
        return "no sealed value; trivet secrets seal makes one"
    if bad:
        return f"{bad} of {len(rows)} {values} {'does' if bad == 1 else 'do'} not open"
    return f"{len(rows)} {values} {'opens' if len(rows) == 1 else 'open'}"


async def _check(
    service: Service, kernel: Kernel, files: Sequence[pathlib.Path]
) -> tuple[list[Row], list[ManifestRow]]:
    from trivet_plugins.cli.sealed_file import SealedFile

    rows, manifests = list[Row](), list[ManifestRow]()
    async with kernel.secured():
        states = await _states(service.ring(kernel))
        for path in files or service.files_of(kernel):
            file = SealedFile.read(kernel, path)
            for value in file.values:
                rows += await _rows(file, value, states)
            if file.has(ENTRIES):
                generation, faults = await file.faults()
                key = None if file.manifest_key is None else f"{file.manifest_key:016x}"
                manifests.append(ManifestRow(str(path), generation, key, faults))
    return rows, manifests


async def _rows(file: SealedFile, value: SealedValue, states: Mapping[int, str]) -> list[Row]:
    from trivet.config.origin import dotted
    from trivet_plugins.cli.sealed_file import envelope_of

    opens = await file.opened(value) is not None
    span, suites, rows = file.source.span(value.path), file.ciphers.suites(), list[Row]()
    for token in value.tokens:
        envelope = envelope_of(token)
        rows.append(
            Row(
                file=str(file.source.file),
                line=span.line,
                column=span.column,
                path=dotted(value.path),
                opens=opens,
                key=None if envelope is None else f"{envelope.key_id:016x}",
                suite=None if envelope is None else suites.get(envelope.suite, str(envelope.suite)),
                state="unknown" if envelope is None else states.get(envelope.key_id, "unknown"),
            )
        )
    return rows


async def _states(ring: KeyRing) -> dict[int, str]:
    """Return the state of each key; of a ring that does not tell states, what can be seen from outside."""
    from trivet import KeyKeeper

    if isinstance(ring, KeyKeeper):
        return {one.id: one.state.value for one in (await ring.listing()).keys}
    first, *others = ring.key_ids()
    return {first: "primary", **dict.fromkeys(others, "decrypt-only")}
