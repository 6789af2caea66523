"""The functions that Prometheus adds to templates (``template/template.go``)."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final

from trivet_plugins.alerts.duration import DurationError, milliseconds_of
from trivet_plugins.alerts.promql.errors import PatternError
from trivet_plugins.alerts.promql.pattern import MAX_PATTERN, compiled
from trivet_plugins.alerts.promql.replacement import filled
from trivet_plugins.alerts.templates.function import Function, FunctionError
from trivet_plugins.alerts.templates.humanize import (
    checked_time,
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
)
from trivet_plugins.alerts.templates.values import Moment, Record, Sequence, Span, Table, Value

_BRACKETS: Final = re.compile(r"\[([^\]]*)\]:([^:]*)")
_PLAIN: Final = re.compile(r"([^:\[\]]*):([^:\[\]]*)")
_WORD_START: Final = re.compile(r"(?<![^\W_])(?<!_)(?<!')[^\W\d_]")

Numbers = Callable[[float], str]


def prometheus_functions(
    query: Callable[[str], Sequence], now: Callable[[], float], external_url: str
) -> Mapping[str, Function]:
    """Return them by name.

    Args:
        query: Answers a query at the time of the evaluation.
        now: Gives that time, in seconds since the epoch.
        external_url: Where the service is reached from outside.
    """
    return {
        **{name: Function(call, ("number",)) for name, call in _HUMANIZED.items()},
        **_TEXTS,
        **_SAMPLES,
        "externalURL": Function(lambda: external_url),
        "graphLink": Function(lambda expression: _link(expression, 0), ("string",)),
        "now": Function(now),
        "parseDuration": Function(_parse_duration, ("string",)),
        "pathPrefix": Function(lambda: urllib.parse.urlsplit(external_url).path),
        "query": Function(query, ("string",)),
        "tableLink": Function(lambda expression: _link(expression, 1), ("string",)),
        "toDuration": Function(lambda seconds: Span(round(checked_time(seconds) * 1e9)), ("number",)),
        "toTime": Function(lambda seconds: Moment(checked_time(seconds)), ("number",)),
    }


_HUMANIZED: Final[Mapping[str, Numbers]] = {
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
}


def _title(text: str) -> str:
    return _WORD_START.sub(lambda found: found[0].upper(), text)


def _replace(pattern: str, replacement: str, text: str) -> str:
    return _pattern(pattern).sub(lambda found: filled(replacement, found), text)


def _match(pattern: str, text: str) -> bool:
    return _pattern(pattern).search(text) is not None


def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > MAX_PATTERN:
        raise FunctionError(f"a pattern has at most {MAX_PATTERN:,} characters, this has {len(text):,}")
    try:
        return compiled(text)
    except PatternError as exc:
        raise FunctionError(str(exc)) from None


def host_and_port(text: str) -> tuple[str, str] | None:
    """Split an address as Go's ``net.SplitHostPort`` does; None where it has no port."""
    found = _BRACKETS.fullmatch(text) or _PLAIN.fullmatch(text)
    return (found[1], found[2]) if found else None


def _strip_port(text: str) -> str:
    found = host_and_port(text)
    return text if found is None else found[0]


def _strip_domain(text: str) -> str:
    host, port = host_and_port(text) or (text, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.partition(".")[0]
        return f"{name}:{port}" if port else name
    return text


_TEXTS: Final[Mapping[str, Function]] = {
    "args": Function(lambda *given: Table({f"arg{number}": one for number, one in enumerate(given)}), (), "any"),
    "match": Function(_match, ("string", "string")),
    "reReplaceAll": Function(_replace, ("string", "string", "string")),
    "safeHtml": Function(lambda text: text, ("string",)),
    "stripDomain": Function(_strip_domain, ("string",)),
    "stripPort": Function(_strip_port, ("string",)),
    "title": Function(_title, ("string",)),
    "toLower": Function(str.lower, ("string",)),
    "toUpper": Function(str.upper, ("string",)),
    "urlQueryEscape": Function(lambda text: urllib.parse.quote_plus(text, safe="~"), ("string",)),
}


def _first(found: Sequence) -> Value:
    if not found:
        raise FunctionError("the query gave nothing")
    return found[0]


def _labels(sample: Record) -> Table:
    labels = sample["Labels"]
    if not isinstance(labels, Table):
        raise FunctionError("this is no sample")
    return labels


def _sorted(label: str, found: Sequence) -> Sequence:
    return Sequence(sorted(found, key=lambda one: str(_labels(one).get(label, "")) if isinstance(one, Record) else ""))


_SAMPLES: Final[Mapping[str, Function]] = {
    "first": Function(_first, ("vector",)),
    "label": Function(lambda name, sample: _labels(sample).get(name, ""), ("string", "sample")),
    "sortByLabel": Function(_sorted, ("string", "vector")),
    "strvalue": Function(lambda sample: _labels(sample).get("__value__", ""), ("sample",)),
    "value": Function(lambda sample: sample["Value"], ("sample",)),
}


def _link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={urllib.parse.quote_plus(expression, safe='~')}&g0.tab={tab}"


def _parse_duration(text: str) -> float:
    try:
        return milliseconds_of(text) / 1_000
    except DurationError as exc:
        raise FunctionError(str(exc)) from None
