"""Values from an INI file: ``[section]``, ``key = value``. Config (``plugins.acme_ini``): ``path``, default ``acme.ini``."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import attrs

from trivet import Layer, LoadContext, Origin, Problem


@attrs.frozen
class IniConfig:
    """The section ``plugins.acme_ini``."""

    path: pathlib.Path = pathlib.Path("acme.ini")


@attrs.frozen(eq=False)
class Ini:
    """A config source over one INI file, which need not exist. Above remote sources, below secrets directories."""

    config: IniConfig

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read the file anew."""
        path = self.config.path
        tree: dict[str, dict[str, str]] = {}
        lines: dict[tuple[str | int, ...], int] = {}
        problems: list[Problem] = []
        section = ""
        text = path.read_text() if path.is_file() else ""
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            key, equals, value = line.partition("=")
            if not line or line[0] in "#;":
                continue
            if line[0] == "[" and line[-1] == "]":
                section = line[1:-1].strip()
                lines[section,] = number
            elif equals and section:
                tree.setdefault(section, {})[key.strip()] = value.strip()
                lines[section, key.strip()] = number
            else:
                what = "expected [section] or key = value"
                problems.append(Problem(what, Origin("acme", str(path), number)))

        def locate(place: tuple[str | int, ...]) -> Origin:
            return Origin("acme", str(path), lines.get(place))

        return [
            Layer(
                name="acme", priority=450, data=tree, locate=locate, text=True, problems=tuple(problems), watch=(path,)
            )
        ]
