"""`Template`: the text of a label or an annotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.promql.errors import PromqlError
from trivet_plugins.alerts.templates.expansion import Expansion
from trivet_plugins.alerts.templates.function import Function, FunctionError
from trivet_plugins.alerts.templates.go_functions import go_functions
from trivet_plugins.alerts.templates.prometheus_functions import prometheus_functions
from trivet_plugins.alerts.templates.reader import read
from trivet_plugins.alerts.templates.values import Record, Table, samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.templates.syntax import Parsed
    from trivet_plugins.alerts.templates.values import Sequence, Value

    Query = Callable[[str], Iterable[tuple[Labels, float]]]

MAX_QUERIES: Final = 20
"""Queries that one template may ask."""

VARIABLES: Final[tuple[str, ...]] = ("$", "$labels", "$externalLabels", "$externalURL", "$value")


def _no_query(_text: str) -> Iterable[tuple[Labels, float]]:
    raise FunctionError("there is nothing here that could be asked")


@attrs.frozen(kw_only=True)
class TemplateData:
    """What a template is about.

    Args:
        labels: ``$labels``.
        value: ``$value``.
        external_labels: ``$externalLabels``.
        external_url: ``$externalURL``.
        now: The time of the evaluation, in seconds since the epoch.
        query: Answers queries at that time: labels and value of each sample. May raise `PromqlError`.
    """

    labels: Labels
    value: float
    external_labels: Mapping[str, str] = attrs.field(factory=dict)
    external_url: str = ""
    now: float = 0.0
    query: Query = _no_query


class Template:
    """A template of Go's, with the functions and variables that Prometheus gives to rules.

    Args:
        source: Its text, at most 64 KiB.

    Raises:
        TemplateError: with its place, if it is none.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._parsed: Parsed | None = None
        if "{{" in source:
            self._parsed = read(source, functions=_NAMES, variables=VARIABLES)

    def expand(self, data: TemplateData) -> str:
        """Return what it becomes: at most 64 KiB, made in a bounded number of steps.

        Raises:
            ExpansionError: with its place, if a function fails, or a field is not there, or it takes too much.
        """
        if self._parsed is None:
            return self.source
        external = Table(data.external_labels)
        dot = Record(
            Labels=Table(data.labels), ExternalLabels=external, ExternalURL=data.external_url, Value=data.value
        )
        values: tuple[Value, ...] = (dot, dot["Labels"], external, data.external_url, data.value)
        functions = {**_GO, **prometheus_functions(_limited(data.query), lambda: data.now, data.external_url)}
        scope: dict[str, Value] = dict(zip(VARIABLES, values, strict=True))
        expansion = Expansion(self.source, self._parsed, functions=functions, scope=scope)
        functions["tmpl"] = Function(expansion.included, ("string", "any"))
        return expansion.run(dot)


def _limited(query: Query) -> Callable[[str], Sequence]:
    asked = 0

    def ask(text: str) -> Sequence:
        nonlocal asked
        asked += 1
        if asked > MAX_QUERIES:
            raise FunctionError(f"a template asks at most {MAX_QUERIES} queries")
        try:
            return samples_of(query(text))
        except PromqlError as exc:
            raise FunctionError(str(exc)) from None

    return ask


_GO: Final[Mapping[str, Function]] = go_functions()
_NAMES: Final = frozenset({*_GO, *prometheus_functions(_limited(_no_query), float, ""), "and", "or", "tmpl"})
