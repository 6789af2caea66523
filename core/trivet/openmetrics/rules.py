"""What OpenMetrics demands of the samples of a metric, by its type (OpenMetrics 1.0, "Metric Types" and "Text Format")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from trivet.metrics.exemplar import MAX_RUNES
from trivet.openmetrics.sample_line import LineError, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet.openmetrics.sample import ParsedExemplar, ParsedFamily, Sample

SUFFIXES: Final = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "summary": ("", "_count", "_sum", "_created"),
    "info": ("_info",),
    "stateset": ("",),
    "unknown": ("",),
}
"""What the samples of each type are called behind the metric's name."""

_GROWING: Final = ("_total", "_bucket", "_count", "_gcount", "_sum")
_WHOLE: Final = ("_bucket", "_count", "_gcount")


def group_of(family: ParsedFamily, sample: Sample) -> tuple[tuple[str, str], ...]:
    """Return the labels that the samples of one series share: those without ``le``, ``quantile`` and the state."""
    own = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile", "stateset": family.name}.get(family.kind)
    return tuple(sorted((name, value) for name, value in sample.labels.items() if name != own))


def check_sample(family: ParsedFamily, sample: Sample) -> None:
    """Check one sample by itself.

    Raises:
        LineError: if it breaks a rule.
    """
    suffix = sample.name.removeprefix(family.name)
    value = sample.value
    if suffix in _GROWING and family.kind != "unknown" and not value >= 0:
        raise LineError(f"{sample.name} only grows, so it cannot be {value}")
    if suffix in _WHOLE and family.kind != "unknown" and not value.is_integer():
        raise LineError(f"{sample.name} is a count, so it cannot be {value}")
    if suffix == "_gsum" and math.isnan(value):
        raise LineError("a sum cannot be NaN")
    _check_by_kind(family, sample, suffix)
    if sample.exemplar is not None:
        if suffix not in ("_total", "_bucket") or family.kind not in ("counter", "histogram", "gaugehistogram"):
            raise LineError("exemplars stand behind the total of counters and the buckets of histograms only")
        _check_exemplar(sample.exemplar)


def _check_by_kind(family: ParsedFamily, sample: Sample, suffix: str) -> None:
    labels, value = sample.labels, sample.value
    if suffix == "_bucket":
        _bound(sample)
    elif family.kind == "stateset" and (family.name not in labels or value not in (0, 1)):
        raise LineError(f"a state is 0 or 1, and named in the label {family.name}")
    elif family.kind == "info" and value != 1:
        raise LineError("an info is 1")
    elif family.kind == "summary" and not suffix and not 0 <= read_number(labels.get("quantile", "nan")) <= 1:
        raise LineError("a quantile is 0 to 1")


def _check_exemplar(exemplar: ParsedExemplar) -> None:
    length = sum(len(name) + len(value) for name, value in exemplar.labels.items())
    if length > MAX_RUNES:
        raise LineError(f"an exemplar's labels have {length} characters, at most {MAX_RUNES} are allowed")


def check_group(family: ParsedFamily, samples: Sequence[Sample]) -> None:
    """Check all samples of one series together.

    Raises:
        LineError: if they break a rule.
    """
    newest: dict[tuple[str, frozenset[tuple[str, str]]], float | None] = {}
    for sample in samples:
        key = (sample.name, frozenset(sample.labels.items()))
        if key in newest:
            _check_time(newest[key], sample)
        newest[key] = sample.timestamp
    if family.kind in ("histogram", "gaugehistogram"):
        stamps = dict.fromkeys(sample.timestamp for sample in samples if not sample.name.endswith("_created"))
        for stamp in stamps:
            _check_histogram(family, [sample for sample in samples if sample.timestamp == stamp])


def _check_time(before: float | None, sample: Sample) -> None:
    if before is None or sample.timestamp is None:
        raise LineError(f"{sample.name} comes twice with the same labels")
    if sample.timestamp <= before:
        raise LineError(f"the timestamps of {sample.name} do not rise")


def _check_histogram(family: ParsedFamily, samples: Sequence[Sample]) -> None:
    by_suffix = {sample.name.removeprefix(family.name): sample.value for sample in samples}
    buckets = [(_bound(sample), sample.value) for sample in samples if sample.name == f"{family.name}_bucket"]
    bounds, counts = [bound for bound, _ in buckets], [count for _, count in buckets]
    if not by_suffix.keys() - {"_created"}:
        return
    if not bounds or bounds[-1] != math.inf:
        raise LineError("a histogram's last bucket is +Inf")
    if bounds != sorted(set(bounds)) or counts != sorted(counts):
        raise LineError("bounds of buckets rise, and their counts do not fall")
    count, total = ("_gcount", "_gsum") if family.kind == "gaugehistogram" else ("_count", "_sum")
    if (count in by_suffix) != (total in by_suffix):
        raise LineError(f"{count} and {total} come together or not at all")
    if by_suffix.get(count, counts[-1]) != counts[-1]:
        raise LineError(f"{count} is not what the +Inf bucket says")
    if bounds[0] < 0 and "_sum" in by_suffix:
        raise LineError("with buckets below zero the sum is no counter, and must not be there")
    if bounds[0] >= 0 and by_suffix.get("_gsum", 0) < 0:
        raise LineError("the sum is below zero, and no bucket is")


def _bound(sample: Sample) -> float:
    text = sample.labels.get("le", "")
    bound = read_number(text)
    if math.isnan(bound) or (math.isinf(bound) and text not in ("+Inf", "-Inf")):
        raise LineError(f"{text!r} is no bound of a bucket")
    return bound
