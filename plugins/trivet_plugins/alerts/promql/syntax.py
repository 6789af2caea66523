"""`Node`: the parts of a query, as a tree that never changes. Equal parts are equal wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from trivet_plugins.alerts.promql.selector import Selector

Kind = Literal["scalar", "string", "vector", "matrix"]

START: Literal["start"] = "start"
END: Literal["end"] = "end"


def _start() -> int:
    return attrs.field(default=0, eq=False, kw_only=True)


@attrs.frozen(cache_hash=True)
class Number:
    """A number.

    Args:
        value: Its value.
        start: Where it begins in the text, in characters from 0; so have all nodes.
    """

    value: float = attrs.field(eq=repr)  # -0 is another number than 0, and NaN the same as NaN
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "scalar"


@attrs.frozen(cache_hash=True)
class Words:
    """A string."""

    value: str
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "string"


@attrs.frozen(cache_hash=True)
class Shift:
    """Which time is meant.

    Args:
        offset: Milliseconds that it is before the time of evaluation, or before ``at``.
        at: Milliseconds since the epoch, or the ``start`` or ``end`` of what is asked about; None: the time of evaluation.
    """

    offset: int = 0
    at: int | Literal["start", "end"] | None = None


@attrs.frozen(cache_hash=True)
class Select:
    """Series at one time.

    Args:
        selectors: Conditions.
        shift: Which time.
    """

    selectors: tuple[Selector, ...]
    shift: Shift = Shift()
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "vector"


@attrs.frozen(cache_hash=True)
class Range:
    """Series over some time.

    Args:
        select: Which, and until when.
        length: Milliseconds.
    """

    select: Select
    length: int
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "matrix"


@attrs.frozen(cache_hash=True)
class Subquery:
    """A vector at some times.

    Args:
        expr: The vector.
        length: Milliseconds.
        step: Milliseconds; None: the default of whoever evaluates.
        shift: Until when.
    """

    expr: Node
    length: int
    step: int | None
    shift: Shift = Shift()
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "matrix"


@attrs.frozen(cache_hash=True)
class Call:
    """A function of some arguments.

    Args:
        name: Of the function.
        args: As they are written.
        kind: Of its value.
    """

    name: str
    args: tuple[Node, ...]
    kind: Kind
    start: int = _start()


@attrs.frozen(cache_hash=True)
class Aggregate:
    """Groups of a vector.

    Args:
        op: ``sum``, ``topk``, ...
        expr: The vector.
        param: What ``topk``, ``bottomk``, ``quantile`` and ``count_values`` have besides.
        labels: By which, or without which.
        without: Whether these labels are left out.
    """

    op: str
    expr: Node
    param: Node | None
    labels: tuple[str, ...]
    without: bool
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "vector"


@attrs.frozen(cache_hash=True)
class Matching:
    """How elements of two vectors find one another.

    Args:
        on: Whether by these labels; else by all but these, and but the name.
        labels: Their names.
        many: Which side may have several for one of the other: ``left``, ``right``, or None.
        include: Labels taken from the side that has one.
    """

    on: bool = False
    labels: tuple[str, ...] = ()
    many: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()


@attrs.frozen(cache_hash=True)
class Binary:
    """Two values and an operator between them.

    Args:
        op: As it is written, in lower case.
        left: Before it.
        right: After it.
        matching: How vectors are matched.
        as_bool: Whether a comparison gives 0 or 1.
    """

    op: str
    left: Node
    right: Node
    matching: Matching = Matching()
    as_bool: bool = False
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return "scalar" if self.left.kind == "scalar" == self.right.kind else "vector"


@attrs.frozen(cache_hash=True)
class Negate:
    """The negative of a value."""

    expr: Node
    start: int = _start()

    @property
    def kind(self) -> Kind:
        """Of its value."""
        return self.expr.kind


Node: TypeAlias = Number | Words | Select | Range | Subquery | Call | Aggregate | Binary | Negate


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a part, in the order of the text."""
    match node:
        case Range():
            return (node.select,)
        case Subquery() | Negate():
            return (node.expr,)
        case Call():
            return node.args
        case Aggregate():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Binary():
            return (node.left, node.right)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a part and all parts of it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)
