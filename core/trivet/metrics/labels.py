"""Label values: how they are told apart, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError
from trivet.metrics.names import is_legacy_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LabelValues = tuple[str, ...]
"""The values of one series, in the order of the family's label names."""

_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


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
    """Return a label value, or a quoted name, as it stands between the quotes."""
    return value.translate(_ESCAPES)


def label_text(names: Iterable[str], values: Iterable[str]) -> str:
    r"""Write labels as they stand between the braces in every Prometheus text format: ``region="eu",path="C:\\x"``.

    A name that legacy readers do not know is quoted, as Prometheus 3 reads it.
    """
    pairs = zip(names, values, strict=True)
    return ",".join(f'{quoted(name)}="{escape(value)}"' for name, value in pairs)


def quoted(name: str) -> str:
    """Return a label's name, in quotes where it needs them."""
    return name if is_legacy_label(name) else f'"{escape(name)}"'
