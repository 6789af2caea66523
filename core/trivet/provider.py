"""`Provider`: one thing that a plugin offers, as a record that says what it is and how to run it, and does nothing yet."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_ID = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*\Z")
_ID_OR_KIND = re.compile(r"[a-z][a-z0-9_]*/(?:[a-z][a-z0-9_]*|\*)\Z")


class Stability(enum.Enum):
    """How far a provider may change without notice. Printed by ``trivet plugins``."""

    EXPERIMENTAL = "experimental"
    BETA = "beta"
    STABLE = "stable"
    DEPRECATED = "deprecated"


def _lower_snake(_instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not _NAME.match(value):
        msg = f"{attribute.name} must be lower_snake (a-z, 0-9, _), got {value!r}"
        raise ValueError(msg)


def _texts(
    values: Iterable[str],
) -> tuple[str, ...]:  # attrs gives a bare ``tuple`` a type that refuses what it should take
    return tuple(values)


def _ids(_instance: object, attribute: attrs.Attribute[Any], value: str | tuple[str, ...] | None) -> None:
    for item in (value,) if isinstance(value, str) else value or ():
        if not _ID.match(item):
            msg = f"{attribute.name} must name provider ids like 'cipher/aes_256_gcm', got {item!r}"
            raise ValueError(msg)


def _ids_or_kinds(_instance: object, _attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for item in value:
        if not _ID_OR_KIND.match(item):
            msg = f"after must name provider ids or whole kinds like 'cipher/*', got {item!r}"
            raise ValueError(msg)


@attrs.frozen(eq=False, kw_only=True)
class Provider(Generic[T_co]):
    """One thing that a plugin offers; hooks return these.

    Its life: *declared* by a hook -> *composed* into an order -> *started*: ``factory`` is called, and an async context manager
    is entered in a task of its own -> *running* -> *stopped*: the context manager is left, in reverse order of starting.
    A factory names what it takes, ``config`` and ``kernel``, and gets just that: ``def connect(config): ...``.

    Args:
        name: Lower_snake, unique per kind; the id is ``kind/name``.
        factory: Gives the object, or an async context manager around it. Import heavy packages inside it, not above.
        config: An attrs class for the section ``plugins.<name>``; the factory then takes ``config``.
        provides: For services: the type that `Kernel.service` finds it by.
        requires: Ids that must run before this one starts.
        after: Ids, and kinds as ``kind/*``, that start before this one where they take part. It runs without them too.
        replaces: The id this one stands in for. Without it, two providers of one id are a `ProviderConflict`.
        critical: True: a failure stops the kernel. False: it degrades health and the kernel runs on.
        restart: How many times in a row to start it again after a failure, with capped exponential back-off and jitter.
        start_timeout: Seconds.
        stop_timeout: Seconds.
        stability: What users may rely on.
        extra: The pip extra that brings its optional packages, e.g. ``web``.
        modules: The top-level modules of that extra; where one is missing the provider is listed as unavailable.
    """

    name: str = attrs.field(validator=_lower_snake)
    factory: Callable[..., T_co | AbstractAsyncContextManager[T_co]]
    config: type | None = None
    provides: type | None = None
    requires: tuple[str, ...] = attrs.field(default=(), converter=_texts, validator=_ids)
    after: tuple[str, ...] = attrs.field(default=(), converter=_texts, validator=_ids_or_kinds)
    replaces: str | None = attrs.field(default=None, validator=_ids)
    critical: bool = True
    restart: int = 0
    start_timeout: float = 10.0
    stop_timeout: float = 5.0
    stability: Stability = Stability.STABLE
    extra: str | None = None
    modules: tuple[str, ...] = attrs.field(default=(), converter=_texts)
