"""``trivet audit verify``: a verdict on a log or on a proof, and the first thing that is wrong.

Exit 0: as it was written. 65: not. 69: nothing here can tell, since there are neither checkpoints nor a seed.
"""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Final

import attrs
import click

from trivet import AuditError
from trivet.exit_codes import EX_DATAERR, EX_UNAVAILABLE
from trivet_plugins.security.audit.directory import LogDirectory, read_public_key

if TYPE_CHECKING:
    from trivet_plugins.security.audit.checkpoint import PublicKey
    from trivet_plugins.security.audit.verification import Verified

_DIRECTORY: Final = click.Path(path_type=pathlib.Path, exists=True, file_okay=False)
_FILE: Final = click.Path(path_type=pathlib.Path, exists=True, dir_okay=False)
_MAX_WITNESS_BYTES: Final = 64 * 1024 * 1024


@click.command()
@click.argument("directory", type=_DIRECTORY, required=False)
@click.option("--public-key", type=_FILE, help="The log's public key. [default: public.key in DIRECTORY]")
@click.option("--seed-file", type=_FILE, help="The auditor's seed: checks each record, and the end.")
@click.option(
    "--checkpoint", "witnesses", type=_FILE, multiple=True, help="Checkpoints that were kept elsewhere. Repeatable."
)
@click.option("--proof", type=_FILE, help="Check this proof of trivet audit prove instead of a log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    directory: pathlib.Path | None,
    public_key: pathlib.Path | None,
    seed_file: pathlib.Path | None,
    witnesses: tuple[pathlib.Path, ...],
    proof: pathlib.Path | None,
    as_json: bool,
) -> None:
    """Check that the log in DIRECTORY is what was written, from its first record to its end.

    With the public key alone: whatever a signed checkpoint covers. With --seed-file: every record, and the end.
    """
    if proof is not None:
        ctx.exit(_verify_proof(proof, _public(directory, public_key), as_json=as_json))
    if directory is None:
        raise click.UsageError("name the directory of a log, or a --proof")
    verified = _verify(directory, public_key, seed_file, witnesses)
    click.echo(_json(verified) if as_json else _text(directory, verified))
    unproven = verified.records and not verified.sealed and not verified.covered
    ctx.exit(EX_DATAERR if verified.finding else EX_UNAVAILABLE if unproven else 0)


def _public(directory: pathlib.Path | None, file: pathlib.Path | None) -> PublicKey:
    if file is None and directory is None:
        raise click.UsageError("a proof is checked with --public-key")
    return LogDirectory(directory).public() if directory is not None and file is None else read_public_key(_given(file))


def _given(file: pathlib.Path | None) -> pathlib.Path:
    if file is None:
        raise click.UsageError("a proof is checked with --public-key")
    return file


def _verify(
    directory: pathlib.Path,
    public: pathlib.Path | None,
    seed_file: pathlib.Path | None,
    witnesses: tuple[pathlib.Path, ...],
) -> Verified:
    from trivet_plugins.security.audit.notes import NotesFile
    from trivet_plugins.security.audit.seed import Seed
    from trivet_plugins.security.audit.verification import Verification

    log = LogDirectory(directory)
    key = _public(directory, public) if public is not None or log.public_key.exists() else None
    seed = Seed.read(seed_file) if seed_file is not None else None
    if key is not None and seed is not None and key.name != seed.origin:
        raise AuditError(f"{seed_file}: the seed of another log, {seed.origin}; this one is {key.name}")
    if key is None and (seed is None or witnesses):
        raise AuditError(f"{log.public_key}: missing; give the log's public key: --public-key FILE")
    notes = [note.text for file in witnesses for note in NotesFile(file).read(_MAX_WITNESS_BYTES)]
    try:
        return Verification(directory, public=key, seed=seed, witnessed=notes).run()
    except OSError as exc:
        raise AuditError(f"{exc.filename or directory}: cannot be read: {exc.strerror}") from exc


def _text(directory: pathlib.Path, verified: Verified) -> str:
    finding = verified.finding
    if finding is not None:
        good = (
            f"records 0 to {verified.records - 1} are as they were written"
            if verified.records
            else "no record is proven"
        )
        place = f"{finding.file}:{finding.line}" if finding.line is not None else finding.file
        record = f"record {finding.seq}: " if finding.seq is not None else ""
        lines = [f"{directory / place}: error: {record}{finding.what}", f"NOT as it was written; {good}"]
        return "\n".join([*lines, f"what to do: {finding.remedy}"])
    counts = ((verified.records, "record"), (verified.segments, "file"), (verified.checkpoints, "signed checkpoint"))
    records, files, checkpoints = (f"{count} {what}" + "s" * (count != 1) for count, what in counts)
    what = f"{records} in {files}, {checkpoints}"
    return "\n".join([f"{directory}: as it was written: {what}", *(f"  {line}" for line in _limits(verified))])


def _limits(verified: Verified) -> list[str]:
    """Return what was checked how far, and what was not."""
    after = verified.records - verified.covered
    lines = []
    if verified.sealed:
        lines.append("each record was checked with the seed")
        lines.append(
            "the end was compared with the state of the service"
            if verified.ended
            else f"not checked: whether more than {verified.records} records were written; there is no state to compare with"
        )
    elif not verified.covered and verified.records:
        lines.append("NOT PROVEN: there is no checkpoint; only form and numbers were checked. Give --seed-file")
    elif after:
        lines.append(f"not checked: the last {after} records, which no checkpoint covers yet; --seed-file checks them")
    if verified.records:
        lines.append(
            "not checked: whether all of it was put back to an earlier day; --checkpoint with one kept elsewhere tells"
        )
    return lines


def _json(verified: Verified) -> str:
    finding = verified.finding
    row = attrs.asdict(verified, filter=attrs.filters.exclude("finding"))
    row["verdict"] = "tampered" if finding else "intact" if verified.sealed or verified.covered else "unproven"
    row["finding"] = attrs.asdict(finding) if finding is not None else None
    return json.dumps(row, indent=2, ensure_ascii=False)


def _verify_proof(file: pathlib.Path, public: PublicKey, *, as_json: bool) -> int:
    from trivet_plugins.security.audit.proof_file import ProofFile

    try:
        statement, problem = ProofFile.read(file).statement(public), None
    except ValueError as exc:
        statement, problem = None, str(exc)
    if as_json:
        row = {"verdict": "refused" if problem else "proven", "statement": statement, "problem": problem}
        click.echo(json.dumps(row, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{file}: error: {problem}; ask for another proof" if problem else f"{file}: proven: {statement}")
    return EX_DATAERR if problem else 0
