"""`read_rules`: the groups of a rule file, as Prometheus reads it (``model/rulefmt``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.query import Query
from trivet_plugins.alerts.rules.document import Document
from trivet_plugins.alerts.rules.problem import Problem
from trivet_plugins.alerts.rules.rule import AlertingRule, Group, RecordingRule, Rule
from trivet_plugins.alerts.templates.errors import TemplateError
from trivet_plugins.alerts.templates.template import Template

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Mapping

    import yaml


MAX_RULES: Final = 10_000
"""The most rules of a file."""

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_GROUP_KEYS: Final = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE_KEYS: Final = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_ALERTS_ONLY: Final = ("for", "keep_firing_for", "annotations")


@attrs.frozen
class RuleFile:
    """What a file says.

    Args:
        name: Of the file.
        groups: Those that could be read.
        problems: What is wrong with it, and warnings.
    """

    name: str
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]


def read_rules(path: pathlib.Path) -> RuleFile:
    """Read a file. Never raises: what is wrong stands in `RuleFile.problems`."""
    return _Reader(Document.read(path)).read()


def parse_rules(name: str, text: str) -> RuleFile:
    """Read the text of a file: see `read_rules`."""
    return _Reader(Document(name, text)).read()


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def read(self) -> RuleFile:
        document = self._document
        groups: list[Group] = []
        root = None if document.problems else document.root()
        if root is not None:
            seen: set[str] = set()
            for node in document.sequence(document.mapping(root, "a rule file", ("groups",)).get("groups"), "groups"):
                group = self._group(node)
                if group.name in seen:
                    document.note(node.start_mark, f"the file has a group {group.name!r} already")
                seen.add(group.name)
                groups.append(group)
            self._find_doubles(groups)
        return RuleFile(document.name, tuple(groups), tuple(document.problems))

    def _group(self, node: yaml.Node) -> Group:
        document = self._document
        found = document.mapping(node, "a group", _GROUP_KEYS)
        name = document.scalar(found.get("name"), "the name of a group")
        if not name:
            document.note(node.start_mark, "a group has a name")
        interval = document.duration(found.get("interval"), "interval")
        if interval is not None and interval <= 0:
            document.note(found["interval"].start_mark, "interval is more than 0")
        limit = document.integer(found.get("limit"), "limit")
        labels = self._labels(found.get("labels"))
        rules = [self._rule(one, labels) for one in document.sequence(found.get("rules"), "rules")]
        return Group(
            name=name or "",
            file=document.name,
            interval=interval or None,
            query_offset=document.duration(found.get("query_offset"), "query_offset") or 0,
            limit=max(0, limit or 0),
            rules=tuple(one for one in rules if one is not None),
        )

    def _rule(self, node: yaml.Node, labels: Mapping[str, Template]) -> Rule | None:
        document = self._document
        self._count += 1
        if self._count > MAX_RULES:
            if self._count == MAX_RULES + 1:
                document.note(node.start_mark, f"a file has at most {MAX_RULES:,} rules")
            return None
        found = document.mapping(node, "a rule", _RULE_KEYS)
        record = document.scalar(found.get("record"), "record")
        alert = document.scalar(found.get("alert"), "alert")
        if bool(record) is bool(alert):
            document.note(node.start_mark, "a rule has either record or alert, with a name")
            return None
        expr = self._expr(node, found.get("expr"))
        own = {**labels, **self._labels(found.get("labels"))}
        place = f"{document.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        if record:
            return self._recording(record, found, expr, own, place)
        annotations = self._templates(found.get("annotations"), "annotation")
        hold = document.duration(found.get("for"), "for")
        keep = document.duration(found.get("keep_firing_for"), "keep_firing_for")
        if expr is None or alert is None:
            return None
        return AlertingRule(
            name=alert, expr=expr, hold=hold or 0, keep=keep or 0, labels=own, annotations=annotations, place=place
        )

    def _recording(
        self, name: str, found: Mapping[str, yaml.Node], expr: Query | None, labels: Mapping[str, Template], place: str
    ) -> RecordingRule | None:
        for key in _ALERTS_ONLY:
            if key in found:
                self._document.note(found[key].start_mark, f"a recording rule has no {key}")
        if not _METRIC.fullmatch(name):
            self._document.note(found["record"].start_mark, f"{name!r} is no name of a metric")
        if expr is None:
            return None
        texts = {key: one.source for key, one in labels.items()}
        return RecordingRule(name=name, expr=expr, labels=texts, place=place)

    def _expr(self, rule: yaml.Node, node: yaml.Node | None) -> Query | None:
        document = self._document
        text = document.scalar(node, "expr")
        if node is None or not text or not text.strip():
            document.note((node or rule).start_mark, "a rule has an expr")
            return None
        try:
            query = Query.parse(text)
        except QueryError as exc:
            document.note(document.inside(node, exc.line, exc.column), f"expr: {exc.reason}")
            return None
        if query.kind not in {"scalar", "vector"}:
            document.note(node.start_mark, f"expr gives a {query.kind}; a rule takes a scalar or a vector")
            return None
        return query

    def _labels(self, node: yaml.Node | None) -> dict[str, Template]:
        return self._templates(node, "label")

    def _templates(self, node: yaml.Node | None, what: str) -> dict[str, Template]:
        document = self._document
        found: dict[str, Template] = {}
        for name, text, value in document.texts(node, f"{what}s"):
            if not _LABEL.fullmatch(name) or (what == "label" and name in {"__name__", "alertname"}):
                document.note(value.start_mark, f"{name!r} is no name of a {what} of a rule")
            try:
                found[name] = Template(text)
            except TemplateError as exc:
                document.note(document.inside(value, exc.line, exc.column), f"{what} {name}: {exc.reason}")
        return found

    def _find_doubles(self, groups: Iterable[Group]) -> None:
        seen: dict[tuple[str, ...], str] = {}
        for group in groups:
            for rule in group.rules:
                labels = (f"{name}={getattr(one, 'source', one)}" for name, one in sorted(rule.labels.items()))
                key = (type(rule).__name__, rule.name, *labels)
                if key in seen:
                    what = f"{rule.name} stands at {seen[key]} already, with the same labels"
                    line, column = map(int, rule.place.rsplit(":", 2)[1:])
                    self._document.problems.append(Problem(self._document.name, line, column, what, is_warning=True))
                seen.setdefault(key, rule.place)
