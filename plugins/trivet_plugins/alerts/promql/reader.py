r"""`Reader`: goes through the parser's tree and the words of the text side by side, and makes the tree that is evaluated.

The parser's tree has no places, and reads some words otherwise than Prometheus does (a byte ``\xc5`` in a string, a time before
1970 after ``@``): what the text says is taken from the text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from trivet_plugins.alerts.promql.cursor import Cursor
from trivet_plugins.alerts.promql.errors import PatternError, UnsupportedError
from trivet_plugins.alerts.promql.labels import METRIC_NAME
from trivet_plugins.alerts.promql.limits import MAX_DEPTH
from trivet_plugins.alerts.promql.selector import Selector
from trivet_plugins.alerts.promql.signatures import AGGREGATIONS, REFUSED, SIGNATURES
from trivet_plugins.alerts.promql.syntax import (
    Aggregate,
    Binary,
    Call,
    Matching,
    Negate,
    Number,
    Range,
    Select,
    Shift,
    Subquery,
    Words,
)
from trivet_plugins.alerts.promql.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from trivet_plugins.alerts.promql.syntax import Kind, Node

MAX_TIME: Final = 1 << 53
"""The furthest time, in milliseconds."""


class Reader:
    """Reads one text.

    Args:
        text: The query.
        words: Its words.
    """

    def __init__(self, text: str, words: list[Token]) -> None:
        self.words = Cursor(text, words)
        self._depth = 0
        self._readers: dict[str, Callable[[Any, int], Node]] = {
            "NumberLiteral": self._number,
            "StringLiteral": self._string,
            "ParenExpr": self._parens,
            "VectorSelector": self._select,
            "MatrixSelector": self._range,
            "SubqueryExpr": self._subquery,
            "Call": self._call,
            "AggregateExpr": self._aggregate,
            "BinaryExpr": self._binary,
            "UnaryExpr": self._negate,
        }

    def read(self, parsed: object) -> Node:
        """Return the tree of the whole text.

        Raises:
            QueryError: with its place, if there is something that does not fit together.
            UnsupportedError: likewise, if there is something that is not supported.
        """
        node = self._read(parsed)
        if self.words.peek().kind != "end":
            raise self.words.wrong(f"{self.words.peek().text!r} does not belong here")
        return node

    def _read(self, parsed: Any) -> Node:  # noqa: ANN401 - one of the parser's classes
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.words.wrong(f"a query is at most {MAX_DEPTH} parts deep; write some of them as recording rules")
        kind = type(parsed).__name__
        if kind not in self._readers:
            raise UnsupportedError(f"{kind} is not supported", *self.words.place())
        node = self._readers[kind](parsed, self.words.peek().start)
        self._depth -= 1
        return node

    # -- nodes --

    def _number(self, parsed: Any, start: int) -> Node:  # noqa: ANN401 - as above
        self.words.signs()
        self.words.take()
        return Number(float(parsed.val), start=start)

    def _string(self, _parsed: object, start: int) -> Node:
        return Words(self.words.quoted(), start=start)

    def _parens(self, parsed: Any, _start: int) -> Node:  # noqa: ANN401 - as above
        self.words.signs()
        self.words.expect("(")
        node = self._read(parsed.expr)
        self.words.expect(")")
        return node

    def _negate(self, parsed: Any, start: int) -> Node:  # noqa: ANN401 - as above
        while not self.words.skip("-"):
            self.words.expect("+")
        return Negate(self._read(parsed.expr), start=start)

    def _select(self, parsed: Any, start: int) -> Select:  # noqa: ANN401 - as above
        self.words.signs()
        selectors = self._selectors(parsed, start)
        return Select(selectors, self._shift(parsed), start=start)

    def _range(self, parsed: Any, start: int) -> Range:  # noqa: ANN401 - as above
        self.words.signs()
        selectors = self._selectors(parsed.vector_selector, start)
        self._brackets()
        select = Select(selectors, self._shift(parsed.vector_selector), start=start)
        return Range(select, _milliseconds(parsed.range), start=start)

    def _subquery(self, parsed: Any, start: int) -> Subquery:  # noqa: ANN401 - as above
        expr = self._read(parsed.expr)
        if expr.kind != "vector":
            raise self.words.wrong(f"a subquery is of a vector, not of a {expr.kind}", start)
        self._brackets()
        step = None if parsed.step is None else _milliseconds(parsed.step)
        return Subquery(expr, _milliseconds(parsed.range), step, self._shift(parsed), start=start)

    def _brackets(self) -> None:
        self.words.expect("[")
        while not self.words.skip("]"):
            if self.words.take().kind == "end":
                raise self.words.wrong("']' is expected here")

    def _selectors(self, parsed: Any, start: int) -> tuple[Selector, ...]:  # noqa: ANN401 - as above
        if parsed.matchers.or_matchers:
            raise UnsupportedError("'or' between the conditions of a selector is not supported", *self.words.place())
        found: list[Selector] = []
        if self.words.peek().kind == "word":
            found.append(Selector(METRIC_NAME, "=", self.words.take().text))
        if self.words.skip("{"):
            while not self.words.skip("}"):
                found.append(self._selector())
                self.words.skip(",")
        if all(selector.takes("") for selector in found):
            raise self.words.wrong("a selector has at least one condition that an empty label does not meet", start)
        return tuple(found)

    def _selector(self) -> Selector:
        word = self.words.peek()
        name = self.words.quoted() if word.kind == "string" else self.words.take().text
        op = self.words.peek().text
        if word.kind == "string" and op in {",", "}"}:
            return Selector(METRIC_NAME, "=", name)
        self.words.take()
        place = self.words.peek().start
        try:
            return Selector(name, op, self.words.quoted())  # type: ignore[arg-type]  # the parser knows no other
        except PatternError as exc:
            raise self.words.wrong(str(exc), place) from None

    def _shift(self, parsed: Any) -> Shift:  # noqa: ANN401 - as above
        at: int | str | None = None
        while (word := self.words.peek().text.lower()) in {"offset", "@"}:
            self.words.take()
            if word == "@" and self.words.peek().kind == "word" and self.words.peek().text.lower() in {"start", "end"}:
                at = self.words.take().text.lower()
                self.words.expect("(")
                self.words.expect(")")
                continue
            negative = self.words.peek().text == "-"
            self.words.signs()
            number = self.words.take()
            if word == "@":
                at = self._moment(parsed, number, negative=negative)
        return Shift(_milliseconds(parsed.offset) if parsed.offset is not None else 0, at)  # type: ignore[arg-type]

    def _moment(self, parsed: Any, number: Token, *, negative: bool) -> int:  # noqa: ANN401 - as above
        try:
            seconds = float(number.text)
        except ValueError:  # a duration, or hexadecimal
            seconds = parsed.at.at.timestamp()
        if not math.isfinite(seconds) or abs(seconds) * 1000 > MAX_TIME:
            raise self.words.wrong("this time is out of bounds", number.start)
        milliseconds = math.floor(seconds * 1000 + 0.5)
        return -milliseconds if negative else milliseconds

    def _call(self, parsed: Any, start: int) -> Node:  # noqa: ANN401 - as above
        self.words.signs()
        self.words.take()
        name = parsed.func.name
        signature = SIGNATURES.get(name)
        if signature is None:
            raise UnsupportedError(f"{name}() {REFUSED.get(name, 'is not supported')}", *self.words.place(start))
        self.words.expect("(")
        args: list[Node] = []
        for arg in parsed.args:
            args.append(self._read(arg))
            self.words.skip(",")
        self.words.expect(")")
        if not signature.least <= len(args) <= signature.most:
            raise self.words.wrong(
                f"{name}() takes {signature.least} to {signature.most} arguments, not {len(args)}", start
            )
        for number, arg in enumerate(args):
            self._check(arg, signature.takes[min(number, len(signature.takes) - 1)], f"{name}()")
        return Call(name, tuple(args), signature.gives, start=start)

    def _check(self, node: Node, kind: Kind, whose: str) -> None:
        if node.kind != kind:
            raise self.words.wrong(f"{whose} takes a {kind} here, not a {node.kind}", node.start)

    def _aggregate(self, parsed: Any, start: int) -> Node:  # noqa: ANN401 - as above
        self.words.signs()
        self.words.take()
        op = str(parsed.op).lower()
        if op not in AGGREGATIONS:
            raise UnsupportedError(f"{op}() {REFUSED.get(op, 'is not supported')}", *self.words.place(start))
        self._grouping()
        self.words.expect("(")
        param = None
        if AGGREGATIONS[op]:
            param = self._read(parsed.param)
            self._check(param, AGGREGATIONS[op] or "scalar", f"{op}()")
            self.words.expect(",")
        expr = self._read(parsed.expr)
        self._check(expr, "vector", f"{op}()")
        self.words.skip(",")
        self.words.expect(")")
        self._grouping()
        modifier = parsed.modifier
        labels = tuple(modifier.labels) if modifier else ()
        without = modifier is not None and str(modifier.type).endswith("Without")
        return Aggregate(op, expr, param, labels, without, start=start)

    def _grouping(self, *words: str) -> bool:
        """Go past ``by (a, b)``, or another of these words with labels; return whether there is one."""
        if self.words.peek().text.lower() not in (words or ("by", "without")):
            return False
        self.words.take()
        if self.words.skip("("):
            while not self.words.skip(")"):
                self.words.take()
        return True

    def _binary(self, parsed: Any, start: int) -> Node:  # noqa: ANN401 - as above
        left = self._read(parsed.lhs)
        op = self.words.take().text.lower()
        if op != str(parsed.op).lower():
            raise self.words.wrong(f"{op!r} is not expected here", start)
        as_bool = self.words.skip("bool")
        many = None
        self._grouping("on", "ignoring")
        for word, side in (("group_left", "left"), ("group_right", "right")):
            if self._grouping(word):
                many = side
        if self.words.peek().text.lower() in {"fill", "fill_left", "fill_right"}:
            raise UnsupportedError(f"the modifier {self.words.peek().text} is not supported", *self.words.place())
        right = self._read(parsed.rhs)
        matching = _matching(parsed.modifier, many)
        return Binary(op, left, right, matching, as_bool, start=start)


def _matching(modifier: Any, many: str | None) -> Matching:  # noqa: ANN401 - as above
    if modifier is None:
        return Matching()
    labels, on = (), False
    if modifier.matching is not None:
        labels = tuple(modifier.matching.labels)
        on = str(modifier.matching.type).endswith("Include")
    return Matching(on, labels, many, tuple(modifier.group_labels or ()))  # type: ignore[arg-type]


def _milliseconds(duration: timedelta) -> int:
    return (duration.days * 86_400 + duration.seconds) * 1000 + duration.microseconds // 1000
