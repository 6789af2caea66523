"""``trivet password``: hash a password as the service would, and check one against a stored hash.

The password comes from a hidden prompt, or from standard input; never from an argument, which `ps` shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from trivet_plugins.cli.options import LaunchCommand, app_option, launch_options, mute, open_kernel

if TYPE_CHECKING:
    from trivet import Kernel, Secret

DOES_NOT_FIT: Final = 1
"""The exit code of ``verify`` where the password is another one, as `grep` and `cmp` have it."""

_MAX_HASH: Final = 4096


@click.group()
def password() -> None:
    """Hash a password; check one against a stored hash.

    Scheme, cost and pepper are those of the service: of --app, or of what ./trivet.toml says.
    """


@password.command("hash", cls=LaunchCommand)
@app_option
@launch_options
def hash_(app: str | None, **launch: Any) -> None:  # noqa: ANN401 - the launch options
    """Print the hash of a password, and nothing else."""
    import anyio

    from trivet_plugins.cli.secret_input import read_secret

    kernel = _open(app, **launch)
    click.echo(anyio.run(_hash, kernel, read_secret("password")))


def _open(app: str | None, **launch: Any) -> Kernel:  # noqa: ANN401 - the launch options
    for logger in ("trivet.config", "trivet.provider"):  # what fails is the command's to say, once
        mute(logger)
    return open_kernel(app, **launch)


async def _hash(kernel: Kernel, secret: Secret[str]) -> str:
    from trivet import Passwords

    async with kernel.secured():
        return await kernel.service(Passwords).hash(secret.reveal())


@password.command(cls=LaunchCommand)
@click.argument("hashed", metavar="[HASH]", required=False)
@click.option("--hash-file", type=click.File("rb"), help="Take the hash from this file.")
@app_option
@launch_options
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    *,
    hashed: str | None,
    hash_file: BinaryIO | None,
    app: str | None,
    **launch: Any,  # noqa: ANN401 - the launch options
) -> None:
    """Check a password against a stored HASH.

    Exit 0: it fits. 1: it does not. 65: HASH is no hash, or asks for more than the bound. Put HASH between single quotes: it
    is full of dollar signs.
    """
    import anyio

    from trivet_plugins.cli.secret_input import read_secret

    if (hashed is None) == (hash_file is None):
        raise click.UsageError("give the hash: HASH, or --hash-file FILE")
    stored = hash_file.read(_MAX_HASH).decode("ascii", "replace").strip() if hash_file is not None else hashed or ""
    kernel = _open(app, **launch)
    fits, old = anyio.run(_verify, kernel, read_secret("password", confirm=False), stored)
    click.echo("the password fits" if fits else "the password does not fit")
    if old:
        click.echo("the hash is out of date: the service makes a new one at the next log-in")
    if not fits:
        ctx.exit(DOES_NOT_FIT)


async def _verify(kernel: Kernel, secret: Secret[str], stored: str) -> tuple[bool, bool]:
    from trivet import Passwords

    async with kernel.secured():
        passwords = kernel.service(Passwords)
        return await passwords.verify(secret.reveal(), stored), passwords.needs_rehash(stored)
