"""Prometheus's script language for tests of PromQL: what a file loads, asks and expects."""

from __future__ import annotations

import math
import re

import attrs

from trivet.metrics.history import is_stale
from trivet_plugins.alerts.promql.errors import PromqlError, UnsupportedError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, labels_of
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.promql.result import Matrix, Scalar, Text, Vector
from trivet_plugins.alerts.promql.selector import all_fit
from trivet_plugins.alerts.promql.tokens import unquoted

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
EVAL = re.compile(
    r"eval(?P<old>_(?:fail|warn|info|ordered))? "
    r"(?:instant at (?P<at>\S+)|range from (?P<start>\S+) to (?P<end>\S+) step (?P<step>\S+))\s+(?P<query>.+)"
)
STRING = r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`"""
SERIES = re.compile(rf"\s*(?P<series>(?:[^\s{{]+)?\s*(?:\{{(?:{STRING}|[^}}\"'`])*\}})?)\s+(?P<values>.*)")


def milliseconds(text):
    """Return a duration or time: ``1m30s``, ``-5``, ``0.5``."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        sign = -1 if text.startswith("-") else 1
        return sign * sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


@attrs.frozen
class Case:
    """One evaluation and what is expected of it.

    ``native``: it reads native histograms.
    """

    line: int
    head: re.Match
    body: list
    native: bool
    storage: MemoryStorage

    @property
    def query(self):
        return self.head["query"].strip()

    def expectations(self):
        """Return the ``expect`` lines, as words, the old forms among them."""
        found = [line.strip().removeprefix("expect ") for line in self.body if line.strip().startswith("expect ")]
        return found + ([self.head["old"].removeprefix("_")] if self.head["old"] else [])

    def rows(self):
        return [line.strip() for line in self.body if not line.strip().startswith("expect ")]

    def problem(self):
        """Return what is wrong with the answer; None if nothing is."""
        expected = self.expectations()
        fails = next((one for one in expected if one.split()[0] == "fail"), None)
        try:
            outcome = self._ask()
        except UnsupportedError:
            raise
        except PromqlError as exc:
            return wrong_text(fails.removeprefix("fail"), str(exc)) if fails else f"failed: {exc}"
        if fails:
            return f"did not fail: {outcome}"
        notes = {"warn": outcome.warnings, "info": outcome.infos}
        for one in expected:
            word, _, rest = one.partition(" ")
            if word.startswith("no_") and notes[word[3:]]:
                return f"{one}: {notes[word[3:]]}"
            if word in notes:
                if not notes[word]:
                    return f"expected {one}"
                if rest and all(wrong_text(rest, text) for text in notes[word]):
                    return f"expected {one}, got {notes[word]}"
        return self._wrong_value(outcome.value, expected)

    def _ask(self):
        query = Query.parse(self.query)
        if self.head["at"]:
            at = milliseconds(self.head["at"])
            outcome = query.instant(self.storage, at)
            if query.kind in {"scalar", "vector"}:  # a span of one time says the same
                spanned = query.over(self.storage, at, at, 1000)
                assert_same(outcome.value, spanned.value)
            return outcome
        return query.over(self.storage, *(milliseconds(self.head[name]) for name in ("start", "end", "step")))

    def _wrong_value(self, value, expected):
        text = next((one.split(" ", 1)[1] for one in expected if one.startswith("string ")), None)
        if text is not None:
            return None if value == Text(unquoted(text.strip())) else f"got {value}"
        rows = self.rows()
        if isinstance(value, Scalar):
            return None if len(rows) == 1 and close(float(rows[0]), value.value) else f"got {value}"
        if not self.head["at"] and isinstance(value, Matrix):
            return self._wrong_matrix(value, rows, expected)
        if isinstance(value, Matrix):
            timed = next((one for one in expected if one.startswith("range vector")), None)
            return self._wrong_matrix(value, rows, [timed] if timed else expected)
        return wrong_vector(value, rows, ordered="ordered" in expected)

    def _wrong_matrix(self, value, rows, expected):
        spans = [self.head["start"], self.head["end"], self.head["step"]]
        for one in expected:
            if one and (timed := re.fullmatch(r"range vector from (\S+) to (\S+) step (\S+)", one)):
                spans = timed.groups()
        start, end, step = map(milliseconds, spans)
        times = [*range(start, end + 1, step)]
        wanted = {}
        for row in rows:
            labels, values = read_row(row)
            wanted[labels] = {time: value for time, value in zip(times, values, strict=False) if value is not None}
        wanted = {labels: samples for labels, samples in wanted.items() if samples}
        found = {one.labels: dict(zip(one.times, one.values, strict=True)) for one in value.series}
        if wanted.keys() != found.keys():
            return f"series {sorted(found)}, not {sorted(wanted)}"
        for labels, samples in wanted.items():
            ours = found[labels]
            if samples.keys() != ours.keys() or not all(close(samples[time], ours[time]) for time in samples):
                return f"{labels}: {ours}, not {samples}"
        return None


def assert_same(value, spanned):
    if isinstance(value, Scalar):
        assert len(spanned.series) == 1
        assert close(value.value, spanned.series[0].values[0])
        return
    ours = {sample.labels: sample.value for sample in value.samples}
    theirs = {points.labels: points.values[0] for points in spanned.series}
    assert ours.keys() == theirs.keys()
    assert all(close(ours[labels], theirs[labels]) for labels in ours)


def wrong_text(expected, text):
    kind, _, wanted = expected.strip().partition(":")
    wanted = wanted.strip()
    if kind == "msg" and wanted != text:
        return f"said {text!r}, not {wanted!r}"
    if kind == "regex" and not re.search(wanted, text):
        return f"said {text!r}, not {wanted!r}"
    return None


def read_row(row):
    found = SERIES.fullmatch(row)
    return parse_series(found["series"]), parse_values(found["values"])


def wrong_vector(value, rows, *, ordered):
    if not isinstance(value, Vector):
        return f"got {value}"
    wanted = []
    for row in rows:
        labels, values = read_row(row)
        wanted.append((labels, values[0]))
    found = [(sample.labels, sample.value) for sample in value.samples]
    if not ordered:
        wanted.sort(key=lambda pair: pair[0])
        found.sort(key=lambda pair: pair[0])
    if [labels for labels, _ in wanted] != [labels for labels, _ in found]:
        return f"got {found}, not {wanted}"
    return (
        None
        if all(close(ours[1], theirs[1]) for ours, theirs in zip(wanted, found, strict=True))
        else f"got {found}, not {wanted}"
    )


def close(wanted, found, *, absolute=0.0):
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found) and not is_stale(found)
    return wanted == found or (
        abs(wanted - found) <= max(absolute, 1e-6 * max(abs(wanted), abs(found))) and not math.isinf(wanted - found)
    )


class Script:
    """A file of the language."""

    def __init__(self, text):
        self._lines = [
            (number, line.rstrip())
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
        self._clear()

    def _clear(self):
        self._storage = MemoryStorage()
        self._loaded = {}
        self._native = []

    def cases(self):
        """Yield all evaluations, in their order."""
        lines = self._lines
        at = 0
        while at < len(lines):
            number, head = lines[at]
            end = at + 1
            while end < len(lines) and lines[end][1][0].isspace():
                end += 1
            body = [line for _, line in lines[at + 1 : end]]
            if head == "clear":
                self._clear()
            elif head.startswith("load"):
                self._load(head, body)
            else:
                yield self._case(number, head, body)
            at = end

    def _load(self, head, body):
        command, step = head.split()
        for line in body:
            found = SERIES.fullmatch(line)
            labels = parse_series(found["series"])
            if command == "load_with_nhcb":
                whole = {name: value for name, value in labels if name != "le"}
                whole[METRIC_NAME] = re.sub("_bucket$", "", whole[METRIC_NAME])
                self._native.append(labels_of(whole))
            if "{{" in found["values"]:
                self._native.append(labels)
                continue
            samples = self._loaded.setdefault(labels, {})
            for number, value in enumerate(parse_values(found["values"])):
                if value is not None:
                    samples[number * milliseconds(step)] = value
        self._storage = MemoryStorage()
        for labels, samples in self._loaded.items():
            for time, value in sorted(samples.items()):
                self._storage.add(labels, time, value)

    def _case(self, number, head, body):
        found = EVAL.fullmatch(head)
        native = "{{" in "".join(body)
        try:
            selectors = Query.parse(found["query"].strip()).selectors
        except PromqlError:
            selectors = ()
        native = native or any(all_fit(some, labels) for some in selectors for labels in self._native)
        return Case(number, found, body, native, self._storage)
