"""`run_tests`: run a file of unit tests for rules, with the verdicts of ``promtool test rules``."""

from __future__ import annotations

import glob
import math
import pathlib
from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from trivet_plugins.alerts.duration import duration_text
from trivet_plugins.alerts.promql.errors import PromqlError
from trivet_plugins.alerts.promql.labels import dropping, series_text
from trivet_plugins.alerts.promql.memory_storage import MemoryStorage
from trivet_plugins.alerts.promql.number_text import plain_number
from trivet_plugins.alerts.promql.round_cache import RoundCache
from trivet_plugins.alerts.rules.group_run import GroupRun
from trivet_plugins.alerts.rules.problem import Problem
from trivet_plugins.alerts.rules.rule_file import read_rules
from trivet_plugins.alerts.rules.rule_run import Round
from trivet_plugins.alerts.rules.test_file import AlertTest, ExpectedAlert, TestFile, UnitTest, read_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.rules.rule import Group
    from trivet_plugins.alerts.rules.test_file import QueryTest


@attrs.frozen
class Failure:
    """A test that failed.

    Args:
        place: ``file:line:column``.
        test: The name of the test it is part of; may be empty.
        message: What was expected, and what was found.
    """

    place: str
    test: str
    message: str


@attrs.frozen
class Verdict:
    """What became of a file of tests.

    Args:
        name: Of the file.
        checks: How many there were.
        failures: Those that failed.
        problems: What is wrong with the file, or with its rule files: then nothing was run.
    """

    name: str
    checks: int
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]


def run_tests(path: pathlib.Path) -> Verdict:
    """Run a file of tests."""
    file = read_tests(path)
    groups, problems = _groups(file, path.parent)
    problems = (*file.problems, *problems)
    if any(not one.is_warning for one in problems):
        return Verdict(file.name, 0, (), problems)
    failures = [failure for test in file.tests for failure in _TestRun(file, test, groups).run()]
    checks = sum(len(test.alert_tests) + len(test.query_tests) for test in file.tests)
    return Verdict(file.name, checks, tuple(failures), problems)


def _groups(file: TestFile, base: pathlib.Path) -> tuple[list[Group], tuple[Problem, ...]]:
    groups: list[Group] = []
    problems: list[Problem] = []
    for pattern in file.rule_files:
        paths = sorted(glob.glob(str(base / pattern)))  # noqa: PTH207 - a pattern may be absolute, or leave the directory
        if not paths:
            problems.append(Problem(file.name, 0, 0, f"rule_files: there is no file {pattern}"))
        for path in paths:
            read = read_rules(pathlib.Path(path))
            groups += read.groups
            problems += [one for one in read.problems if not one.is_warning]
    place = {name: number for number, name in enumerate(file.order)}
    return sorted(groups, key=lambda one: place.get(one.name, len(place))), tuple(problems)


class _TestRun:
    def __init__(self, file: TestFile, test: UnitTest, groups: Sequence[Group]) -> None:
        self._file = file
        self._test = test
        self._groups = [GroupRun(group) for group in groups]
        self._storage = MemoryStorage()
        self._cache = RoundCache()
        self._loaded = 0

    def run(self) -> Iterator[Failure]:
        tests = sorted(self._test.alert_tests, key=lambda one: one.at)
        times = [one.at for one in self._test.alert_tests] + [one.at for one in self._test.query_tests]
        last = max(times, default=0)
        interval = self._file.interval
        for at in range(0, last + 1, interval):
            self._load(at)
            yield from self._evaluate(at)
            while tests and tests[0].at < at + interval:
                yield from self._check_alerts(tests.pop(0))
        for query_test in self._test.query_tests:
            yield from self._check_query(query_test)

    def _load(self, until: int) -> None:
        step = self._test.interval
        number = self._loaded
        while number * step <= until:
            for series in self._test.series:
                if number < len(series.values) and (value := series.values[number]) is not None:
                    self._storage.add(series.labels, number * step, value)
            number += 1
        self._loaded = number
        self._cache.invalidate()

    def _evaluate(self, at: int) -> Iterator[Failure]:
        for run in self._groups:
            run.evaluate(self._round(at, run.group.query_offset), self._storage)
            for rule in run.runs:
                if rule.health == "err":
                    yield self._failure(
                        rule.rule.place, f"{rule.rule.name} cannot be evaluated at {duration_text(at)}: {rule.error}"
                    )

    def _round(self, at: int, offset: int) -> Round:
        return Round(
            at=at,
            queried_at=at - offset,
            storage=self._storage,
            cache=self._cache,
            external_labels=self._test.external_labels,
            external_url=self._test.external_url,
        )

    def _check_alerts(self, test: AlertTest) -> Iterator[Failure]:
        found: dict[str, list[ExpectedAlert]] = defaultdict(list)
        for run in self._groups:
            for _rule, alert in run.alerts():
                if alert.state == "firing":
                    found[alert.name].append(ExpectedAlert(dropping(alert.labels, {"alertname"}), alert.annotations))
        expected = [attrs.evolve(one, labels=dropping(one.labels, {"alertname"})) for one in test.expected]
        if sorted(expected, key=_order) != sorted(found[test.name], key=_order):
            lines = _listed(map(_alert_text, expected), map(_alert_text, found[test.name]))
            yield self._failure(test.place, f"alerts {test.name} at {duration_text(test.at)}:{lines}")

    def _check_query(self, test: QueryTest) -> Iterator[Failure]:
        try:
            got = [(one.labels, one.value) for one in self._round(test.at, 0).answer(test.query)]
        except PromqlError as exc:
            yield self._failure(test.place, f"{test.query.text} at {duration_text(test.at)}: {exc}")
            return
        wanted, found = sorted(test.expected), sorted(got)
        fits = len(wanted) == len(found) and all(
            one[0] == other[0] and _same(one[1], other[1], fuzzy=self._file.fuzzy)
            for one, other in zip(wanted, found, strict=True)
        )
        if not fits:
            lines = _listed(map(_sample_text, wanted), map(_sample_text, found))
            yield self._failure(test.place, f"{test.query.text} at {duration_text(test.at)}:{lines}")

    def _failure(self, place: str, message: str) -> Failure:
        return Failure(place, self._test.name, message)


def _order(alert: ExpectedAlert) -> tuple[object, ...]:
    return alert.labels, alert.annotations


def _same(one: float, other: float, *, fuzzy: bool) -> bool:
    if one == other:
        return True
    return fuzzy and math.nextafter(one, -math.inf) <= other <= math.nextafter(one, math.inf)


def _alert_text(alert: ExpectedAlert) -> str:
    return f"{series_text(alert.labels)} {series_text(alert.annotations)}"


def _sample_text(sample: tuple[Labels, float]) -> str:
    return f"{series_text(sample[0])} {plain_number(sample[1])}"


def _listed(expected: Iterable[str], found: Iterable[str]) -> str:
    def lines(texts: Iterable[str]) -> str:
        return "".join(f"\n      {text}" for text in sorted(texts)) or "\n      nothing"

    return f"\n    expected:{lines(expected)}\n    found:{lines(found)}"
