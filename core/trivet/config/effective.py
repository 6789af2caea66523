"""The effective configuration: typed sections, defaults included, as plain data that any format can write."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from trivet.config import shape
from trivet.config.coercion import from_duration
from trivet.config.origin import Path
from trivet.config.redaction import mask_userinfo, sounds_secret
from trivet.config.tree import convert
from trivet.secret import MASK, Secret

_NUMBERS = frozenset({int, float, bool, type(None)})
Hide = Callable[[Path, Any], Any]


@functools.cache
def _plan(cls: Any) -> tuple[tuple[str, str, bool], ...]:  # noqa: ANN401 - a class
    return tuple(
        (key, field.attribute.name, field.secret or (sounds_secret(key) and not _is_container(field.type)))
        for key, field in shape.fields(cls).items()
    )


def _is_container(kind: Any) -> bool:  # noqa: ANN401 - types are of any kind
    return any(shape.is_class(one) or shape.is_mapping(one) for one in shape.alternatives(kind))


def plain(value: object, path: Path, places: frozenset[Path], hide: Hide) -> Any:  # noqa: ANN401 - plain data
    """Return a typed value as mappings with text keys, lists and scalars (text, bool, int, float, null).

    Args:
        value: A section or a part of one.
        path: Where it stands.
        places: Paths that are secret because of how their values came in.
        hide: Gives what stands in place of a secret, from its path and value.
    """
    if isinstance(value, Secret):
        return hide(path, value.reveal())
    if places and path in places and value is not None:
        return hide(path, value)
    cls: Any = type(value)
    if cls in _NUMBERS:
        return value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return _text(value, path, hide)
    if not shape.is_class(cls):
        return _plain_container(value, path, places, hide)
    result: dict[str, Any] = {}
    for key, name, secret in _plan(cls):
        inner = getattr(value, name)
        if secret and inner is not None:
            result[key] = hide((*path, key), _open(inner))
        elif type(inner) in _NUMBERS and not places:
            result[key] = inner
        else:
            result[key] = plain(inner, (*path, key), places, hide)
    return result


def showable(value: Any) -> Any:  # noqa: ANN401 - as above
    """Return plain data with a text for each infinity and NaN: JSON, in which it may be shown, has no such numbers."""
    return convert(value, lambda _path, one: one if not isinstance(one, float) or math.isfinite(one) else str(one))


def _text(value: str, path: Path, hide: Hide) -> object:
    """Hide the password in a URL, and show the rest."""
    masked = mask_userinfo(value)
    if masked == value:
        return value
    hidden = hide(path, value)
    return masked if hidden == MASK else hidden


def _open(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _plain_container(value: object, path: Path, places: frozenset[Path], hide: Hide) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, Mapping):
        items = ((str(_scalar(key)), item) for key, item in value.items())
        return {
            key: hide((*path, key), _open(item))
            if sounds_secret(key) and isinstance(item, str)
            else plain(item, (*path, key), places, hide)
            for key, item in items
        }
    if isinstance(value, (list, tuple)):
        return [plain(item, (*path, index), places, hide) for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        if any(place[: len(path)] == path for place in places):  # which of them is the secret, nobody knows any more
            return hide(path, sorted(map(str, value)))
        return [plain(item, (*path, index), places, hide) for index, item in enumerate(sorted(value, key=str))]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, enum.Enum):  # by value where a file can say it, else by name; both are read
        return _scalar(value.value) if isinstance(value.value, (str, int, float, type(None))) else value.name
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dt.timedelta):
        return from_duration(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)
