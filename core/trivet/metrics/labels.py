"""Names and label values: what the exposition formats allow, and how label values are written.

Rules: the Prometheus data model (https://prometheus.io/docs/concepts/data_model/) and OpenMetrics 1.0, without UTF-8 names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LabelValues = tuple[str, ...]
"""The values of one series, in the order of the family's label names."""

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def check_metric_name(name: str) -> str:
    """Return ``name`` if it may name a metric.

    Raises:
        MetricError: if it may not.
    """
    if not _METRIC.match(name):
        raise MetricError(f"{name!r} is no metric name: use a-z, A-Z, 0-9, _ and :, and no digit in front")
    return name


def check_label_names(metric: str, names: Iterable[str], *, reserved: str | None = None) -> tuple[str, ...]:
    """Return the label names of a metric as a tuple.

    Args:
        metric: The metric's name, for the message.
        names: What the caller gave.
        reserved: A name that the metric's kind keeps for itself: ``le`` of histograms.

    Raises:
        MetricError: if a name is not allowed or comes twice.
    """
    if isinstance(names, str):
        raise MetricError(
            f'labels of {metric} must be a sequence of names, e.g. ("{names}",), got the string {names!r}'
        )
    given = tuple(names)
    for name in given:
        if not _LABEL.match(name):
            raise MetricError(f"{name!r} is no label name ({metric}): use a-z, A-Z, 0-9 and _, and no digit in front")
        if name.startswith("__") or name == reserved:
            raise MetricError(f"label {name!r} of {metric} is reserved by the exposition formats; choose another name")
    if len(set(given)) != len(given):
        raise MetricError(f"labels of {metric} come twice: {', '.join(given)}")
    return given


def plain_text(value: object) -> str:
    """Return the text of a label value; what UTF-8 cannot carry (lone surrogates) becomes a backslash escape.

    One such value, out of a file name or a request, would make every later scrape fail.
    """
    text = str.__str__(value) if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def positional(metric: str, names: tuple[str, ...], named: Mapping[str, object]) -> tuple[object, ...]:
    """Return label values given by name in the order of ``names``.

    Raises:
        MetricError: if one is missing or unknown.
    """
    if named.keys() != set(names):
        raise MetricError(f"{metric} has the labels ({', '.join(names)}), got ({', '.join(named)})")
    return tuple(named[name] for name in names)


def escape(value: str) -> str:
    """Return a label value as it stands between the quotes."""
    return value.translate(_ESCAPES)


def label_text(names: tuple[str, ...], values: LabelValues) -> str:
    r"""Write labels as they stand between the braces in every Prometheus text format: ``region="eu",path="C:\\x"``."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True))
