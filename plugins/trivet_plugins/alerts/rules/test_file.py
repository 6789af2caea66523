"""`read_tests`: a file of unit tests for rules, in promtool's format."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.labels import Labels, labels_of
from trivet_plugins.alerts.promql.notation import parse_series, parse_values
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.rules.document import Document

if TYPE_CHECKING:
    from collections.abc import Mapping

    import yaml

    from trivet_plugins.alerts.rules.problem import Problem

_FILE_KEYS: Final = ("rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests")
_TEST_KEYS: Final = (
    "name",
    "interval",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
)
_MINUTE: Final = 60_000


@attrs.frozen
class InputSeries:
    """A series, and what it is at every step from time 0 on; None where it has no sample."""

    labels: Labels
    values: list[float | None]


@attrs.frozen
class ExpectedAlert:
    """An alert that fires, without its ``alertname``."""

    labels: Labels
    annotations: tuple[tuple[str, str], ...]


@attrs.frozen
class AlertTest:
    """Which alerts of a name fire at a time.

    Args:
        at: Milliseconds.
        name: Of the alerts.
        expected: All of them.
        place: ``file:line:column``.
    """

    at: int
    name: str
    expected: tuple[ExpectedAlert, ...]
    place: str


@attrs.frozen
class QueryTest:
    """What a query gives at a time.

    Args:
        at: Milliseconds.
        query: The query.
        expected: Labels and value of every sample.
        place: ``file:line:column``.
    """

    at: int
    query: Query
    expected: tuple[tuple[Labels, float], ...]
    place: str


@attrs.frozen(kw_only=True)
class UnitTest:
    """One test.

    Args:
        name: May be empty.
        interval: Milliseconds between two values of a series.
        series: What there is.
        alert_tests: In the order of the file.
        query_tests: Likewise.
        external_labels: ``$externalLabels``.
        external_url: ``$externalURL``.
        place: ``file:line:column``.
    """

    name: str
    interval: int
    series: tuple[InputSeries, ...]
    alert_tests: tuple[AlertTest, ...]
    query_tests: tuple[QueryTest, ...]
    external_labels: Mapping[str, str]
    external_url: str
    place: str


@attrs.frozen(kw_only=True)
class TestFile:
    """A file of tests.

    Args:
        name: Of the file.
        rule_files: Patterns of paths, relative to it.
        interval: Milliseconds between two evaluations.
        order: Names of groups in the order in which they are evaluated; the others as they stand.
        fuzzy: Numbers may differ in their last bit.
        tests: In their order.
        problems: What is wrong with the file.
    """

    __test__ = False

    name: str
    rule_files: tuple[str, ...] = ()
    interval: int = _MINUTE
    order: tuple[str, ...] = ()
    fuzzy: bool = False
    tests: tuple[UnitTest, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_tests(path: pathlib.Path) -> TestFile:
    """Read a file. Never raises: what is wrong stands in `TestFile.problems`."""
    return _Reader(Document.read(path)).read()


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document

    def read(self) -> TestFile:
        document = self._document
        root = None if document.problems else document.root()
        if root is None:
            if not document.problems:
                document.about_all("it is empty")
            return TestFile(name=document.name, problems=tuple(document.problems))
        found = document.mapping(root, "a file of tests", _FILE_KEYS)
        return TestFile(
            name=document.name,
            rule_files=self._texts(found.get("rule_files"), "rule_files"),
            interval=document.duration(found.get("evaluation_interval"), "evaluation_interval") or _MINUTE,
            order=self._texts(found.get("group_eval_order"), "group_eval_order"),
            fuzzy=document.scalar(found.get("fuzzy_compare"), "fuzzy_compare") == "true",
            tests=tuple(self._test(one) for one in document.sequence(found.get("tests"), "tests")),
            problems=tuple(document.problems),
        )

    def _texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        document = self._document
        return tuple(document.scalar(one, what) or "" for one in document.sequence(node, what))

    def _test(self, node: yaml.Node) -> UnitTest:
        document = self._document
        found = document.mapping(node, "a test", _TEST_KEYS)
        pairs = document.texts(found.get("external_labels"), "external_labels")
        return UnitTest(
            name=document.scalar(found.get("name"), "name") or "",
            interval=document.duration(found.get("interval"), "interval") or _MINUTE,
            series=tuple(map(self._series, document.sequence(found.get("input_series"), "input_series"))),
            alert_tests=tuple(
                map(self._alert_test, document.sequence(found.get("alert_rule_test"), "alert_rule_test"))
            ),
            query_tests=tuple(self._query_tests(found.get("promql_expr_test"))),
            external_labels={name: text for name, text, _node in pairs},
            external_url=document.scalar(found.get("external_url"), "external_url") or "",
            place=self._place(node),
        )

    def _series(self, node: yaml.Node) -> InputSeries:
        document = self._document
        found = document.mapping(node, "a series", ("series", "values"))
        series, values = found.get("series"), found.get("values")
        labels = self._labels(series, "series")
        numbers: list[float | None] = []
        try:
            numbers = parse_values(document.scalar(values, "values") or "")
        except QueryError as exc:
            document.note(document.inside(values or node, exc.line, exc.column), f"values: {exc.reason}")
        return InputSeries(labels, numbers)

    def _alert_test(self, node: yaml.Node) -> AlertTest:
        document = self._document
        found = document.mapping(node, "a test of alerts", ("eval_time", "alertname", "exp_alerts"))
        name = document.scalar(found.get("alertname"), "alertname")
        if not name:
            document.note(node.start_mark, "a test of alerts has an alertname")
        expected = map(self._expected_alert, document.sequence(found.get("exp_alerts"), "exp_alerts"))
        return AlertTest(self._time(found, node), name or "", tuple(expected), self._place(node))

    def _expected_alert(self, node: yaml.Node) -> ExpectedAlert:
        document = self._document
        found = document.mapping(node, "an expected alert", ("exp_labels", "exp_annotations"))
        labels = {name: text for name, text, _node in document.texts(found.get("exp_labels"), "exp_labels")}
        texts = {name: text for name, text, _node in document.texts(found.get("exp_annotations"), "exp_annotations")}
        return ExpectedAlert(labels_of(labels), tuple(sorted(texts.items())))

    def _query_tests(self, node: yaml.Node | None) -> list[QueryTest]:
        document = self._document
        tests: list[QueryTest] = []
        for one in document.sequence(node, "promql_expr_test"):
            found = document.mapping(one, "a test of a query", ("expr", "eval_time", "exp_samples"))
            expr = found.get("expr")
            samples = map(self._sample, document.sequence(found.get("exp_samples"), "exp_samples"))
            expected = tuple(samples)
            try:
                query = Query.parse(document.scalar(expr, "expr") or "")
            except QueryError as exc:
                document.note(document.inside(expr or one, exc.line, exc.column), f"expr: {exc.reason}")
                continue
            tests.append(QueryTest(self._time(found, one), query, expected, self._place(one)))
        return tests

    def _sample(self, node: yaml.Node) -> tuple[Labels, float]:
        document = self._document
        found = document.mapping(node, "an expected sample", ("labels", "value"))
        text = document.scalar(found.get("value"), "value") or "0"
        try:
            value = float(text)
        except ValueError:
            document.note(found["value"].start_mark, "value is a number")
            value = 0.0
        return self._labels(found.get("labels"), "labels"), value

    def _labels(self, node: yaml.Node | None, what: str) -> Labels:
        text = self._document.scalar(node, what)
        if node is None or text is None:
            return ()
        if text.strip() in {"", "{}"}:
            return ()
        try:
            return parse_series(text)
        except QueryError as exc:
            self._document.note(self._document.inside(node, exc.line, exc.column), f"{what}: {exc.reason}")
            return ()

    def _time(self, found: Mapping[str, yaml.Node], node: yaml.Node) -> int:
        at = self._document.duration(found.get("eval_time"), "eval_time")
        if at is None and "eval_time" not in found:
            self._document.note(node.start_mark, "a test has an eval_time")
        return at or 0

    def _place(self, node: yaml.Node) -> str:
        return f"{self._document.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
