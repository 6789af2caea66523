"""Where master keys come from. ``plugins.key_file.master`` names one as ``<source>:<name>``; no settings of their own.

=====================  ==========================================================================================
``file:PATH``          a file of mode 0600 that is no link
``environment:NAME``   a variable; it is removed from the process's environment when it is read
``credential:NAME``    a credential of systemd, in ``$CREDENTIALS_DIRECTORY`` (``LoadCredentialEncrypted=``)
``secret:NAME``        a file in a secrets directory: ``--secrets-dir``, else ``/run/secrets`` (Docker, Kubernetes)
``passphrase``         typed at the terminal, hidden
``passphrase:SOURCE``  what one of the first four holds is a passphrase, e.g. ``passphrase:credential:orders``
=====================  ==========================================================================================

A master key is the base64 of 32 random bytes (``openssl rand -base64 32``); a passphrase is stretched with Argon2id at the cost
of the security level. A variable is the weakest of these: what the process was started with stays in ``/proc/<pid>/environ`` for
its user and root, whatever is removed afterwards, and its parent knows it too.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import anyio.to_thread

from trivet import KeyRingError, Passphrase, Provider, Secret, hookimpl
from trivet_plugins.security.keys.master_text import MAX_BYTES, master_key, passphrase
from trivet_plugins.security.private_file import read_private

if TYPE_CHECKING:
    from trivet import Composition, Kernel, KeySource

_SECRETS: Final = pathlib.Path("/run/secrets")
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"

# A variable is gone once it was read, and a kernel that has stopped may start again, or another one in the same process.
_OF_PROCESS: Final[dict[str, Secret[str]]] = {}
_OF_KERNEL: Final[WeakKeyDictionary[Kernel, dict[str, Secret[str]]]] = WeakKeyDictionary()

_Read = Callable[["Kernel", str], bytes]


def read_file(_kernel: Kernel, name: str) -> bytes:
    """Read a file that nobody but its owner may read."""
    path = pathlib.Path(name)
    return read_private(
        path, MAX_BYTES, missing="there is no such file; make one: umask 077; openssl rand -base64 32 > FILE"
    )[0]


def take_variable(kernel: Kernel, name: str) -> bytes:
    """Read a variable and remove it, so that no child process and no dump of the environment shows it."""
    prefix = f"{kernel.name.upper().replace('-', '_')}_"
    if name.upper().startswith(prefix):
        raise KeyRingError(f"${name} would be read as a setting too, for its prefix {prefix}; give it another name")
    environ = kernel.launch.environ
    taken = _OF_PROCESS if environ is os.environ else _OF_KERNEL.setdefault(kernel, {})
    if name in environ:
        taken[name] = Secret(environ[name])
        if isinstance(environ, MutableMapping):
            del environ[name]
    if name not in taken:
        raise KeyRingError(f"${name} is not set")
    return taken[name].reveal().encode("utf-8", "surrogateescape")


def read_credential(kernel: Kernel, name: str) -> bytes:
    """Read a credential. Who may read them is systemd's business: it shows their access lists as mode bits."""
    directory = kernel.launch.environ.get(_CREDENTIALS)
    if not directory:
        raise KeyRingError(
            f"${_CREDENTIALS} is not set: systemd sets it for units with LoadCredential= or SetCredential="
        )
    path = pathlib.Path(directory) / _plain(name)
    missing = "there is no such credential; name it with LoadCredentialEncrypted= in the unit"
    return read_private(path, MAX_BYTES, missing=missing, mode_checked=False)[0]


def read_secret(kernel: Kernel, name: str) -> bytes:
    """Read a mounted secret. Links that stay in the directory are followed: Kubernetes mounts them so."""
    directories = [*reversed(kernel.launch.secrets), _SECRETS]
    for directory in directories:
        path = directory / _plain(name)
        if os.path.exists(path):  # noqa: PTH110 - of a name that no file can have it says no
            root, target = pathlib.Path(os.path.realpath(directory)), pathlib.Path(os.path.realpath(path))
            if not target.is_relative_to(root):
                raise KeyRingError(f"{path}: leads out of {directory}; put the file itself there")
            return read_private(target, MAX_BYTES, missing="it has just gone; try again", mode_checked=False)[0]
    raise KeyRingError(f"there is no {name} in {' or '.join(map(str, directories))}")


def _plain(name: str) -> str:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise KeyRingError(f"{name!r} is no name of a file in a directory of secrets")
    return name


_READERS: Final[dict[str, _Read]] = {
    "file": read_file,
    "environment": take_variable,
    "credential": read_credential,
    "secret": read_secret,
}


class StoredMasterKey:
    """Master keys that stand somewhere as text.

    Args:
        kernel: Whose.
        read: Finds the text.
    """

    def __init__(self, kernel: Kernel, read: _Read) -> None:
        self._kernel = kernel
        self._read = read

    async def load(self, name: str) -> bytes | Passphrase:
        """Return the master key of a name."""
        if not name:
            raise KeyRingError("which one? Say it after a colon, e.g. file:/etc/orders/master.key")
        return master_key(await anyio.to_thread.run_sync(self._read, self._kernel, name), name)


class PassphraseSource:
    """Passphrases, typed at the terminal or kept where master keys may be.

    Args:
        kernel: Whose.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def load(self, name: str) -> bytes | Passphrase:
        """Return the passphrase of a name: a source and a name in it, or nothing to ask for it."""
        if not name:
            return passphrase(await anyio.to_thread.run_sync(_ask, self._kernel.name), "the terminal")
        scheme, _, rest = name.partition(":")
        if scheme not in _READERS or not rest:
            raise KeyRingError(f"{name}: must be one of {', '.join(f'{one}:NAME' for one in _READERS)}, or nothing")
        return passphrase(await anyio.to_thread.run_sync(_READERS[scheme], self._kernel, rest), name)


def _ask(service: str) -> bytes:
    import getpass

    if not sys.stdin or not sys.stdin.isatty():
        raise KeyRingError(
            "nobody can be asked: standard input is no terminal; keep the passphrase elsewhere, e.g. passphrase:credential:NAME"
        )
    try:
        return getpass.getpass(f"Passphrase of the key ring of {service}: ").encode("utf-8", "surrogateescape")
    except EOFError:
        raise KeyRingError("no passphrase was typed") from None


@hookimpl
def register_key_sources(composition: Composition) -> list[Provider[KeySource]]:
    """Offer ``key_source/file``, ``environment``, ``credential``, ``secret`` and ``passphrase``."""
    stored: list[Provider[KeySource]] = [
        Provider(name=name, factory=partial(StoredMasterKey, read=read)) for name, read in _READERS.items()
    ]
    return [*stored, Provider(name="passphrase", factory=PassphraseSource)]
