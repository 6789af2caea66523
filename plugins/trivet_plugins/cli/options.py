"""The options that mean the same in every command: ``--config``, ``--profile``, ``--set`` and its kin, ``--app``, ``--debug``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet import Kernel

F = TypeVar("F", bound="Callable[..., Any]")

CONFIG_SUFFIXES: Final = (".toml", ".yaml", ".yml", ".json")


class Session:
    """One run of the command line; click hands it to every command as ``ctx.obj``."""

    def __init__(self) -> None:
        self.debug = False


class LaunchCommand(click.Command):
    """A command with `launch_options`; ``--config a.toml b.toml`` is the same as ``--config a.toml --config b.toml``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat ``--config`` before every further file, then parse as usual."""
        spread: list[str] = []
        follows = ""
        for arg in args:
            if follows == "value":
                follows = "more"
            elif follows == "more" and arg.endswith(CONFIG_SUFFIXES):
                spread.append("--config")
            else:
                follows = "value" if arg == "--config" else ""
            spread.append(arg)
        return super().parse_args(ctx, spread)


def debug_option(function: F) -> F:
    """Add ``--debug``."""

    def switch(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        ctx.ensure_object(Session).debug |= value

    option = click.option(
        "--debug", is_flag=True, expose_value=False, callback=switch, is_eager=True, help="Show tracebacks."
    )
    return option(function)


def _repeatable(option: str, name: str, metavar: str, text: str) -> Callable[[F], F]:
    return click.option(option, name, multiple=True, metavar=metavar, help=f"{text} Repeatable.")


def launch_options(function: F) -> F:
    """Add ``--debug`` and the options of `trivet.Launch`.

    The command gets ``files``, ``profile``, ``assignments``, ``strings``, ``value_files``, ``secrets`` and
    ``last_known_good``, for `open_kernel`.
    """
    good = "Keep every good configuration here, for a start while a source is down. [default: $TRIVET_LAST_KNOWN_GOOD]"
    profile = "Add the profile's files, e.g. base.NAME.toml. [default: $TRIVET_PROFILE]"
    for option in (
        debug_option,
        click.option("--last-known-good", metavar="FILE", help=good),
        _repeatable("--secrets-dir", "secrets", "DIR", "Read secrets from this directory too, a file per key."),
        _repeatable("--set-file", "value_files", "PATH=FILE", "Set a value to what is in a file."),
        _repeatable("--set-string", "strings", "PATH=TEXT", "Set a text as it is: neither number nor null."),
        _repeatable("--set", "assignments", "PATH=VALUE", "Set a value, e.g. database.pool_size=20; null removes it."),
        click.option("--profile", metavar="NAME", help=profile),
        _repeatable("--config", "files", "FILE...", "Read these files; later ones win."),
    ):
        function = option(function)
    return function


def json_option(function: F) -> F:
    """Add ``--json``; the command gets ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def app_option(function: F) -> F:
    """Add ``--app``; the command gets ``app``."""
    text = "The kernel to ask: module:attr or file.py[:attr]. [default: what ./trivet.toml enables]"
    return click.option("--app", metavar="TARGET", help=text)(function)


def open_kernel(
    target: str | None,
    files: tuple[str, ...] = (),
    profile: str | None = None,
    assignments: tuple[str, ...] = (),
    *,
    strings: tuple[str, ...] = (),
    value_files: tuple[str, ...] = (),
    secrets: tuple[str, ...] = (),
    last_known_good: str | None = None,
    asks: bool = True,
) -> Kernel:
    """Return the kernel of a target with the launch options put in; what they leave open stays as the target has it.

    Args:
        target: None: a kernel of the built-ins and what ``trivet.toml`` enables.
        files: ``--config``.
        profile: ``--profile``.
        assignments: ``--set``, which lies over what the target has, as does the rest.
        strings: ``--set-string``.
        value_files: ``--set-file``.
        secrets: ``--secrets-dir``.
        last_known_good: ``--last-known-good``.
        asks: True for a command that says itself what did not open: a log entry beside it would say it twice. What it opens is
            laid to the user who runs it.

    Raises:
        TargetError: if the target does not give a kernel.
    """
    import attrs

    kernel = _load(target, asks=asks)
    launch = kernel.launch
    kernel.launch = attrs.evolve(
        launch,
        actor=launch.actor or (user() if asks else None),
        files=files or launch.files,
        profile=profile or launch.profile,
        assignments=assignments,
        strings=strings,
        value_files=value_files,
        secrets=(*launch.secrets, *secrets),
        last_known_good=last_known_good or launch.last_known_good,
        code=launch,
    )
    return kernel


def user() -> str:
    """Return who types the command, for the audit log: by the process, not by a variable that anyone can set."""
    import os
    import pwd

    uid = os.getuid()
    try:
        return f"user:{pwd.getpwuid(uid).pw_name}"
    except KeyError:  # a container's arbitrary user
        return f"user:{uid}"


def _load(target: str | None, *, asks: bool) -> Kernel:
    from trivet import Kernel
    from trivet_plugins.cli.target import load_kernel

    if asks:
        mute("trivet.security")
    return Kernel("trivet") if target is None else load_kernel(target)


def mute(logger: str) -> None:
    """Keep a logger quiet until the command ends."""
    import logging

    context = click.get_current_context(silent=True)
    if context is not None:
        muted = logging.getLogger(logger)
        context.call_on_close(lambda level=muted.level: muted.setLevel(level))
        muted.setLevel(logging.CRITICAL)
