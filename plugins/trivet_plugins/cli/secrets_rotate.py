"""``trivet secrets rotate``: seal anew, under the primary key, what stands in files under older keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import click

from trivet_plugins.cli.options import LaunchCommand, json_option
from trivet_plugins.cli.service import Service, files_argument, service_options

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Sequence

    from trivet import Kernel, KeyRing
    from trivet.config.origin import Path
    from trivet_plugins.cli.sealed_file import SealedFile, SealedValue


@attrs.frozen
class Rotated:
    """What was done to a file.

    Args:
        file: Its path.
        values: How many values are sealed in it.
        rotated: How many were sealed anew.
    """

    file: str
    values: int
    rotated: int

    def __str__(self) -> str:
        rest = self.values - self.rotated
        return f"{self.file}: {self.rotated} sealed anew, {rest} under the primary key already"


@click.command(cls=LaunchCommand)
@files_argument
@service_options
@json_option
def rotate(service: Service, named: tuple[pathlib.Path, ...], *, as_json: bool) -> None:
    """Seal anew, under the primary key, the values in FILES that stand under other keys.

    Nothing else in the files changes, and a file changes whole or not at all. Do this after trivet keys rotate, before the
    old key is disabled.
    """
    import anyio

    done = anyio.run(_rotate, service, service.kernel(), named)
    if as_json:
        click.echo(json.dumps([attrs.asdict(one) for one in done], indent=2))
        return
    for one in done:
        click.echo(str(one))


async def _rotate(service: Service, kernel: Kernel, files: Sequence[pathlib.Path]) -> list[Rotated]:
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        ring = service.ring(kernel)
        primary = ring.primary().id
        await _say_pending(ring)
        found = [SealedFile.read(kernel, file) for file in files or service.files_of(kernel)]
        done: list[Rotated] = []
        for file in found:
            async with kernel.ciphers.operation("rotate", f"file {file.source.file}") as operation:
                operation.key_id = primary
                done.append(await rotate_file(file, primary))
        return done


async def _say_pending(ring: KeyRing) -> None:
    """Tell of a key that is not primary yet: whoever has just made it expects it to be used."""
    from trivet import KeyKeeper, KeyState

    if isinstance(ring, KeyKeeper):
        for key in (await ring.listing()).keys:
            if key.state is KeyState.PENDING:
                when = f"{key.activates:%Y-%m-%d %H:%M} UTC"
                click.echo(
                    f"key {key.id:016x} seals from {when} on: rotate again then, for values under today's key", err=True
                )


async def rotate_file(file: SealedFile, primary: int) -> Rotated:
    """Seal the values of a file that stand under other keys anew, and write the file, if there are any.

    Args:
        file: The file.
        primary: The id of the primary key.

    Raises:
        SealedFileError: if one of them does not open; the file is left as it was.
    """
    from trivet_plugins.cli.sealed_file import SealedFileError

    values, lost = file.values, list[str]()
    changes: dict[Path, dict[str, str]] = {}
    for value in values:
        if all(_key(token) == primary for token in value.tokens):
            continue
        anew = await _sealed_anew(file, value)
        if anew is None:
            lost.append(file.does_not_open(value))
        else:
            changes[value.path] = anew
    if lost:
        remedy = f"{file.source.file}: nothing was changed; seal these values again, or take them out, then rotate"
        raise SealedFileError("\n".join((*lost, remedy)))
    if changes or file.manifest_key not in {None, primary}:
        await file.save_tokens(changes)
    return Rotated(str(file.source.file), len(values), len(changes))


async def _sealed_anew(file: SealedFile, value: SealedValue) -> dict[str, str] | None:
    clear = await file.opened(value)
    if clear is None:
        return None
    return {token: await file.ciphers.seal_config(text, path=value.path) for token, text in clear.items()}


def _key(token: str) -> int | None:
    from trivet_plugins.cli.sealed_file import envelope_of

    envelope = envelope_of(token)
    return None if envelope is None else envelope.key_id
