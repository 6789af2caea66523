"""``trivet secrets seal-file`` and ``open-file``: whole files of any length, in constant memory, with progress on a terminal."""

from __future__ import annotations

import contextlib
import pathlib
import sys
from typing import TYPE_CHECKING, Final

import click

from trivet import TrivetError
from trivet.exit_codes import EX_IOERR, EX_NOINPUT
from trivet_plugins.cli.options import LaunchCommand
from trivet_plugins.cli.service import Service, service_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from anyio import AsyncFile

    from trivet import Kernel

PURPOSE: Final = "file"
"""What these files are sealed for; ``kernel.ciphers.open_stream(..., purpose="file")`` opens them, too."""

_STANDARD: Final = pathlib.Path("-")
_FILE: Final = click.Path(path_type=pathlib.Path)


class InputFileError(TrivetError):
    """The file to read is not there or not readable."""

    exit_code = EX_NOINPUT


class OutputFileError(TrivetError):
    """The file to write cannot be written, or is there already."""

    exit_code = EX_IOERR


@click.command("seal-file", cls=LaunchCommand)
@click.argument("source", metavar="IN", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@service_options
def seal_file(service: Service, source: pathlib.Path, target: pathlib.Path) -> None:
    """Seal a file of any length: IN stays as it is, OUT is the sealed one.

    Either may be -, for standard input and output. OUT is made with mode 0600, whole or not at all, and must not be there yet.
    """
    import anyio

    if target == _STANDARD and sys.stdout.isatty():
        raise click.UsageError("a sealed file is binary; send standard output to a file or another program")
    anyio.run(_turn, service, service.kernel(), source, target, "sealed")


@click.command("open-file", cls=LaunchCommand)
@click.argument("source", metavar="IN", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@service_options
def open_file(service: Service, source: pathlib.Path, target: pathlib.Path) -> None:
    """Open a file that seal-file has sealed. OUT holds the content in the clear, with mode 0600.

    IN may be -, for standard input; OUT may not: only at its end is a file known to be whole, and a program behind a pipe would
    have worked with a part by then. OUT is there whole or not at all, and must not be there yet.
    """
    import anyio

    if target == _STANDARD:
        raise click.UsageError(
            "open-file writes no standard output: only at its end is the content known to be whole; name a file"
        )
    anyio.run(_turn, service, service.kernel(), source, target, "opened")


async def _turn(service: Service, kernel: Kernel, source: pathlib.Path, target: pathlib.Path, done: str) -> None:
    import anyio

    async with kernel.secured():
        service.ring(kernel)
        turn = kernel.ciphers.seal_stream if done == "sealed" else kernel.ciphers.open_stream
        with _reading(source) as (reader, size), _writing(target) as writer, _progress(size, source) as advance:
            metered = _Metered(anyio.wrap_file(reader), advance)
            written = await turn(metered, anyio.wrap_file(writer), purpose=PURPOSE)
    click.echo(f"{target}: {done}, {written} bytes", err=target == _STANDARD)


class _Metered:
    """A source that says how far it is, and whose errors name it."""

    def __init__(self, file: AsyncFile[bytes], advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    async def read(self, size: int) -> bytes:
        try:
            data = await self._file.read(size)
        except OSError as exc:
            raise InputFileError(f"reading failed: {exc.strerror}") from None
        self._advance(len(data))
        return data


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[tuple[BinaryIO, int | None]]:
    if path == _STANDARD:
        yield sys.stdin.buffer, None
        return
    try:
        file = path.open("rb")
    except OSError as exc:
        raise InputFileError(f"{path}: cannot be read: {exc.strerror}") from None
    with file:
        yield file, path.stat().st_size if path.is_file() else None


@contextlib.contextmanager
def _writing(path: pathlib.Path) -> Iterator[BinaryIO]:
    from trivet import durable_file

    if path == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() or path.is_symlink():  # found out now, not after the work
        raise _is_there(path)
    try:
        with durable_file.creating(path) as file:
            yield file
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as exc:
        raise OutputFileError(f"{path}: cannot be written: {exc.strerror}") from None


def _is_there(path: pathlib.Path) -> OutputFileError:
    return OutputFileError(f"{path} is there already; remove it, or name another file")


@contextlib.contextmanager
def _progress(size: int | None, source: pathlib.Path) -> Iterator[Callable[[int], None]]:
    if not size or not sys.stderr.isatty():
        yield lambda _number: None
        return
    with click.progressbar(length=size, label=source.name, file=sys.stderr) as bar:
        yield bar.update
