"""`read_variables`: names and texts become settings, in one way whoever sets them: the environment or a ``.env`` file.

A name is the kernel's prefix, then two underscores per level down, and matches the schema in any case. ``..._FILE`` names a file
that holds the value.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Sequence

import attrs

from trivet import LoadContext, Origin
from trivet.config.reference import escape
from trivet_plugins.config.gathered import Gathered
from trivet_plugins.config.value_file import read_value

RESERVED = "TRIVET_"
"""The prefix of what switches the framework itself: never a setting."""


@attrs.frozen
class Variable:
    """A name with a text.

    Args:
        name: With the prefix.
        text: Its value.
        setting: Its value as a setting's text, in which ``${...}`` may refer to something.
        origin: Where it is set.
    """

    name: str
    text: str = attrs.field(repr=False)
    setting: str = attrs.field(repr=False)
    origin: Origin


def is_ours(name: str, context: LoadContext) -> bool:
    """Tell whether a name has the kernel's prefix, in any case."""
    return context.prefix != RESERVED and name.upper().startswith(context.prefix)


def _nobodys(_rest: str) -> bool:
    return False


def read_variables(
    variables: Iterable[Variable],
    context: LoadContext,
    into: Gathered,
    *,
    others: Callable[[str], bool] = _nobodys,
) -> None:
    """Read variables that have the kernel's prefix; what is wrong with one becomes a problem. Reads files: run it in a thread.

    Args:
        variables: In any order.
        context: What to load with.
        into: Takes settings and problems.
        others: Tells of a name that fits no setting, without its prefix and in upper case, whether somebody else set it.
    """
    for variable in variables:
        if not variable.text and context.launch.ignore_empty:
            continue
        try:
            _read(variable, context, into, others)
        except ValueError as exc:
            into.refuse(str(exc), variable.origin)


def _read(variable: Variable, context: LoadContext, into: Gathered, others: Callable[[str], bool]) -> None:
    rest = variable.name[len(context.prefix) :]
    parts = rest.split("__")
    path = context.schema.match(parts) if all(parts) else None
    text = variable.setting
    if path is None and all(parts) and parts[-1].upper().endswith("_FILE"):
        path = context.schema.match([*parts[:-1], parts[-1][: -len("_FILE")]])
        if path is not None:
            into.files.append(pathlib.Path(variable.text))
            text = escape(read_value(into.files[-1]))
    if path is not None:
        into.put(path, text, variable.origin)
    elif not others(rest.upper()):
        raise ValueError(_unknown(parts, context))


def _unknown(parts: Sequence[str], context: LoadContext) -> str:
    near = context.schema.suggest(parts)
    if near is None:
        return f"no setting is named like this; variables with {context.prefix} are read as settings, so unset or rename it"
    name = context.prefix + near.upper().replace(".", "__")
    return f"no setting is named like this; did you mean {name} ({near})?"
