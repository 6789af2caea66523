"""``trivet secrets merge-driver``: what git runs to merge a configuration file with sealed values."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

from trivet_plugins.cli.options import LaunchCommand
from trivet_plugins.cli.service import Service, service_options

if TYPE_CHECKING:
    from trivet import Kernel
    from trivet_plugins.cli.sealed_merge import Merged

_FILE = click.Path(path_type=pathlib.Path)


@click.command("merge-driver", cls=LaunchCommand)
@click.argument("versions", type=_FILE, nargs=3, metavar="%O %A %B")
@click.argument("path", type=_FILE, metavar="%P")
@service_options
@click.pass_context
def merge_driver(
    ctx: click.Context,
    /,
    *,
    service: Service,
    versions: tuple[pathlib.Path, pathlib.Path, pathlib.Path],
    path: pathlib.Path,
) -> None:
    """Merge three versions of a configuration file into %A; %P is its name.

    Refuses (exit 129) a side that its manifest does not vouch for. Exits with 1 where there are conflicts to settle. In
    .gitattributes: "config/*.toml merge=trivet"; then, in every clone: git config merge.trivet.driver "trivet secrets
    merge-driver --name NAME %O %A %B %P".
    """
    import anyio

    from trivet import TrivetError
    from trivet_plugins.cli.sealed_merge import MergeRefusedError

    try:
        merged = anyio.run(_merge, service, service.kernel(), versions, path)
        versions[1].write_bytes(merged.raw)
    except MergeRefusedError:
        raise
    except (TrivetError, OSError) as exc:  # any other exit code would look like a conflict, with our side for a result
        raise MergeRefusedError(f"{path}: not merged: {exc}") from None
    for line in merged.conflicts:
        click.echo(line, err=True)
    if merged.conflicts:
        ctx.exit(1)


async def _merge(
    service: Service, kernel: Kernel, versions: tuple[pathlib.Path, pathlib.Path, pathlib.Path], path: pathlib.Path
) -> Merged:
    from trivet_plugins.cli.sealed_file import SealedFile, format_of
    from trivet_plugins.cli.sealed_merge import SealedMerge
    from trivet_plugins.cli.splice import SpliceFile

    async with kernel.secured(), kernel.ciphers.operation("merge", f"file {path}"):
        primary = service.ring(kernel).primary().id
        kind = format_of(kernel, path)
        base, ours, theirs = (SealedFile.of(kernel, SpliceFile.of(path, kind, one.read_bytes())) for one in versions)
        return await SealedMerge(base, ours, theirs, primary).merge()
