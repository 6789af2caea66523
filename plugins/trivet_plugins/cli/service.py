"""`Service`: whose secrets a command is about: ``--app``, ``--name``, ``--key-file`` and the launch options."""

from __future__ import annotations

import functools
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import click

from trivet_plugins.cli.options import CONFIG_SUFFIXES, launch_options, mute, open_kernel, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet import Kernel, KeyRing

F = TypeVar("F", bound="Callable[..., Any]")


@attrs.frozen
class Service:
    """What the options say.

    Args:
        app: The TARGET of the service's code.
        name: The service's name, where its code is not at hand.
        key_file: The key file, where it is not the configured one.
        files: ``--config``.
        profile: ``--profile``.
        assignments: ``--set``.
        strings: ``--set-string``.
        value_files: ``--set-file``.
        secrets: ``--secrets-dir``.
        last_known_good: ``--last-known-good``.
    """

    app: str | None
    name: str | None
    key_file: pathlib.Path | None
    files: tuple[str, ...]
    profile: str | None
    assignments: tuple[str, ...]
    strings: tuple[str, ...]
    value_files: tuple[str, ...]
    secrets: tuple[str, ...]
    last_known_good: str | None

    def kernel(self) -> Kernel:
        """Return the service's kernel: sealed values are bound to its name.

        Raises:
            UsageError: if no service is named, or two.
            TargetError: if the target does not give a kernel.
        """
        if not self.app and not self.name:
            raise click.UsageError("say which service the value is for: --app TARGET, or --name NAME")
        return self.kernel_of_keys()

    def kernel_of_keys(self) -> Kernel:
        """Return a kernel that finds the key file, whoever's it is.

        Raises:
            UsageError: if nothing says where the keys are, or two services are named.
            TargetError: if the target does not give a kernel.
        """
        if self.app and self.name:
            raise click.UsageError("--app and --name both say which service it is; give one")
        if not (self.app or self.name or self.key_file or os.environ.get("TRIVET_KEY_FILE")):
            raise click.UsageError("say where the keys are: --key-file FILE, --app TARGET or --name NAME")
        assignments = self.assignments
        if self.key_file is not None:
            assignments += (f"plugins.key_file.path={json.dumps(str(self.key_file), ensure_ascii=False)}",)
        if self.name is None:
            return open_kernel(self.app, **self._launch(assignments))
        from trivet import Kernel, Launch

        mute("trivet.security")
        try:
            return Kernel(self.name, launch=Launch(actor=user(), **self._launch(assignments)))
        except ValueError as exc:
            raise click.BadParameter(str(exc), param_hint="--name") from None

    def ring(self, kernel: Kernel) -> KeyRing:
        """Return the key ring of a kernel.

        Raises:
            KeyRingError: if it is not the one that ``--key-file`` names.
        """
        from trivet import KeyRing, KeyRingError

        ring = kernel.service(KeyRing)
        place = getattr(ring, "place", None)
        if self.key_file is not None and place != str(
            self.key_file
        ):  # not --set, or not key_file: never another's keys
            raise KeyRingError(
                f"the key ring of {kernel.name} takes no --key-file; its keys are at {place or 'a place of its own'}"
            )
        return ring

    def files_of(self, kernel: Kernel) -> list[pathlib.Path]:
        """Return the configuration files of a running kernel, the weakest first."""
        layers = [layer for layer in kernel.config.layers() if layer.whole is not None and not layer.remote]
        origins = dict.fromkeys(layer.whole.source for layer in layers if layer.whole is not None)
        found = [pathlib.Path(source) for source in origins if source.lower().endswith(CONFIG_SUFFIXES)]
        return [file for file in found if file.is_file()]

    def _launch(self, assignments: tuple[str, ...]) -> dict[str, Any]:
        names = ("files", "profile", "strings", "value_files", "secrets", "last_known_good")
        return {"assignments": assignments, **{name: getattr(self, name) for name in names}}


def service_options(function: F) -> F:
    """Add the options; the command gets ``service``."""

    @functools.wraps(function)
    def command(**options: Any) -> object:  # noqa: ANN401 - click's keyword arguments
        named = {field.name: options.pop(field.name) for field in attrs.fields(Service)}
        return function(service=Service(**named), **options)

    path = click.Path(path_type=pathlib.Path)
    wrapped = launch_options(command)
    for option in (
        click.option("--key-file", type=path, help="The key file. [default: as configured, or $TRIVET_KEY_FILE]"),
        click.option("--name", metavar="NAME", help="The service's name, where its code is not at hand."),
        click.option("--app", metavar="TARGET", help="The service: module:attr or file.py[:attr]."),
    ):
        wrapped = option(wrapped)
    return cast("F", wrapped)


def files_argument(function: F) -> F:
    """Add ``FILES`` and ``--all``; the command gets ``named``, empty for all files of the service."""

    @functools.wraps(function)
    def command(*, named: tuple[pathlib.Path, ...], all_files: bool, **options: Any) -> object:  # noqa: ANN401 - as above
        if all_files == bool(named):
            raise click.UsageError("name the files, or say --all")
        return function(named=named, **options)

    wrapped = click.option("--all", "all_files", is_flag=True, help="All configuration files of the service.")(command)
    argument = click.argument("named", metavar="[FILES]...", nargs=-1, type=click.Path(path_type=pathlib.Path))
    return cast("F", argument(wrapped))
