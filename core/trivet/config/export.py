"""`Exporting`: what `trivet.config.registry.Config` gives out of the process: documents, a JSON Schema, single values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trivet.config.attribution import Attribution
from trivet.config.effective import Hide, plain, showable
from trivet.config.leaf import Leaf, walk
from trivet.config.origin import Path
from trivet.config.reference import escape
from trivet.config.schema import PluginLists
from trivet.config.tree import convert, look_up
from trivet.config.writing import ExportError, Writer, nest_origins, reveal, without_nulls
from trivet.secret import MASK

if TYPE_CHECKING:
    from trivet.config.candidate import Parts
    from trivet.config.snapshot import Snapshot
    from trivet.config.transaction import Transactions


class Exporting:
    """The part of ``kernel.config`` that writes configuration for others to read."""

    _parts: Parts
    _store: Transactions
    snapshot: Any  # a property of `Config`

    def export(self, format: str, *, redact: bool = True, origins: bool = False) -> str:  # noqa: A002 - that is what it is
        """Write the effective configuration, defaults included, as a document.

        Without secrets, or with ``redact=False``, what is written loads to the same configuration; JSON does so only without
        ``origins``. Dates and durations are written as text. TOML has no null: one that is its field's default is left out,
        another one is an error.

        Args:
            format: Name of a format: ``toml``, ``yaml``, ``json``, or one of a plugin.
            redact: Write ``***`` for secrets, and say so at the top where the format has comments.
            origins: Add the origin of each value as a comment at the end of its line. Where the format has no comments, the
                document becomes ``{"redacted": bool, "config": ..., "origins": ...}``, the last two of the same shape.

        Raises:
            ConfigNotLoadedError: before the first load.
            ExportError: if there is no such format, or it cannot hold a value.
        """
        masked: list[Path] = []

        def hide(path: Path, value: Any) -> Any:  # noqa: ANN401 - a tree holds anything
            if not redact:
                return reveal(path, value)
            masked.append(path)
            return MASK

        if format not in self._parts.formats:
            raise ExportError(f"there is no format {format!r}; there is {', '.join(sorted(self._parts.formats))}")
        writer = Writer(name=format, format=self._parts.formats[format])
        tree = convert(self._effective(hide, nulls=writer.has_null), _escaped)  # no value may become a reference
        writer = Writer(name=format, format=writer.format, head=_head(len(masked)))
        if not origins:
            return writer.write(tree)
        attribution = self._attribution()
        named = {path: attribution.of(path) for path, _ in walk(tree, into_lists=True)}
        if writer.comment:
            return writer.annotate(tree, named)
        return writer.write({"redacted": bool(masked), "config": tree, "origins": nest_origins(tree, named)})

    def schema(self, *, partial: bool = False) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of all bound sections, as files write them. Needs no configuration to be loaded.

        It accepts what loads from files and rejects what does not, as far as JSON Schema can say it; where it cannot, it
        accepts. A reference or a sealed value may stand for any value, since what it stands for is not known before. It never
        holds the default of a secret.

        Args:
            partial: Leave ``required`` out: for editing one of several files that are merged.
        """
        from trivet.config.json_schema import json_schema

        return json_schema(
            self._parts.name,
            self._store.schema(),
            partial=partial,
            include_key=self._store.launch().include_key,
            schemes=[one.scheme for one in self._parts.resolvers.values() if one.bare],
        )

    def leaves(self) -> tuple[Leaf, ...]:
        """Return every value of the effective configuration with its origin, secrets masked. See `trivet.config.leaf.compare`.

        Raises:
            ConfigNotLoadedError: before the first load.
        """
        shown, raw = self._effective(lambda _path, _value: MASK), self._effective(reveal)
        attribution = self._attribution()
        return tuple(
            Leaf(path=path, value=showable(value), origin=attribution.of(path), raw=look_up(raw, path))
            for path, value in walk(shown, into_lists=False)
        )

    def _attribution(self) -> Attribution:
        return Attribution(self.snapshot.layers, self._store.schema())

    def _effective(self, hide: Hide, *, nulls: bool = True) -> dict[str, Any]:
        """Return all sections, and what ``[plugins]`` itself sets, as plain data."""
        snapshot: Snapshot = self.snapshot
        result: dict[str, Any] = {}
        for name, section in snapshot.sections.items():
            path = tuple(name.split("."))
            data = plain(section, path, snapshot.secrets, hide)
            at = result
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = data if nulls else without_nulls(section, data, path)
        lists = look_up(snapshot.tree, ("plugins",))
        if isinstance(lists, dict) and (own := {key: lists[key] for key in ("enable", "block") if key in lists}):
            typed = plain(self._parts.structurer.section(PluginLists, own), ("plugins",), frozenset(), hide)
            result["plugins"] = {**{key: typed[key] for key in own}, **result.get("plugins", {})}
        return result


def _escaped(_path: Path, value: object) -> object:
    return escape(value) if isinstance(value, str) else value


def _head(masked: int) -> tuple[str, ...]:
    what = "1 secret is masked" if masked == 1 else f"{masked} secrets are masked"
    return (f'Redacted: {what} as "{MASK}", so this document does not load as it is.',) if masked else ()
