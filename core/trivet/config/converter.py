"""The converter: from trees to attrs objects, through cattrs, with strict hooks in place of its silent coercions.

Two tiers. The fast one stops at the first fault, and says nothing of use; only then the detailed one runs, which collects every
fault with its path and runs validators field by field. Both share all hooks but those of classes.
"""

from __future__ import annotations

import difflib
import enum
import pathlib
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trivet.config import scalar, shape
from trivet.config.containers import Hook, list_hook, mapping_hook, read_table, union_hook, unreadable
from trivet.config.fault import Fault, Faults, MissingKey, UnknownKey
from trivet.config.isolation import construct, validate
from trivet.secret import Secret

if TYPE_CHECKING:
    from cattrs import Converter

Factory = Callable[[Any, "Converter"], Hook]


def make_converter(*, detailed: bool) -> Converter:
    """Make a converter. Importing cattrs takes a while, so this is called when the first section is structured.

    Args:
        detailed: Which tier.
    """
    from cattrs import Converter

    converter = Converter(structure_fallback_factory=unreadable)
    factories: list[tuple[Callable[[Any], bool], Factory]] = [
        (shape.is_class, _detailed_class if detailed else _fast_class),
        (shape.is_list, list_hook),
        (shape.is_mapping, mapping_hook),
        (_is_enum, lambda kind, _: _plain(scalar.enum_reader(kind))),
        (lambda kind: typing.get_origin(kind) is typing.Literal, lambda kind, _: _plain(scalar.literal_reader(kind))),
        (lambda kind: bool(shape.union_members(kind)), union_hook),
        (lambda kind: kind is Secret or typing.get_origin(kind) is Secret, _secret),
        (_is_wrapped, _wrapped),
        (
            lambda kind: isinstance(kind, typing.Hashable) and kind in scalar.READERS,
            lambda kind, _: _plain(scalar.READERS[kind]),
        ),
    ]
    for applies, factory in factories:
        converter.register_structure_hook_factory(applies, _bound(factory, converter))
    for kind in _CATTRS_OWN:
        converter.register_structure_hook(kind, _primitive)
    return converter


_CATTRS_OWN = (str, bytes, int, float, pathlib.Path)
"""Types that cattrs finds by their class before it asks any factory, subclasses such as a `StrEnum` among them."""


def _primitive(value: object, kind: Any) -> Any:  # noqa: ANN401 - types are of any kind
    if kind in scalar.READERS:
        return scalar.READERS[kind](value)
    if _is_enum(kind):
        return scalar.enum_reader(kind)(value)
    ancestor = next(one for one in kind.__mro__ if one in scalar.READERS)
    return scalar.named(kind, f"a {kind.__name__}", read=scalar.READERS[ancestor])(value)


def _bound(factory: Factory, converter: Converter) -> Callable[[Any], Hook]:
    return lambda kind: factory(kind, converter)


def _is_enum(kind: Any) -> bool:  # noqa: ANN401 - types are of any kind
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_wrapped(kind: Any) -> bool:  # noqa: ANN401 - as above
    return shape.unwrap(kind) is not kind


def _wrapped(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    inner = shape.unwrap(kind)
    hook = converter.get_structure_hook(inner)
    return lambda value, _: hook(value, inner)


def _plain(read: scalar.Reader) -> Hook:
    return lambda value, _: read(value)


def _fast_class(cls: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    # A loop, no generated code: making code for a field costs as much as structuring it some hundred times, and a section is
    # structured once per change of it. Hooks are looked up late, for a class may hold itself.
    fields = shape.fields(cls)
    hooks: dict[str, tuple[Hook, Any]] = {}

    def structure(value: object, _: object) -> Any:  # noqa: ANN401 - an instance of cls
        table = read_table(value)
        if not hooks:
            hooks.update((key, (converter.get_structure_hook(field.type), field.type)) for key, field in fields.items())
        arguments: dict[str, Any] = {}
        for key, item in table.items():
            hook, kind = hooks[key]
            arguments[key] = hook(item, kind)
        return cls(**arguments)

    return structure


def _detailed_class(cls: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    fields = shape.fields(cls)

    def structure(value: object, _: object) -> Any:  # noqa: ANN401 - an instance of cls
        table = read_table(value)
        arguments: dict[str, Any] = {}
        faults: list[tuple[str | int, Fault | Faults]] = [
            (key, UnknownKey("unknown key", hint=near(key, fields))) for key in table if key not in fields
        ]
        for key, field in fields.items():
            if key in table:
                try:
                    arguments[key] = converter.get_structure_hook(field.type)(table[key], field.type)
                    validate(field, arguments[key])
                except (Fault, Faults) as fault:
                    faults.append((key, fault))
            elif field.required:
                faults.append((key, MissingKey("required, set nowhere")))
        if faults:
            raise Faults(faults)
        return construct(cls, arguments)

    return structure


def near(key: str, known: typing.Iterable[str]) -> str:
    """Return the did-you-mean of a key, or the empty text."""
    by_fold = {name.lower(): name for name in known}
    match = difflib.get_close_matches(str(key).lower(), by_fold, n=1, cutoff=0.6)
    return f"did you mean {by_fold[match[0]]!r}?" if match else ""


def _secret(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    inner = next(iter(typing.get_args(kind)), Any)
    hook = converter.get_structure_hook(inner)
    return lambda value, _: value if isinstance(value, Secret) else Secret(hook(value, inner))
