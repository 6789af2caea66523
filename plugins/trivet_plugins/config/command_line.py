"""Settings from the command line, the strongest layer: ``--set database.pool_size=20``. No settings of its own.

``--set``: the schema says what the text means, as for environment variables. ``--set a.b=null`` removes what weaker layers say of
``a.b``; ``--set 'a.hosts=["x", "y"]'`` and ``--set a.hosts=x,y`` set a list; quotes, ``--set 'a.b="null"'``, keep it a text.

``--set-string``: a text and nothing else; ``--set-string a.b=null`` is a word of four letters, ``--set-string a.b=20`` no number,
``--set-string 'a.b=${c}'`` no reference. ``--set-file a.b=PATH``: what is in the file means what it would mean after ``--set``,
but that nothing in it removes a value; the file is watched.

Of one option a later one wins; files win over strings, and strings over ``--set``, wherever they stand. What the application's
code sets in the same ways is weaker than all of them (see `trivet.Launch.code`).
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import attrs

from trivet import Layer, LoadContext, Origin, Problem, Provider, hookimpl
from trivet.config.layer import COMMAND_LINE, DELETE
from trivet.config.origin import Path, dotted, parse_path
from trivet.config.reference import escape
from trivet_plugins.config.value_file import read_value

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource, Launch

NAME = "command line"
CODE = "application"
"""The name of the layers of what the application's code sets, where a command line was added to it."""
_IN_CODE = {"--set": "Launch.assignments", "--set-string": "Launch.strings", "--set-file": "Launch.value_files"}


@attrs.define
class _Assignments:
    """What one option sets.

    Args:
        layer: The name of its layer.
        option: E.g. ``--set``.
    """

    layer: str
    option: str
    data: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)
    origins: dict[Path, Origin] = attrs.field(factory=dict, init=False)
    problems: list[Problem] = attrs.field(factory=list, init=False)
    files: list[pathlib.Path] = attrs.field(factory=list, init=False)

    @property
    def _shown(self) -> str:
        return _IN_CODE[self.option] if self.layer.startswith(CODE) else self.option

    def add_all(self, texts: Iterable[str], read: Callable[[str], object], *, named: bool = False) -> _Assignments:
        """Add the option's texts.

        Args:
            texts: As ``PATH=VALUE``, in order.
            read: Makes a value of the text after the ``=``, or raises ValueError.
            named: Whether that text is the name of a file, and so belongs to the origin.
        """
        for number, text in enumerate(texts, 1):
            origin = Origin(self.layer, f"{self._shown} #{number}")
            try:
                path, after = _split(text, self.option)
                if named:
                    origin = attrs.evolve(origin, source=f"{origin.source} ({after})")
                    self.files.append(pathlib.Path(after))
                _put(self.data, path, read(after))
            except ValueError as exc:
                self.problems.append(Problem(str(exc), origin))
            else:
                self.origins.pop(path, None)
                self.origins[path] = origin
        return self

    def locate(self, path: Path) -> Origin:
        """Return the place of a value, or of a table around or below the values."""
        inside = (found for place, found in reversed(self.origins.items()) if place[: len(path)] == path)
        around = (self.origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.origins)
        return next(around, None) or next(inside, None) or Origin(self.layer, self._shown)

    def as_layer(self, *, text: bool) -> Layer:
        """Return the layer."""
        return Layer(
            name=self.layer,
            priority=COMMAND_LINE,
            data=self.data,
            locate=self.locate,
            text=text,
            problems=tuple(self.problems),
            watch=tuple(self.files),
        )


class CommandLine:
    """The assignments of ``--set``, ``--set-string`` and ``--set-file``."""

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read the assignments. Unknown paths are found when the whole configuration is validated."""
        launch = context.launch
        own = await _layers(launch, NAME) or [_Assignments(NAME, "--set").as_layer(text=True)]
        return [*(await _layers(launch.code, CODE) if launch.code is not None else ()), *own]


async def _layers(launch: Launch, whose: str) -> list[Layer]:
    """Return the layers of a launch, the weakest first; of what nobody set, none."""
    sets = _Assignments(whose, "--set").add_all(launch.assignments, _read)
    strings = _Assignments(f"{whose} strings", "--set-string").add_all(launch.strings, escape)
    files = _Assignments(f"{whose} files", "--set-file")
    if launch.value_files:
        await anyio.to_thread.run_sync(_read_files, files, launch.value_files, abandon_on_cancel=True)
    found = ((launch.assignments, sets, True), (launch.strings, strings, False), (launch.value_files, files, True))
    return [one.as_layer(text=text) for texts, one, text in found if texts]


def _read_files(files: _Assignments, texts: Sequence[str]) -> None:
    files.add_all(texts, lambda name: escape(read_value(pathlib.Path(name))), named=True)


def _split(assignment: str, option: str) -> tuple[Path, str]:
    name, equals, text = assignment.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"an assignment is written PATH=VALUE, e.g. {option} {_EXAMPLES[option]}")
    path = parse_path(name.strip())
    if any(isinstance(part, int) for part in path):
        raise ValueError(f"{dotted(path)}: a list is set as a whole, e.g. --set a.hosts=x,y")
    return path, text


_EXAMPLES = {
    "--set": "database.pool_size=20",
    "--set-string": "database.name=20",
    "--set-file": "database.password=/run/secrets/db",
}


def _read(text: str) -> object:
    if text == "null":
        return DELETE
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
