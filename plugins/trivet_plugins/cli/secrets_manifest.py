"""``trivet secrets manifest``: vouch for the sealed values of a file as they stand."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

from trivet_plugins.cli.options import LaunchCommand
from trivet_plugins.cli.service import Service, service_options

if TYPE_CHECKING:
    from trivet import Kernel
    from trivet_plugins.cli.sealed_file import SealedFile


@click.command(cls=LaunchCommand)
@click.argument("file", type=click.Path(path_type=pathlib.Path))
@click.option("--generation", type=click.IntRange(min=1), help="Of the new manifest. [default: the old one's and 1]")
@service_options
def manifest(service: Service, file: pathlib.Path, generation: int | None) -> None:
    """Give FILE a manifest that vouches for its sealed values as they stand, whatever an older one says.

    Every one of them must open. Prints what the older manifest did not vouch for: look at it before you trust it.
    From then on seal, edit and rotate keep the manifest, and loading refuses what it does not vouch for.
    """
    import anyio

    click.echo(anyio.run(_vouch, service, service.kernel(), file, generation))


async def _vouch(service: Service, kernel: Kernel, path: pathlib.Path, wanted: int | None) -> str:
    from trivet import KeyRingError
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        service.ring(kernel).primary()
        file = SealedFile.read(kernel, path)
        if file.manifests is None:
            raise KeyRingError("nothing makes manifests here; load the plugin sealed (service/sealed)")
        async with kernel.ciphers.operation("manifest", f"file {path}"):
            await _all_open(file)
            generation, faults = await file.faults()
            for line in faults:
                click.echo(line.replace(": error: ", ": was: ", 1), err=True)
            new = wanted or generation + 1
            file.source.write_text(file.vouched(file.source.text, new))
        return f"{path}: generation {new} vouches for {_count(len(file.values))}"


async def _all_open(file: SealedFile) -> None:
    from trivet_plugins.cli.sealed_file import SealedFileError

    lost = [file.does_not_open(value) for value in file.values if await file.opened(value) is None]
    if lost:
        raise SealedFileError("\n".join((*lost, f"{file.source.file}: nothing was changed")))


def _count(values: int) -> str:
    return f"{values} sealed value" if values == 1 else f"{values} sealed values"
