"""References to files in configuration: ``certificate = "${file:tls/server.pem}"`` is what the file holds.

No settings. A relative path starts at the directory of the file that holds the reference; elsewhere (a variable, ``--set``) at
the working directory; a remote document may not name any. The file is UTF-8 text of at most 64 KiB, one newline at its end is
dropped, and its text means what the schema says. A change of the file reloads the configuration. The content is a secret where
the file's name says so, where it lies in a directory of secrets, and where not every user may read it.
"""

from __future__ import annotations

import os
import pathlib
import stat
from typing import TYPE_CHECKING

import anyio.to_thread

from trivet import NothingThereError, Provider, Resolved, hookimpl
from trivet_plugins.config.value_file import VALUE_FILE_BYTES, as_value, read_raw

if TYPE_CHECKING:
    from trivet import Composition, Kernel, Launch, Origin, ResolveContext, Resolver

_SECRETS = ("/run/secrets", "/var/run/secrets")


class FileReferences:
    """Give the content of files.

    Args:
        kernel: Knows how the process was started.
    """

    scheme = "file"
    bare = False

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def resolve(self, argument: str, context: ResolveContext) -> Resolved:
        """Read a file.

        Args:
            argument: Its path.
            context: Where the reference stands.

        Raises:
            NothingThereError: if it is not there.
            ValueError: if it cannot be read, or holds no text, or another machine asks.
        """
        if context.remote():
            raise ValueError("a remote document cannot read this machine's files; refer to it in a local file")
        if not argument.strip() or "\0" in argument:
            raise ValueError("a reference to a file names it like ${file:/etc/machine-id}")
        path = pathlib.Path(argument)
        if not path.is_absolute():
            path = _directory(await anyio.to_thread.run_sync(context.locate)) / path
        context.watch(path)
        return await anyio.to_thread.run_sync(_read, path, self._kernel.launch)


def _directory(origin: Origin | None) -> pathlib.Path:
    """Return where relative paths start: beside the file that an origin is in."""
    is_file = origin is not None and origin.line is not None and "://" not in origin.source
    return pathlib.Path(origin.source).parent if origin is not None and is_file else pathlib.Path()


def _read(path: pathlib.Path, launch: Launch) -> Resolved:
    if not os.path.lexists(path):
        raise NothingThereError(f"the file {path} is not there; make it, or give a default: ${{file:...:-...}}")
    try:
        raw = read_raw(path, VALUE_FILE_BYTES)
        text = as_value(raw.content)
    except ValueError as exc:
        raise ValueError(f"{path} {exc}") from None
    return Resolved(text, secret=not raw.mode & stat.S_IROTH or _is_in_secrets(path, launch), text=True)


def _is_in_secrets(path: pathlib.Path, launch: Launch) -> bool:
    credentials = launch.environ.get("CREDENTIALS_DIRECTORY")
    directories: list[str | pathlib.Path] = [*_SECRETS, *launch.secrets, *([credentials] if credentials else [])]
    # Both the path as written and what it leads to: /run/secrets may itself be a link.
    spellings = (pathlib.Path(os.path.abspath(path)), path.resolve())  # noqa: PTH100 - `resolve` follows links
    return any(
        spelling.is_relative_to(where)
        for spelling in spellings
        for directory in directories
        for where in (pathlib.Path(directory).absolute(), pathlib.Path(directory).resolve())
    )


@hookimpl
def register_resolvers(composition: Composition) -> list[Provider[Resolver]]:
    """Offer ``resolver/file``."""
    return [Provider(name="file", factory=FileReferences)]
