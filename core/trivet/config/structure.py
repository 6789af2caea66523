"""Structure: from the resolved tree to typed sections, with every fault of every section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from trivet.config import scalar
from trivet.config.converter import make_converter, near
from trivet.config.fault import Fault, Faults, UnknownKey, walk
from trivet.config.isolation import attempt
from trivet.config.origin import Path
from trivet.config.schema import PluginLists, Schema
from trivet.config.shape import fields
from trivet.config.tree import MISSING, look_up

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


class Structurer:
    """Makes typed sections. Keeps the generated code of cattrs, which is dear to make."""

    def __init__(self) -> None:
        self._converters: dict[bool, Converter] = {}

    def _converter(self, *, detailed: bool) -> Converter:
        if detailed not in self._converters:
            self._converters[detailed] = make_converter(detailed=detailed)
        return self._converters[detailed]

    def section(self, cls: type[T], tree: object) -> T:
        """Structure one section.

        Raises:
            Fault: or `Faults`, with all that does not fit.
        """
        fast = attempt(lambda: self._converter(detailed=False).structure(tree, cls))
        if fast.error is None and fast.value is not None:
            return fast.value
        return self._converter(detailed=True).structure(tree, cls)

    def sections(
        self, schema: Schema, tree: Mapping[str, Any], reuse: Mapping[tuple[str, ...], object]
    ) -> tuple[dict[tuple[str, ...], object], list[tuple[Path, Fault]]]:
        """Structure all sections.

        Args:
            schema: The sections.
            tree: The tree.
            reuse: Sections that need not be made anew.

        Returns:
            The sections that fit, and all faults with their paths.
        """
        made: dict[tuple[str, ...], object] = {}
        faults = [*stray_keys(tree, schema), *self._plugin_lists(tree)]
        for path, cls in schema.sections.items():
            if path in reuse:
                made[path] = reuse[path]
                continue
            try:
                made[path] = self.section(cls, section_tree(tree, path))
            except (Fault, Faults) as fault:
                faults += walk(fault, path)
        return made, faults

    def _plugin_lists(self, tree: Mapping[str, Any]) -> Iterator[tuple[Path, Fault]]:
        plugins = tree.get("plugins", {})
        if isinstance(plugins, Mapping):
            own = {key: plugins[key] for key in fields(PluginLists) if key in plugins}
            try:
                self.section(PluginLists, own)
            except (Fault, Faults) as fault:
                yield from walk(fault, ("plugins",))


def section_tree(tree: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """Return the part of a tree that a section is made of; nothing there is as good as an empty table."""
    found = look_up(tree, path)
    return {} if found is MISSING else found


def stray_keys(tree: Mapping[str, Any], schema: Schema, at: Path = ()) -> Iterator[tuple[Path, Fault]]:
    """Yield the keys between the root and the sections that belong to no section."""
    known = schema.keys(at) or ()
    for key, value in tree.items():
        path = (*at, key)
        if path in schema.sections or (at == ("plugins",) and key in fields(PluginLists)):
            continue
        if not schema.is_inner(path):
            yield path, UnknownKey(_stray(at), hint=near(key, known))
        elif isinstance(value, Mapping):
            yield from stray_keys(value, schema, path)
        else:
            yield path, scalar.wrong("a table", value)


def _stray(at: Path) -> str:
    if at == ("plugins",):
        return "unknown key: no plugin that is loaded has a section of this name"
    return "unknown key" if at else "unknown key: nothing binds a section of this name"
