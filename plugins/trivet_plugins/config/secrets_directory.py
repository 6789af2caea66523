"""Settings from directories of secrets, one file per key: ``/run/secrets/database__password`` sets ``database.password``.

They are ``/run/secrets`` (Docker, Podman), ``$CREDENTIALS_DIRECTORY`` (systemd) and those named by ``--secrets-dir`` or
``Launch(secrets=...)``; a later one wins. ``__`` goes one level down and names match the schema in any case, with the kernel's
prefix (``orders_database__password``) or without. A name that fits no setting is left alone, since the directory may be others'
too, but with the prefix it is an error. Values are text, as in the environment, without one newline at the end; all are secrets.

Dot files and subdirectories are left alone, ``..data`` links of Kubernetes work, links out of the directory are refused. A file
that every user may read or write is used, with a `ConfigWarning`. It has no settings of its own: it is there before they are.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import anyio.to_thread
import attrs

from trivet import Layer, LoadContext, Origin, Provider, hookimpl
from trivet.config.layer import SECRETS_DIRECTORY
from trivet.config.origin import Path
from trivet.events import ConfigWarning
from trivet_plugins.config.gathered import Gathered
from trivet_plugins.config.secret_files import SecretFile, SecretFiles
from trivet_plugins.config.variables import RESERVED

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource, Kernel

DEFAULT = pathlib.Path("/run/secrets")
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_NO_NAME = ("..",)  # no field and no file that is read can be called this


@attrs.frozen
class _Place:
    path: pathlib.Path
    named: bool


@attrs.frozen
class _Reading:
    """What one directory gave.

    Args:
        layer: Its layer.
        warning: What wants a look, or nothing.
    """

    layer: Layer
    warning: str = ""


class SecretsDirectory:
    """Directories of secrets.

    Args:
        kernel: Is told of files that are open to everyone.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._warned: set[str] = set()

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read all directories that are there, in a thread."""
        readings = await anyio.to_thread.run_sync(_read_all, context, abandon_on_cancel=True)
        for reading in readings:
            if reading.warning and reading.warning not in self._warned:
                self._warned.add(reading.warning)
                self._kernel.emit(ConfigWarning(message=reading.warning))
        return [reading.layer for reading in readings]


def _places(context: LoadContext) -> Iterator[_Place]:
    credentials = context.launch.environ.get(_CREDENTIALS)
    paths = {DEFAULT: False}
    if credentials:
        paths[pathlib.Path(credentials)] = False
    for path in context.launch.secrets:
        paths.pop(path, None)
        paths[path] = True
    return (_Place(path, named) for path, named in paths.items())


def _read_all(context: LoadContext) -> list[_Reading]:
    return [_read(place, context) for place in _places(context)]


def _read(place: _Place, context: LoadContext) -> _Reading:
    name = f"secrets {place.path}"
    found = Gathered(name, str(place.path))
    match = _Names(context)
    warning = ""
    try:
        files = SecretFiles(place.path).read(match.wants)
    except OSError as exc:
        files = []
        why = f"cannot be listed: {exc.strerror or type(exc).__name__}"
        if place.named:
            found.refuse(f"{why}; create it, or correct --secrets-dir", Origin(name, str(place.path)))
        elif not isinstance(exc, (FileNotFoundError, NotADirectoryError)):
            warning = f"{place.path} {why}: no secrets are read from it"
    for file in files:
        _take(file, match, found)
    open_files = [file.path.name for file in files if file.is_open and not match.takes_all]
    layer = found.as_layer(SECRETS_DIRECTORY, secret=True, watch=(place.path,))
    return _Reading(layer, _exposure(place.path, open_files) if open_files else warning)


def _take(file: SecretFile, names: _Names, found: Gathered) -> None:
    origin = Origin(found.layer, str(file.path))
    found.files.append(file.path)
    path = names.match(file.path.name)
    if path is None:
        found.refuse(names.refusal(file.path.name), origin)
    elif file.value is None:
        found.refuse(file.refusal, origin)
    else:
        try:
            found.put(path, file.value, origin)
        except ValueError as exc:
            found.refuse(str(exc), origin)


@attrs.frozen
class _Names:
    """Knows which files are settings.

    Args:
        context: What to load with.
    """

    context: LoadContext

    @property
    def takes_all(self) -> bool:
        """True as long as not all sections are known: then every name fits, and files of others would be taken for ours."""
        return self.context.schema.match(_NO_NAME) is not None

    def wants(self, name: str) -> bool:
        """Tell whether a file is to be read."""
        if self._is_prefixed(name):
            return True
        if self.takes_all:
            return name.lower().startswith("plugins__")
        return self.match(name) is not None

    def match(self, name: str) -> Path | None:
        """Return the path of the setting, or None."""
        for rest in (name[len(self.context.prefix) :], name) if self._is_prefixed(name) else (name,):
            parts = rest.split("__")
            path = self.context.schema.match(parts) if all(parts) else None
            if path is not None:
                return path
        return None

    def refusal(self, name: str) -> str:
        """Say that a file with the prefix fits no setting, and which may be meant."""
        prefix = name[: len(self.context.prefix)]
        near = self.context.schema.suggest(name[len(prefix) :].split("__"))
        if near is None:
            return f"no setting is named like this; files with {prefix} are read as settings, so rename or remove it"
        return f"no setting is named like this; did you mean {prefix}{near.replace('.', '__')} ({near})?"

    def _is_prefixed(self, name: str) -> bool:
        return self.context.prefix != RESERVED and name.upper().startswith(self.context.prefix)


def _exposure(directory: pathlib.Path, names: Sequence[str]) -> str:
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"secrets in {directory} are open to every user of this machine: {some}; take the rights of others away (chmod o=)"


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/secrets_directory``."""
    return [Provider(name="secrets_directory", factory=SecretsDirectory)]
