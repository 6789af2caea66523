"""`Selector`: a condition on a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from trivet_plugins.alerts.promql.labels import Labels, quoted, value_of
from trivet_plugins.alerts.promql.pattern import fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Operator = Literal["=", "!=", "=~", "!~"]


def _test(selector: Selector) -> Callable[[str], object]:
    return selector.value.__eq__ if selector.op in {"=", "!="} else fitting(selector.value)


@attrs.frozen
class Selector:
    """A condition on a label; on the name of the metric as the label ``__name__``. A label that is not there has an empty value.

    Args:
        name: Of the label.
        op: As in PromQL. A pattern is RE2's and fits whole values.
        value: The value or pattern.

    Raises:
        PatternError: if the pattern is none, or too long.
    """

    name: str
    op: Operator
    value: str
    _test: Callable[[str], object] = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_test, takes_self=True)
    )

    def takes(self, value: str) -> bool:
        """Tell whether a value of the label meets the condition."""
        return bool(self._test(value)) is not self.op.startswith("!")

    def fits(self, labels: Labels) -> bool:
        """Tell whether a series meets the condition."""
        return self.takes(value_of(labels, self.name))

    def __str__(self) -> str:
        return f"{self.name}{self.op}{quoted(self.value)}"


def all_fit(selectors: Iterable[Selector], labels: Labels) -> bool:
    """Tell whether a series meets all conditions."""
    return all(one.fits(labels) for one in selectors)
