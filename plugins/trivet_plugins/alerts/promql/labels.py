"""`Labels`: what tells a series from others, as Prometheus has it; the name of a metric is the label ``__name__``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of name and value, sorted by name; those with an empty value are left out."""

METRIC_NAME: Final = "__name__"

_PLAIN_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PLAIN_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t", "\r": r"\r"})


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """Return labels by name, whatever their order; a label with an empty value is as one that is not there."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value))


def value_of(labels: Labels, name: str) -> str:
    """Return the value of a label; empty where it is not there."""
    for found, value in labels:
        if found == name:
            return value
    return ""


def metric_name(labels: Labels) -> str:
    """Return the name of the metric; empty where it has none."""
    return value_of(labels, METRIC_NAME)


def keeping(labels: Labels, names: Collection[str]) -> Labels:
    """Return only the labels of these names."""
    return tuple([pair for pair in labels if pair[0] in names])


def dropping(labels: Labels, names: Collection[str]) -> Labels:
    """Return all labels but those of these names."""
    return tuple([pair for pair in labels if pair[0] not in names])


def quoted(text: str) -> str:
    """Return text in double quotes, with what is special in them escaped."""
    return f'"{text.translate(_ESCAPES)}"'


def label_text(name: str) -> str:
    """Return the name of a label as it is written in PromQL: quoted where it is no plain name."""
    return name if _PLAIN_LABEL.fullmatch(name) else quoted(name)


def series_text(labels: Labels) -> str:
    """Return a series as it is written in PromQL: ``up{job="api"}``, ``{job="api"}``, ``{}``."""
    name = metric_name(labels)
    rest = [f"{label_text(key)}={quoted(value)}" for key, value in labels if key != METRIC_NAME]
    if _PLAIN_METRIC.fullmatch(name):
        return f"{name}{{{', '.join(rest)}}}" if rest else name
    return f"{{{', '.join([quoted(name), *rest] if name else rest)}}}"
