"""``trivet audit prove``: prove to somebody else that a record is in the log, or that the log only grew."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Final

import click

from trivet import AuditError
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.glimpse import Glimpse
from trivet_plugins.security.audit.last_note import last_note
from trivet_plugins.security.audit.proof_file import ProofFile
from trivet_plugins.security.merkle import consistency_proof, inclusion_proof, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet_plugins.security.audit.checkpoint import Checkpoint

_DIRECTORY: Final = click.Path(path_type=pathlib.Path, exists=True, file_okay=False)


@click.command()
@click.argument("directory", type=_DIRECTORY)
@click.argument("seq", type=click.IntRange(min=0), required=False)
@click.option(
    "--from",
    "size",
    type=click.IntRange(min=1),
    help="Prove that it only grew since its checkpoint of this size.",
)
@click.option("--json", is_flag=True, expose_value=False, help="As always: a proof is JSON.")
def prove(directory: pathlib.Path, seq: int | None, size: int | None) -> None:
    """Print a proof that record SEQ is in the log, or that it only grew.

    The last checkpoint is what it leads to. Whoever gets it checks it with the public key: trivet audit verify --proof FILE.
    """
    if (seq is None) == (size is None):
        raise click.UsageError("name a record, or --from and the size of an earlier checkpoint")
    log = LogDirectory(directory)
    note = last_note(log)
    tree = log.public().open(note)
    click.echo(
        (_consistency(log, size, note, tree) if size is not None else _inclusion(log, seq or 0, note, tree)).dump()
    )


def _inclusion(log: LogDirectory, seq: int, note: str, tree: Checkpoint) -> ProofFile:
    if seq >= tree.size:
        raise AuditError(
            f"record {seq} is not covered by the last checkpoint, of {tree.size}; sign one: trivet audit checkpoint --sign"
        )
    record, leaves = "", []
    for number, line in enumerate(_lines(log, tree.size)):
        leaves.append(leaf_hash(line))
        if number == seq:
            record = line.decode()
    return ProofFile(checkpoint=note, hashes=tuple(inclusion_proof(leaves, seq)), record=record, index=seq)


def _consistency(log: LogDirectory, size: int, note: str, tree: Checkpoint) -> ProofFile:
    path, public = log.notes.path, log.public()
    notes = [one.text for one in log.notes.read(path.stat().st_size) if public.open(one.text).size == size]
    if not notes:
        raise AuditError(f"{path}: there is no checkpoint of {size} records")
    leaves = [leaf_hash(line) for line in _lines(log, tree.size)]
    return ProofFile(checkpoint=note, hashes=tuple(consistency_proof(leaves, size)), earlier=notes[0])


def _lines(log: LogDirectory, count: int) -> Iterator[bytes]:
    left = count
    for segment, size in Glimpse.of(log).segments:
        for line in segment.lines(until=size):
            if not left:
                return
            left -= 1
            yield line.data
    if left:
        raise AuditError(
            f"{log.path}: {left} of the {count} records of the last checkpoint are missing; see: trivet audit verify"
        )
