"""Names of metrics and labels: what may be one, and how UTF-8 names are escaped for readers that do not know them.

Sources: the Prometheus data model (https://prometheus.io/docs/concepts/data_model/), its escaping schemes
(https://prometheus.io/docs/instrumenting/escaping_schemes/), and OpenMetrics 1.0.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_UNIT: Final = re.compile(r"[a-zA-Z0-9_]+\Z")
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_:]")


class Escaping(enum.Enum):
    """How a name is written that a legacy reader would not take; a name that it takes stays as it is in all of them."""

    ALLOW_UTF_8 = "allow-utf-8"
    """As it is, in quotes."""
    UNDERSCORES = "underscores"
    """Each foreign character becomes ``_``: what a reader gets that asks for nothing."""
    DOTS = "dots"
    """A dot becomes ``_dot_``, another foreign character and each underscore ``__``."""
    VALUES = "values"
    """``U__`` in front, and each foreign character as ``_<hexadecimal code point>_``: reversible."""


def is_legacy_metric(name: str) -> bool:
    """Tell whether every reader takes the name of a metric unquoted."""
    return _METRIC.match(name) is not None


def is_legacy_label(name: str) -> bool:
    """Tell whether every reader takes the name of a label unquoted."""
    return _LABEL.match(name) is not None


def escape_name(name: str, escaping: Escaping, *, label: bool = False) -> str:
    """Return a name as it stands under an escaping scheme; labels may hold no colon."""
    legacy = is_legacy_label(name) if label else is_legacy_metric(name)
    if legacy or escaping is Escaping.ALLOW_UTF_8:
        return name
    prefix = "U__" if escaping is Escaping.VALUES else ""
    write = _WRITERS[escaping]
    body = (
        write(sign) if _is_foreign(sign, first=number == 0 and not prefix, label=label) else _kept(sign, escaping)
        for number, sign in enumerate(name)
    )
    return prefix + "".join(body)


def _is_foreign(sign: str, *, first: bool, label: bool) -> bool:
    return bool(_FOREIGN.match(sign)) or (first and sign.isdigit()) or (label and sign == ":")


def _kept(sign: str, escaping: Escaping) -> str:
    return "__" if sign == "_" and escaping is not Escaping.UNDERSCORES else sign


_WRITERS: Final[Mapping[Escaping, Callable[[str], str]]] = {
    Escaping.UNDERSCORES: lambda _sign: "_",
    Escaping.DOTS: lambda sign: "_dot_" if sign == "." else "__",
    Escaping.VALUES: lambda sign: f"_{ord(sign):x}_",
}


def check_metric_name(name: str, *, utf8: bool = False) -> str:
    """Return ``name`` if it may name a metric.

    Args:
        name: What the caller gave.
        utf8: Whether it may hold any text, as Prometheus 3 allows.

    Raises:
        MetricError: if it may not.
    """
    if not (_is_text(name) if utf8 else is_legacy_metric(name)):
        remedy = "use text that UTF-8 can carry, not empty" if utf8 else _LEGACY.format("a-z, A-Z, 0-9, _ and :")
        raise MetricError(f"{name!r} is no metric name: {remedy}")
    return name


_LEGACY: Final = "use {}, and no digit in front, or set metrics.utf8_names = True (Prometheus 3)"


def check_label_names(
    metric: str, names: Iterable[str], *, reserved: str | None = None, utf8: bool = False
) -> tuple[str, ...]:
    """Return the label names of a metric as a tuple.

    Args:
        metric: The metric's name, for the message.
        names: What the caller gave.
        reserved: A name that the metric's kind keeps for itself: ``le`` of histograms.
        utf8: Whether they may hold any text, as Prometheus 3 allows.

    Raises:
        MetricError: if a name is not allowed or comes twice, also once foreign characters are escaped.
    """
    if isinstance(names, str):
        raise MetricError(
            f'labels of {metric} must be a sequence of names, e.g. ("{names}",), got the string {names!r}'
        )
    given = tuple(names)
    for name in given:
        if not (_is_text(name) if utf8 else is_legacy_label(name)):
            remedy = "use text that UTF-8 can carry, not empty" if utf8 else _LEGACY.format("a-z, A-Z, 0-9 and _")
            raise MetricError(f"{name!r} is no label name ({metric}): {remedy}")
        if name.startswith("__") or name == reserved:
            raise MetricError(f"label {name!r} of {metric} is reserved by the exposition formats; choose another name")
    if len({escape_name(name, Escaping.UNDERSCORES, label=True) for name in given}) != len(given):
        raise MetricError(
            f"labels of {metric} come twice (where escaped, foreign characters are _): {', '.join(given)}"
        )
    return given


def with_unit(name: str, unit: str) -> str:
    """Return the name of a metric with its unit as the last part, as OpenMetrics demands it; no unit changes nothing.

    Raises:
        MetricError: if the unit is none.
    """
    if unit and not _UNIT.match(unit):
        raise MetricError(f"{unit!r} is no unit ({name}): use a-z, A-Z, 0-9 and _, like seconds or bytes")
    return name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False
