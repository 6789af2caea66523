"""The parts of a template, as `trivet_plugins.alerts.templates.reader` finds them. Places are characters from 0."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

MAX_TEXT: Final = 64 * 1024
"""The longest template, in characters."""

MAX_DEPTH: Final = 50
"""How deep blocks and parentheses may be nested."""


@attrs.frozen
class Literally:
    """A text, a number, a truth value, or ``nil``."""

    value: str | float | bool | None
    at: int


@attrs.frozen
class Dot:
    """``.``, or a field of it: ``.Labels.job``."""

    fields: tuple[str, ...]
    at: int


@attrs.frozen
class Variable:
    """``$name``, or a field of it."""

    name: str
    fields: tuple[str, ...]
    at: int


@attrs.frozen
class Nested:
    """A pipeline in parentheses, or a field of what it gives."""

    pipeline: Pipeline
    fields: tuple[str, ...]
    at: int


@attrs.frozen
class Called:
    """A function by its name."""

    name: str
    at: int


Operand: TypeAlias = Literally | Dot | Variable | Nested | Called


@attrs.frozen
class Command:
    """Operands one after the other: a function and what it is given, or a value alone."""

    operands: tuple[Operand, ...]


@attrs.frozen
class Pipeline:
    """Commands, each of which gets what the one before gave as its last argument.

    Args:
        commands: At least one.
        variables: What takes its value: none, one, or two in a ``range``.
        declares: The variables are new ones (``:=``).
        at: Where it begins.
    """

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    declares: bool
    at: int


@attrs.frozen
class Written:
    """Text between actions."""

    text: str


@attrs.frozen
class Action:
    """``{{ pipeline }}``."""

    pipeline: Pipeline


@attrs.frozen
class Block:
    """``if``, ``with`` or ``range``.

    Args:
        kind: Which.
        pipeline: What it is about.
        body: What is written where that is something.
        otherwise: What is written where it is not.
    """

    kind: Literal["if", "with", "range"]
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@attrs.frozen
class Leave:
    """``break`` or ``continue``."""

    kind: Literal["break", "continue"]


@attrs.frozen
class Include:
    """``template "name" pipeline``."""

    name: str
    pipeline: Pipeline | None
    at: int


Node: TypeAlias = Written | Action | Block | Leave | Include


@attrs.frozen
class Parsed:
    """A whole template.

    Args:
        body: What is written.
        named: What ``define`` has given names.
    """

    body: tuple[Node, ...]
    named: dict[str, tuple[Node, ...]]
