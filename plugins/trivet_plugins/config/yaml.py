"""Read and write YAML (``.yaml``, ``.yml``). No settings.

Values mean what the core schema of YAML 1.2 says: ``no`` and ``1:30`` are texts, ``0777`` is 777, there are no dates.
Anchors, aliases and ``<<`` work; tags beyond ``!!str`` and its like, further documents and keys that are no scalars are refused.

Example::

    database:
      url: postgres://db/orders
      pool_size: 10
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trivet import Document, Provider, hookimpl
from trivet.config.limits import LIMITS
from trivet_plugins.config.yaml_scalar import is_safe_plain

if TYPE_CHECKING:
    from trivet import Composition, ConfigFormat
    from trivet.config.origin import Path


class Yaml:
    """YAML through PyYAML's parser, with a reading of values of its own."""

    suffixes: tuple[str, ...] = (".yaml", ".yml")
    comment = "#"

    def parse(self, text: str) -> Document:
        """Parse a document.

        Raises:
            FormatError: with the place; of a duplicate key it names both.
        """
        from trivet_plugins.config.yaml_tree import TreeBuilder

        data = TreeBuilder(text).build()
        LIMITS.check(data)

        def spans() -> Mapping[Any, Any]:
            builder = TreeBuilder(text, places=True)
            builder.build()
            return builder.spans

        return Document(data, spans)

    def dump(self, tree: Mapping[str, Any]) -> str:
        """Write a tree in block style. Dates become texts, which YAML 1.2 says they are."""
        import yaml

        class Dumper(yaml.SafeDumper):
            def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
                return True

        def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
            style = None if is_safe_plain(value) else '"'
            return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

        def moment(dumper: yaml.SafeDumper, value: dt.date | dt.time) -> yaml.ScalarNode:
            return text(dumper, value.isoformat())

        Dumper.add_representer(str, text)
        Dumper.add_multi_representer(str, text)
        Dumper.add_multi_representer(dt.date, moment)
        Dumper.add_multi_representer(dt.time, moment)
        Dumper.add_representer(dt.date, moment)
        Dumper.add_representer(dt.datetime, moment)
        written: str = yaml.dump(dict(tree), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**31)
        return written

    def scalar(self, text: str, *, like: str) -> str:
        """Write a string: quoted like the old one where that is possible, without quotes where the old one has none."""
        if like.startswith("'") and text.isprintable():
            return "'" + text.replace("'", "''") + "'"
        if not like.startswith(('"', "|", ">")) and is_safe_plain(text):
            return text
        return '"' + "".join(map(_escape, text)) + '"'

    def insertions(self, text: str, path: Path, value: str | list[str]) -> Iterator[str]:
        """Yield texts that may have a value at a path where none is; see `InsertingFormat`."""
        from trivet_plugins.config.yaml_insertion import Insertion

        document = self.parse(text)
        insertion = Insertion(text, path, value, partial(self.scalar, like='"'))
        return insertion.candidates(document.data, document.spans())


def _escape(mark: str) -> str:
    if mark in {'"', "\\"}:
        return f"\\{mark}"
    return mark if mark.isprintable() else f"\\U{ord(mark):08x}" if ord(mark) > 0xFF else f"\\x{ord(mark):02x}"


@hookimpl
def register_config_formats(composition: Composition) -> list[Provider[ConfigFormat]]:
    """Offer ``config_format/yaml``."""
    return [Provider(name="yaml", factory=Yaml)]
