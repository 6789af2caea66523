"""``trivet secrets``: make the key file, seal values for the places where they will stand, open them again.

All but ``init``, ``seal`` and ``open`` stand in files of their own.
"""

from __future__ import annotations

import pathlib
import shlex
import sys
from typing import TYPE_CHECKING, Final

import click

from trivet_plugins.cli.config_path import config_path
from trivet_plugins.cli.options import LaunchCommand
from trivet_plugins.cli.secrets_check import check
from trivet_plugins.cli.secrets_edit import edit
from trivet_plugins.cli.secrets_file import open_file, seal_file
from trivet_plugins.cli.secrets_manifest import manifest
from trivet_plugins.cli.secrets_merge import merge_driver
from trivet_plugins.cli.secrets_rotate import rotate
from trivet_plugins.cli.service import Service, service_options
from trivet_plugins.cli.suite import find_suite

if TYPE_CHECKING:
    from trivet import Kernel, Key, Secret
    from trivet.config.origin import Path

AES_256_GCM: Final = 2

_FILE: Final = click.Path(path_type=pathlib.Path)


@click.group()
def secrets() -> None:
    """Create the key file; seal and open values.

    A sealed value opens only under its key, in the service it was sealed for, and at its PATH in the configuration.
    """


for _command in (check, edit, manifest, merge_driver, open_file, rotate, seal_file):
    secrets.add_command(_command)


# -- init -----------------------------------------------------------------------------------------------------------------


@secrets.command(cls=LaunchCommand)
@click.option("--suite", metavar="NAME|NUMBER", help="The cipher that the key is for. [default: that of the level]")
@service_options
def init(service: Service, suite: str | None) -> None:
    """Create the key file, with one key; never overwrite one.

    The built-in ciphers: 1 xaes_256_gcm, 2 aes_256_gcm, 3 xchacha20_poly1305, 4 aes_256_gcm_siv.
    """
    import anyio

    place, key, cipher = anyio.run(_init, service, service.kernel_of_keys(), suite)
    click.echo(f"{place}: created, with key {key.id:016x} for {cipher}")
    click.echo(_next_steps(place, service))


async def _init(service: Service, kernel: Kernel, wanted: str | None) -> tuple[str, Key, str]:
    from trivet import KeyRingError
    from trivet.ciphers.contracts import KeyStore

    async with kernel.secured():
        ring = service.ring(kernel)
        suites = kernel.ciphers.suites()
        if not isinstance(ring, KeyStore):
            raise KeyRingError(
                f"the key ring of {kernel.name}, {type(ring).__qualname__}, does not make its keys itself"
            )
        usual = _usual(kernel)
        suite = find_suite(wanted, suites) if wanted else usual if usual in suites else next(iter(suites), usual)
        return ring.place, ring.create(suite=suite), suites[suite]


def _usual(kernel: Kernel) -> int:
    from trivet import SecurityLevel, UnknownServiceError

    try:
        return kernel.service(SecurityLevel).suite
    except UnknownServiceError:  # somebody blocked it
        return AES_256_GCM


def _next_steps(place: str, service: Service) -> str:
    quoted = shlex.quote(place)
    whose = f"--app {service.app}" if service.app else f"--name {service.name or 'NAME'}"
    return "\n".join(
        (
            "next:",
            "  keep a copy in a safe place: without it, what it sealed is lost",
            f"  keep it out of version control: echo {shlex.quote(f'{place}*')} >> .gitignore",
            f"  let the service find it: export TRIVET_KEY_FILE={quoted}, or set plugins.key_file.path",
            f"  seal a value: trivet secrets seal database.password {whose} --file CONFIG_FILE",
        )
    )


# -- seal -----------------------------------------------------------------------------------------------------------------


@secrets.command(cls=LaunchCommand)
@click.argument("path", callback=config_path)
@click.option("--file", type=_FILE, help="Put the sealed value into this file, in place of the value at PATH.")
@service_options
def seal(service: Service, path: Path, file: pathlib.Path | None) -> None:
    """Seal a value for its PATH, e.g. database.password.

    The value comes from a hidden prompt, or from standard input. Without --file the sealed value is printed.
    """
    import anyio

    from trivet.config.origin import dotted
    from trivet_plugins.cli.secret_input import is_interactive, read_secret

    kernel = service.kernel()
    if is_interactive():  # first look whether there are a key and a place: nobody likes to type a password in vain
        anyio.run(_find_place, service, kernel, path, file)
    value = read_secret(dotted(path))
    click.echo(anyio.run(_seal, service, kernel, path, file, value))


async def _find_place(service: Service, kernel: Kernel, path: Path, file: pathlib.Path | None) -> None:
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        service.ring(kernel).primary()
        if file is not None:
            SealedFile.read(kernel, file).with_sealed(path, "trivet:1:")


async def _seal(service: Service, kernel: Kernel, path: Path, file: pathlib.Path | None, value: Secret[str]) -> str:
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        service.ring(kernel)
        target = SealedFile.read(kernel, file) if file is not None else None
        sealed = await kernel.ciphers.seal_config(value.reveal(), path=path)
        if target is None:
            return sealed
        text = target.with_sealed(path, sealed)
        await target.save(text)
        return f"{target.source.with_text(text).place(path)}: sealed{'' if target.has(path) else ', a new key'}"


# -- open -----------------------------------------------------------------------------------------------------------------


@secrets.command("open", cls=LaunchCommand)
@click.argument("path", callback=config_path)
@click.option(
    "--file", type=_FILE, help="Take the sealed value from this file alone, not from the whole configuration."
)
@service_options
def open_(service: Service, path: Path, file: pathlib.Path | None) -> None:
    """Print the value that is sealed at PATH, and nothing else, on standard output."""
    import anyio

    value = anyio.run(_open, service, service.kernel(), path, file)
    sees = "everyone who sees this terminal" if sys.stdout.isatty() else "everyone who can read where it goes"
    click.echo(f"the value is on standard output, in the clear: {sees} can read it", err=True)
    click.echo(value.reveal())


async def _open(service: Service, kernel: Kernel, path: Path, file: pathlib.Path | None) -> Secret[str]:
    from trivet import SealError, Secret, UnknownPathError
    from trivet.ciphers.envelope import PREFIX
    from trivet.config.origin import dotted
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        service.ring(kernel)
        if file is None:
            value, place = kernel.config.peek(path), f"the configuration of {kernel.name}"
        else:
            source = SealedFile.read(kernel, file).source
            value, place = source.value(path), source.place(path)
        if value is None:
            raise UnknownPathError(f"{place} has no {dotted(path)}; give the file that has it with --file")
        text = value.strip() if isinstance(value, str) else ""
        if not text.startswith(PREFIX):
            raise SealError(f"{place}: {dotted(path)} is not sealed; trivet secrets seal does that")
        return Secret(await kernel.ciphers.open_config(text, path=path))
