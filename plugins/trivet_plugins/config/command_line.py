"""Settings from the command line: ``--set database.pool_size=20``, the strongest layer. No settings of its own.

The schema says what the text means, as for environment variables. ``--set a.b=null`` removes what weaker layers say of ``a.b``;
``--set 'a.hosts=["x", "y"]'`` and ``--set a.hosts=x,y`` set a list; quotes around a text, ``--set 'a.b="null"'``, keep it a text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trivet import Layer, LoadContext, Origin, Problem, Provider, hookimpl
from trivet.config.layer import COMMAND_LINE, DELETE
from trivet.config.origin import Path, dotted, parse_path

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource

NAME = "command line"


class CommandLine:
    """The assignments of ``--set``, in order; a later one wins."""

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read the assignments. Unknown paths are found when the whole configuration is validated."""
        data: dict[str, Any] = {}
        origins: dict[Path, Origin] = {}
        problems: list[Problem] = []
        for number, assignment in enumerate(context.launch.assignments, 1):
            origin = Origin(NAME, f"--set #{number}")
            try:
                path, value = _read(assignment)
                _put(data, path, value)
            except ValueError as exc:
                problems.append(Problem(str(exc), origin))
            else:
                origins[path] = origin

        def locate(path: Path) -> Origin:
            inside = (found for place, found in reversed(origins.items()) if place[: len(path)] == path)
            around = (origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins)
            return next(around, None) or next(inside, None) or Origin(NAME, "--set")

        layer = Layer(name=NAME, priority=COMMAND_LINE, data=data, locate=locate, text=True, problems=tuple(problems))
        return [layer]


def _read(assignment: str) -> tuple[Path, object]:
    name, equals, text = assignment.partition("=")
    if not equals or not name.strip():
        raise ValueError("an assignment is written PATH=VALUE, e.g. --set database.pool_size=20")
    path = parse_path(name.strip())
    if any(isinstance(part, int) for part in path):
        raise ValueError(f"{dotted(path)}: a list is set as a whole, e.g. --set a.hosts=x,y")
    if text == "null":
        return path, DELETE
    return path, _unquote(text)


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


def _put(data: dict[str, Any], path: Path, value: object) -> None:
    *outer, last = (str(part) for part in path)
    for part in outer:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = inner
    data[last] = value


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/command_line``."""
    return [Provider(name="command_line", factory=CommandLine)]
