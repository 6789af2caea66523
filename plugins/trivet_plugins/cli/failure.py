"""What the command line says when something fails, and the code it exits with.

One clear message per failure on stderr; a traceback only under ``--debug``. Exit codes: 0 done (a stop by SIGINT or
SIGTERM is an orderly end); 64 usage; the ``exit_code`` of a `TrivetError` (78: configuration); 70 a failure nobody
expected; 130 interrupted.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

EX_USAGE: Final = 64  # not from trivet.exit_codes: a typing mistake is answered without loading the kernel
EX_SOFTWARE: Final = 70
INTERRUPTED: Final = 130


def report(exc: BaseException, *, debug: bool) -> int:
    """Print a failure on stderr.

    Args:
        exc: What was raised; of a group, all that is in it counts.
        debug: Print the traceback first.

    Returns:
        The exit code.
    """
    if isinstance(exc, click.ClickException):
        exc.show()
        return EX_USAGE if isinstance(exc, click.UsageError) else exc.exit_code
    if isinstance(exc, click.Abort | KeyboardInterrupt | EOFError):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if debug:
        traceback.print_exception(exc)
    return _report_all(exc, debug=debug)


def _report_all(exc: BaseException, *, debug: bool) -> int:
    from trivet.errors import TrivetError

    leaves = list(leaves_of(exc))
    known = [leaf for leaf in leaves if isinstance(leaf, TrivetError)]
    for text in dict.fromkeys(map(_known_text, known)):
        click.echo(text, err=True)
    if known:
        return known[0].exit_code
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    for leaf in leaves:
        click.echo(_unexpected_text(leaf, debug=debug), err=True)
    return EX_SOFTWARE


def leaves_of(exc: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions inside a group, however deep; of one that is no group, itself."""
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from leaves_of(inner)
    else:
        yield exc


def _known_text(exc: BaseException) -> str:
    from trivet.errors import ConfigError
    from trivet_plugins.cli.place import place_of

    if isinstance(exc, ConfigError):  # its lines have the form file:line:col: error: message that editors understand
        return str(exc)
    # A failure of foreign code inside (ProviderFailed, PluginError): where it happened is half of the cure.
    place = next(filter(None, map(place_of, leaves_of(exc.__cause__))), None) if exc.__cause__ is not None else None
    return f"error: {exc}" + (f" (at {place})" if place and place not in str(exc) else "")


def _unexpected_text(exc: BaseException, *, debug: bool) -> str:
    from trivet_plugins.cli.place import describe_failure

    advice = "" if debug else "; --debug shows the traceback"
    return f"error: {describe_failure(exc)}{advice}"
