"""`Info`: facts as text, that do not change while the process runs: a version, a build."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError
from trivet.metrics.family import Description, Family
from trivet.metrics.labels import plain_text
from trivet.metrics.names import check_label_names

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues

SUFFIX: Final = "_info"
"""OpenMetrics demands it on the sample; the family's name has it too, as that of a counter has ``_total``."""


class InfoCell:
    """One series of facts; not exposed before the first `set`."""

    __slots__ = ("_family", "created", "labels", "text", "value")

    def __init__(self, labels: LabelValues, family: Info) -> None:
        self.labels = labels
        self.text = ""
        self.created = time.time()
        self.value: Mapping[str, str] | None = None
        self._family = family

    def set(self, facts: Mapping[str, object]) -> None:
        """Replace the facts.

        Args:
            facts: Names and values: ``{"version": "1.4", "commit": "3f2a"}``.

        Raises:
            MetricError: if a name is not allowed, or is a label of the family.
        """
        family = self._family
        names = check_label_names(family.name, (*family.label_names, *facts), utf8=family.utf8)
        texts = map(plain_text, facts.values())
        self.value = MappingProxyType(dict(zip(names[len(family.label_names) :], texts, strict=True)))
        family.watch.touch(self)


class Info(Family[InfoCell]):
    """Facts as labels of a sample whose value is always 1. Its name ends in ``_info``.

    Args:
        description: Its name, help, labels and limit.
        utf8: Whether the names of facts may hold any text.
    """

    kind = "info"

    def __init__(self, description: Description, *, utf8: bool = False) -> None:
        self.utf8: Final = utf8
        super().__init__(description)

    def _cell(self, key: LabelValues) -> InfoCell:
        return InfoCell(key, self)

    def sample_names(self) -> set[str]:
        """Return all names of its samples; OpenMetrics drops the suffix in some places."""
        return {self.name, self.name.removesuffix(SUFFIX)}

    def set(self, facts: Mapping[str, object]) -> None:
        """Replace the facts of an info without labels: see `InfoCell.set`.

        Raises:
            MetricError: if the info has labels, or a name is not allowed.
        """
        self[()].set(facts)


def checked_name(name: str) -> str:
    """Return the name of an info with its suffix.

    Raises:
        MetricError: if nothing is left without it.
    """
    base = name.removesuffix(SUFFIX)
    if not base:
        raise MetricError(f"{name!r} is no metric name: put something before {SUFFIX}")
    return base + SUFFIX
