"""Conditions on the labels of alerts as they are written in a configuration: ``severity=~"critical|page"``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from trivet_plugins.alerts.promql.selector import Operator, Selector

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORM: Final = re.compile(r'\s*([a-zA-Z_:][\w:]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"{},]*))\s*', re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def selector_of(text: str) -> Selector:
    r"""Read a condition.

    Args:
        text: Name, one of ``=``, ``!=``, ``=~``, ``!~``, and a value, in double quotes where it is no plain word; in them ``\n``
            is the end of a line, and a backslash takes what follows as it is.

    Raises:
        ValueError: if it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no matcher; write it like severity="critical" or team=~"a|b"')
    name, op, in_quotes, word = found.groups()
    value = word if in_quotes is None else _ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], in_quotes)
    return Selector(name, cast("Operator", op), value)


def selectors_of(texts: Iterable[str]) -> tuple[Selector, ...]:
    """Read conditions, all of which must be met.

    Raises:
        ValueError: if one is none.
    """
    return tuple(selector_of(text) for text in texts)
