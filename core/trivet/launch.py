"""`Launch`: how the process was started, as far as configuration is concerned."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping

import attrs


def _paths(values: object) -> tuple[pathlib.Path, ...]:
    return tuple(pathlib.Path(value) for value in values)  # type: ignore[attr-defined]  # attrs gives what the caller passed


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Launch:
    """What the command line (or the code that makes the kernel) says about where configuration is.

    Args:
        files: Base files, in order; later ones win. Empty: look for ``<name>.toml|yaml|yml|json`` in ``./``,
            ``$XDG_CONFIG_HOME/<name>`` and ``/etc/<name>``.
        profile: E.g. ``dev``: adds ``<file>.dev.toml`` next to each base file. Default: ``$TRIVET_PROFILE``.
        assignments: ``a.b=value`` texts of ``--set``, in order.
        strings: ``a.b=text`` texts of ``--set-string``, in order; they win over ``assignments``.
        value_files: ``a.b=path`` texts of ``--set-file``, in order; they win over ``strings``.
        secrets: Directories of secrets, one file per key; later ones win over earlier ones and over those that are looked for
            without being named, ``/run/secrets`` and ``$CREDENTIALS_DIRECTORY``.
        include_key: The top-level key by which a file names others to read below it; a section may have the same name, since
            sections are tables and tables do not include. Empty: no file includes others.
        ignore_empty: True where a variable that is empty counts as not set; else it is an empty text.
        last_known_good: The file in which every good configuration is kept, for a start while a source is down.
            Default: ``$TRIVET_LAST_KNOWN_GOOD``; without that, none is kept.
        actor: Who started the program, for the audit log, e.g. ``user:alice``; None: what is done is the service's own doing.
        dotenv_format: ``compose``, the dialect of Docker Compose v2, or ``raw``: in ``.env`` files a value is all that stands
            behind the ``=``, quotes and blanks included.
        drain: Seconds between SIGTERM, when readiness falls, and the stop: until then a load balancer that has not noticed yet
            still gets its answers. Kubernetes needs about 5. Only where the kernel gets the signal, under ``trivet run``.
        code: The launch of the application's code, where a command line was added to it: its assignments, strings and value
            files lie below all of those here.
        environ: The environment; default: the process's, read when asked.
        standalone: True under ``trivet run``: the process is the kernel's own, so plugins may set up what belongs to a
            process (logging).
    """

    files: tuple[pathlib.Path, ...] = attrs.field(default=(), converter=_paths)
    profile: str | None = None
    assignments: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    strings: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    value_files: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    secrets: tuple[pathlib.Path, ...] = attrs.field(default=(), converter=_paths)
    include_key: str = "include"
    ignore_empty: bool = False
    last_known_good: pathlib.Path | None = attrs.field(default=None, converter=attrs.converters.optional(pathlib.Path))
    actor: str | None = None
    dotenv_format: str = attrs.field(default="compose", validator=attrs.validators.in_(("compose", "raw")))
    drain: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    code: Launch | None = None
    environ: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    standalone: bool = False

    def active_profile(self) -> str | None:
        """Return the profile: the one given, else ``$TRIVET_PROFILE``, else None."""
        return self.profile or self.environ.get("TRIVET_PROFILE") or None

    def remembers_in(self) -> pathlib.Path | None:
        """Return the file of the last known good configuration: the one given, else ``$TRIVET_LAST_KNOWN_GOOD``, else None."""
        named = self.environ.get("TRIVET_LAST_KNOWN_GOOD")
        return self.last_known_good or (pathlib.Path(named) if named else None)
