"""``trivet token``: make a token for the admin pages, and the hash of one, for ``plugins.web.token_hash``."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

import click

_BYTES: Final = 32
_SHORTEST: Final = 16


@click.group()
def token() -> None:
    """Make a token for the admin pages, and its hash for the configuration."""


@token.command()
def new() -> None:
    """Make a random token of 256 bits; print the token, then its hash."""
    made = secrets.token_urlsafe(_BYTES)
    click.echo(f"token:      {made}")
    click.echo(f"token_hash: {_hash(made)}")
    click.echo("next:", err=True)
    click.echo(
        '  put the hash into the configuration: [plugins.web] token_hash = "sha256:..."\n'
        "  keep the token where you keep passwords; clients send it as Authorization: Bearer TOKEN,\n"
        "  and trivet's own commands take it from --token-file or $TRIVET_TOKEN",
        err=True,
    )


@token.command("hash")
def hash_() -> None:
    """Print the hash of a token, which comes from a hidden prompt, or from standard input."""
    from trivet_plugins.cli.secret_input import read_secret

    given = read_secret("token").reveal().strip()
    if len(given) < _SHORTEST:
        raise click.BadParameter(f"a token has at least {_SHORTEST} characters; trivet token new makes a good one")
    click.echo(_hash(given))


def _hash(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
