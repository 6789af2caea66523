"""``trivet audit``: begin a log, read it, verify it, prove things about it. Reading works on a copy on another machine."""

from __future__ import annotations

import json
import pathlib
import shlex
from typing import Final

import click

from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.prove_command import prove
from trivet_plugins.security.audit.show_command import show
from trivet_plugins.security.audit.verify_command import verify

DIRECTORY: Final = click.Path(path_type=pathlib.Path, file_okay=False)
_FILE: Final = click.Path(path_type=pathlib.Path, dir_okay=False)


@click.group()
def audit() -> None:
    """Begin an audit log; show, verify and prove what is in it."""


audit.add_command(show)
audit.add_command(verify)
audit.add_command(prove)


@audit.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--name", required=True, help="Name of the service.")
@click.option("--seed-file", type=_FILE, help="Where the auditor's seed goes; a new file. [default: NAME.audit-seed]")
def init(directory: pathlib.Path, name: str, seed_file: pathlib.Path | None) -> None:
    """Make a new log in DIRECTORY, and the seed for the auditor.

    Run it as the user that the service runs as: the directory is open to that user only.
    """
    import re

    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name):
        raise click.BadParameter("letters, digits, - and _, beginning with a letter", param_hint="--name")
    target = seed_file or pathlib.Path(f"{name}.audit-seed")
    if target.exists():
        raise click.BadParameter(f"{target} exists; name another file", param_hint="--seed-file")
    log = LogDirectory(directory)
    seed = log.create(name)
    seed.write(target)
    click.echo(f"{directory}: created, log {seed.origin}")
    click.echo(_next_steps(log, target))


def _next_steps(log: LogDirectory, seed: pathlib.Path) -> str:
    here, there = shlex.quote(str(log.path)), shlex.quote(str(seed))
    return "\n".join(
        (
            "next:",
            f"  hand {there} to the auditor and remove it here: who has it can check every record, or write false ones",
            f"  hand the auditor the public key, too: {log.public()}",
            f'  turn the log on: [plugins.audit] path = "{log.path.absolute()}"',
            f"  look at it: trivet audit show {here}; trivet audit verify {here}",
        )
    )


@audit.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--sign", is_flag=True, help="Sign a new one first; as the user that the service runs as.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def checkpoint(directory: pathlib.Path, *, sign: bool, as_json: bool) -> None:
    """Print the last signed checkpoint of a log, to be kept in another place.

    Whoever has it can show later that the log was cut or put back to an earlier day: trivet audit verify --checkpoint FILE.
    """
    from trivet_plugins.security.audit.last_note import last_note

    log = LogDirectory(directory)
    if sign:
        _sign(log)
    note = last_note(log)
    found = log.public().open(note)
    if as_json:
        import base64

        row = {"origin": found.origin, "size": found.size, "root": base64.b64encode(found.root).decode(), "note": note}
        click.echo(json.dumps(row, indent=2))
    else:
        click.echo(note, nl=False)


def _sign(log: LogDirectory) -> None:
    import socket

    from trivet_plugins.security.audit.journal import Journal

    journal = Journal(log.path, kernel=log.public().name.partition("/")[0], node=socket.gethostname())
    try:
        journal.checkpoint(forced=True)
    finally:
        journal.close()
