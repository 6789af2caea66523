"""`Pattern`: a regular expression of a matcher: RE2, which no text can make slow, and which fits whole values only."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trivet import MissingExtraError
from trivet_plugins.alerts.promql.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATTERN: Final = 1_000
"""The longest pattern, in characters."""

_WORDS: Final = re.compile(r"[\w /:,;=@!%&<>~\"'`#-]*(?:\|[\w /:,;=@!%&<>~\"'`#-]*)*", re.ASCII)
"""Alternatives without anything that is special in a pattern."""


@lru_cache(maxsize=512)
def fitting(pattern: str) -> Callable[[str], object]:
    """Return what tells whether a text fits the whole pattern, a dot being any character, as in Prometheus.

    Raises:
        PatternError: if the pattern is none, or too long.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern has at most {MAX_PATTERN:,} characters, this has {len(pattern):,}")
    if _WORDS.fullmatch(pattern):
        return frozenset(pattern.split("|")).__contains__
    if pattern in {".*", "(.*)"}:
        return _any
    if pattern == ".+":
        return bool
    return compiled(pattern, dot_is_any=True).fullmatch


@lru_cache(maxsize=512)
def compiled(pattern: str, *, dot_is_any: bool = False) -> re.Pattern[str]:
    """Return a pattern of RE2.

    Args:
        pattern: As it is written.
        dot_is_any: Whether a dot is also the end of a line.

    Raises:
        PatternError: if it is none.
        MissingExtraError: if RE2 is not installed.
    """
    try:
        import re2
    except ImportError:
        raise MissingExtraError("a regular expression of PromQL", "alerts") from None
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_is_any
    try:
        return re2.compile(pattern, options)  # type: ignore[no-any-return]  # it has what a pattern has
    except re2.error as exc:
        reason = exc.args[0].decode(errors="replace") if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        raise PatternError(f"{pattern!r} is no regular expression: {reason}") from None


def _any(_text: str) -> bool:
    return True
