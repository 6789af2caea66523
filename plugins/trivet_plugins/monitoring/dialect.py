"""`Dialect`: what makes one text format of Prometheus differ from another."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from trivet.metrics.labels import escape, label_text, quoted
from trivet.metrics.names import Escaping, escape_name, is_legacy_label, is_legacy_metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet.metrics.exemplar import Exemplar
    from trivet.metrics.families import AnyFamily
    from trivet.metrics.family import Cell

_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_HELP_QUOTES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_TEXT_TYPES: Final = {"info": "gauge", "stateset": "gauge"}
_BARE: Final = {"counter": "_total", "info": "_info"}


@attrs.frozen
class Dialect:
    """A text format with its options.

    Args:
        openmetrics: OpenMetrics 1.0; False: the Prometheus text format.
        escaping: How names are written that legacy readers do not know.
        created: Whether OpenMetrics says when each series was born.
    """

    openmetrics: bool = False
    escaping: Escaping = Escaping.UNDERSCORES
    created: bool = False

    def head(self, family: AnyFamily) -> str:
        """Write the lines before the samples of a family."""
        name, kind = family.name, family.kind
        if self.openmetrics:
            (name, _), help_text = self.parts(family), family.help.translate(_HELP_QUOTES)
        else:
            kind, help_text = _TEXT_TYPES.get(kind, kind), family.help.translate(_HELP)
        name = self._alone(name)
        unit = f"# UNIT {name} {family.unit}\n" if self.openmetrics and family.unit else ""
        return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n{unit}"

    def parts(self, family: AnyFamily) -> tuple[str, str]:
        """Return the name that a family goes by, and what its samples with one value have behind it."""
        suffix = _BARE.get(family.kind, "") if self.openmetrics else ""
        return family.name.removesuffix(suffix), suffix

    def line_start(self, name: str, suffix: str, *, braces: bool) -> tuple[str, str]:
        """Return what stands before and after the labels of a sample; without labels, both together are its name.

        Args:
            name: The name of the metric, which may need escaping.
            suffix: What the sample has behind it, which must not be changed.
            braces: Whether there are labels.
        """
        name = escape_name(name, self.escaping) + suffix
        if is_legacy_metric(name):
            return (f"{name}{{", "}") if braces else (name, "")
        return (f'{{"{escape(name)}",', "}") if braces else (f'{{"{escape(name)}"', "}")

    def keeps_text(self, family: AnyFamily) -> bool:
        """Tell whether the labels of a series are those that it keeps as ``text`` once they were written."""
        return self.escaping is Escaping.ALLOW_UTF_8 or all(map(is_legacy_label, family.label_names))

    def labels_of(self, family: AnyFamily) -> Callable[[Cell], str]:
        """Return a function that writes the labels of a series; the usual ones are written once and kept."""
        if self.keeps_text(family):
            return family.text_of
        names = [escape_name(name, self.escaping, label=True) for name in family.label_names]
        return lambda cell: label_text(names, cell.labels)

    def label(self, name: str, value: str) -> str:
        """Write one more label."""
        return f'{quoted(escape_name(name, self.escaping, label=True))}="{escape(value)}"'

    def exemplar(self, exemplar: Exemplar | None) -> str:
        """Write an exemplar as it stands behind a value; nothing where the format has none."""
        if exemplar is None or not self.openmetrics:
            return ""
        starts = _label_starts(exemplar.names, self.escaping)
        pairs = zip(starts, exemplar.values, strict=True)
        labels = ",".join([f'{start}{value if value.isalnum() else escape(value)}"' for start, value in pairs])
        return f" # {{{labels}}} {number(exemplar.value)} {exemplar.at:.3f}"

    def _alone(self, name: str) -> str:
        name = escape_name(name, self.escaping)
        return name if is_legacy_metric(name) else f'"{escape(name)}"'


@lru_cache(256)
def _label_starts(names: tuple[str, ...], escaping: Escaping) -> tuple[str, ...]:
    """Return what stands before the values of labels: tracers use the same names all the time."""
    return tuple(f'{quoted(escape_name(name, escaping, label=True))}="' for name in names)


def number(value: float) -> str:
    """Write a number: +Inf, -Inf and NaN are spelt as Go reads them."""
    if value - value == 0:
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def bound_text(bound: float) -> str:
    """Write a bucket's bound as Go and prometheus_client do, so that series stay the same when one replaces the other."""
    text = number(bound)
    dot = text.find(".")
    if bound > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02}"
    return text
