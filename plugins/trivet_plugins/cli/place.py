"""Where foreign code failed, in one line: what a user sees instead of a traceback."""

from __future__ import annotations

import pathlib
import sysconfig
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def describe_failure(exc: BaseException) -> str:
    """Return ``file:line: Type: message`` for the innermost line of the user's own code that took part in a failure.

    Lines of the standard library and of installed packages count only where nothing else is on the stack.
    """
    name = type(exc).__name__
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{_shown(exc.filename)}:{exc.lineno}: {name}: {exc.msg}"
    text = f"{name}: {exc}" if str(exc) else name
    place = place_of(exc)
    return f"{place}: {text}" if place else text


def place_of(exc: BaseException) -> str | None:
    """Return ``file:line`` of the user's innermost line in an exception's traceback, or None where it has none."""
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if not _installed(frame.filename)]
    return f"{_shown(own[-1].filename)}:{own[-1].lineno}" if own else None


def _installed(filename: str) -> bool:
    return any(filename.startswith(f"{root}/") for root in _installed_roots())


def _installed_roots() -> Sequence[str]:
    import trivet
    import trivet_plugins

    paths = sysconfig.get_paths()
    ours = [pathlib.Path(package.__file__).parent for package in (trivet, trivet_plugins) if package.__file__]
    return [*map(str, ours), *(paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))]


def _shown(filename: str) -> str:
    path = pathlib.Path(filename)
    return str(path.relative_to(pathlib.Path.cwd())) if path.is_relative_to(pathlib.Path.cwd()) else filename
