"""`Expansion`: a template with its data, on its way to become text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from trivet_plugins.alerts.promql.tokens import place_in
from trivet_plugins.alerts.templates.errors import ExpansionError
from trivet_plugins.alerts.templates.function import FunctionError
from trivet_plugins.alerts.templates.go_format import shown
from trivet_plugins.alerts.templates.syntax import (
    Action,
    Block,
    Called,
    Command,
    Dot,
    Include,
    Leave,
    Literally,
    Nested,
    Node,
    Operand,
    Parsed,
    Pipeline,
    Variable,
    Written,
)
from trivet_plugins.alerts.templates.values import Record, Sequence, Table, Value, is_true, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet_plugins.alerts.templates.function import Function

MAX_OUTPUT: Final = 64 * 1024
"""Characters that a template may become."""

MAX_STEPS: Final = 50_000
"""Parts that may be evaluated on the way."""

MAX_INCLUDED: Final = 50
"""How deep templates may include each other."""

_NOTHING: Final = object()


class _LeftError(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@attrs.define
class _Scope:
    """Variables; those of inner blocks come after those of outer ones, and hide them."""

    names: list[str]
    values: list[Value]

    def declare(self, name: str, value: Value) -> None:
        self.names.append(name)
        self.values.append(value)

    def place(self, name: str) -> int:
        return len(self.names) - 1 - self.names[::-1].index(name)

    @contextmanager
    def inner(self) -> Iterator[None]:
        size = len(self.names)
        try:
            yield
        finally:
            del self.names[size:], self.values[size:]


class Expansion:
    """Expands one template once.

    Args:
        source: Its text.
        parsed: What the text means.
        functions: What it may call.
        scope: Its variables from the beginning, by name; ``$`` is its data.
    """

    def __init__(
        self, source: str, parsed: Parsed, *, functions: Mapping[str, Function], scope: Mapping[str, Value]
    ) -> None:
        self._source = source
        self._parsed = parsed
        self._functions = functions
        self._scope = _Scope([*scope], [*scope.values()])
        self._written: list[str] = []
        self._size = 0
        self._steps = 0
        self._depth = 0

    def run(self, dot: Value) -> str:
        """Return the text.

        Raises:
            ExpansionError: with its place, if there is none.
        """
        self._walk(self._parsed.body, dot)
        return "".join(self._written)

    # -- nodes ----------------------------------------------------------------------------------------------------------------

    def _walk(self, nodes: tuple[Node, ...], dot: Value) -> None:
        for node in nodes:
            self._step(0)
            if isinstance(node, Written):
                self._write(node.text)
            elif isinstance(node, Action):
                value = self._pipeline(node.pipeline, dot)
                if not node.pipeline.variables:
                    self._write(shown(value))
            elif isinstance(node, Block):
                with self._scope.inner():
                    self._block(node, dot)
            elif isinstance(node, Include):
                self._include(node, dot)
            elif isinstance(node, Leave):
                raise _LeftError(node.kind)

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_OUTPUT:
            self._fail(0, f"the text becomes longer than {MAX_OUTPUT:,} characters")
        self._written.append(text)

    def _step(self, at: int) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._fail(at, f"the template takes more than {MAX_STEPS:,} steps")

    def _block(self, block: Block, dot: Value) -> None:
        if block.kind == "range":
            self._range(block, dot)
            return
        value = self._pipeline(block.pipeline, dot)
        if not is_true(value):
            self._walk(block.otherwise, dot)
        else:
            self._walk(block.body, value if block.kind == "with" else dot)

    def _range(self, block: Block, dot: Value) -> None:
        value = self._pipeline(block.pipeline, dot, assigns=False)
        pairs = self._pairs(value, block.pipeline.at)
        if not pairs:
            self._walk(block.otherwise, dot)
        for key, one in pairs:
            self._step(block.pipeline.at)
            names = block.pipeline.variables
            with self._scope.inner():
                for name, part in zip(names, (key, one) if len(names) == 2 else (one,), strict=False):
                    self._assign(name, part, declares=block.pipeline.declares)
                try:
                    self._walk(block.body, one)
                except _LeftError as left:
                    if left.kind == "break":
                        return

    def _pairs(self, value: Value, at: int) -> list[tuple[Value, Value]]:
        if value is None:
            return []
        if isinstance(value, Sequence):
            return [*enumerate(value)]
        if isinstance(value, Table):
            return [*sorted(value.items())]
        if isinstance(value, int) and not isinstance(value, bool):
            return [(number, number) for number in range(min(value, MAX_STEPS + 1))]
        raise self._error(at, f"range goes over what query gives and over labels, not over {kind_of(value)}")

    def _include(self, include: Include, dot: Value) -> None:
        body = self._parsed.named.get(include.name)
        if body is None:
            self._fail(include.at, f"there is no template {include.name!r}")
        value = None if include.pipeline is None else self._pipeline(include.pipeline, dot)
        self._depth += 1
        if self._depth > MAX_INCLUDED:
            self._fail(include.at, f"templates include each other more than {MAX_INCLUDED} deep")
        outer, self._scope = self._scope, _Scope(["$"], [value])
        self._walk(body, value)
        self._scope = outer
        self._depth -= 1

    def included(self, name: str, value: Value) -> str:
        """Return the text of a template that ``define`` has named: the function ``tmpl``."""
        outer, self._written = self._written, []
        self._include(Include(name, Pipeline((Command((_Given(value),)),), (), False, 0), 0), None)  # type: ignore[arg-type] # noqa: FBT003
        text, self._written = "".join(self._written), outer
        return text

    # -- pipelines ------------------------------------------------------------------------------------------------------------

    def _pipeline(self, pipeline: Pipeline, dot: Value, *, assigns: bool = True) -> Value:
        value: object = _NOTHING
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        result: Value = value  # type: ignore[assignment]  # there is one command at least
        if assigns:
            for name in pipeline.variables:
                self._assign(name, result, declares=pipeline.declares)
        return result

    def _assign(self, name: str, value: Value, *, declares: bool) -> None:
        if declares:
            self._scope.declare(name, value)
        else:
            self._scope.values[self._scope.place(name)] = value

    def _command(self, command: Command, dot: Value, before: object) -> Value:
        first = command.operands[0]
        self._step(first.at)
        if not isinstance(first, Called):
            return self._operand(first, dot)
        given = command.operands[1:]
        if first.name in {"and", "or"}:
            return self._and_or(first, given, dot, before)
        arguments = [self._operand(one, dot) for one in given]
        if before is not _NOTHING:
            arguments.append(before)  # type: ignore[arg-type]
        return self._call(first, arguments)

    def _and_or(self, called: Called, given: tuple[Operand, ...], dot: Value, before: object) -> Value:
        if not given and before is _NOTHING:
            self._fail(called.at, f"{called.name} takes at least 1 argument")
        value: Value = None
        for one in given:
            value = self._operand(one, dot)
            if is_true(value) is (called.name == "or"):
                return value
        return value if before is _NOTHING else before  # type: ignore[return-value]

    def _call(self, called: Called, arguments: list[Value]) -> Value:
        try:
            return self._functions[called.name](called.name, arguments)
        except FunctionError as exc:
            self._fail(called.at, str(exc))

    def _operand(self, operand: Operand, dot: Value) -> Value:
        self._step(operand.at)
        if isinstance(operand, (Literally, _Given)):
            return operand.value
        if isinstance(operand, Called):
            return self._call(operand, [])
        if isinstance(operand, Dot):
            value = dot
        elif isinstance(operand, Variable):
            value = self._scope.values[self._scope.place(operand.name)]
        else:
            value = self._nested(operand, dot)
        for name in operand.fields:
            value = self._field(value, name, operand.at)
        return value

    def _nested(self, nested: Nested, dot: Value) -> Value:
        with self._scope.inner():
            return self._pipeline(nested.pipeline, dot)

    def _field(self, value: Value, name: str, at: int) -> Value:
        if isinstance(value, Table):
            return value.get(name, "" if all(isinstance(one, str) for one in value.values()) else None)
        if isinstance(value, Record) and name in value:
            return value[name]
        raise self._error(at, f"{kind_of(value)} has no field {name}")

    def _fail(self, at: int, reason: str) -> NoReturn:
        raise self._error(at, reason)

    def _error(self, at: int, reason: str) -> ExpansionError:
        return ExpansionError(reason, *place_in(self._source, at))


@attrs.frozen
class _Given:
    value: Value
    at: int = 0
