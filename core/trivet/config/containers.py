"""Containers: hooks for lists, mappings and unions that collect every fault with its place."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from trivet.config import coercion, scalar, shape
from trivet.config.fault import Fault, Faults
from trivet.config.tree import MISSING, Text

if TYPE_CHECKING:
    from cattrs import Converter

Hook = Callable[[Any, Any], Any]


def unreadable(kind: Any) -> Hook:  # noqa: ANN401 - types are of any kind
    """Return the hook of a type that has none: it refuses every value."""
    name = getattr(kind, "__name__", kind)

    def refuse(_value: object, _kind: object) -> NoReturn:
        raise Fault(f"values of the type {name} cannot be read from configuration; give the field another type")

    return refuse


def read_table(value: object) -> Mapping[str, Any]:
    """Return a table as a mapping.

    Raises:
        Fault: if it is none.
    """
    if type(value) is dict:
        return value
    if isinstance(value, Text):
        table: dict[str, Any] = coercion.to_json(value, dict, "a table")
        return table
    if isinstance(value, Mapping):
        return value
    raise scalar.wrong("a table", value)


def _collect(parts: typing.Iterable[tuple[str | int, Any]], structure: Callable[[Any], Any]) -> list[Any]:
    items: list[Any] = []
    faults: list[tuple[str | int, Fault | Faults]] = []
    for place, part in parts:
        try:
            items.append(structure(part))
        except (Fault, Faults) as fault:
            faults.append((place, fault))
    if faults:
        raise Faults(faults)
    return items


def _items(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, Text):
        if value.lstrip().startswith("["):
            items: list[Any] = coercion.to_json(value, list, "a list")
            return items
        return [Text(item.strip()) for item in value.split(",") if item.strip()]
    if isinstance(value, (tuple, set, frozenset)):  # from a source that is no file
        return list(value)
    raise scalar.wrong("a list", value)


def list_hook(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    """Return the hook of a list, tuple or set."""
    arguments = typing.get_args(kind)
    make = shape.LISTS[typing.get_origin(kind) or kind]
    if typing.get_origin(kind) is tuple and Ellipsis not in arguments:
        return _fixed(arguments, converter)
    element = arguments[0] if arguments else Any
    hook = converter.get_structure_hook(element)
    return lambda value, _: make(_collect(enumerate(_items(value)), lambda item: hook(item, element)))


def _fixed(elements: tuple[Any, ...], converter: Converter) -> Hook:
    hooks = [(converter.get_structure_hook(element), element) for element in elements]

    def structure(value: object, _: object) -> tuple[Any, ...]:
        items = _items(value)
        if len(items) != len(hooks):
            raise Fault(f"expected a list of {len(hooks)}, not of {len(items)}")
        pairs = zip(items, hooks, strict=True)
        return tuple(_collect(enumerate(pairs), lambda pair: pair[1][0](pair[0], pair[1][1])))

    return structure


def mapping_hook(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    """Return the hook of a free-form mapping."""
    key_type, value_type = typing.get_args(kind) or (str, Any)
    key_hook, value_hook = converter.get_structure_hook(key_type), converter.get_structure_hook(value_type)

    def structure(value: object, _: object) -> dict[Any, Any]:
        table = read_table(value)
        keys = _collect(((key, key) for key in table), lambda key: key_hook(Text(key), key_type))
        values = _collect(table.items(), lambda item: value_hook(item, value_type))
        return dict(zip(keys, values, strict=True))

    return structure


def union_hook(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    """Return the hook of a union: the first member that takes the value."""
    # Text is tried on str last, for every text is one; null first, so that an empty text is null where null is allowed.
    ranks = {type(None): 0, bool: 1, int: 2, float: 3, str: 9}
    members = sorted(
        shape.union_members(kind), key=lambda member: ranks.get(member, 5) if inspect.isclass(member) else 5
    )
    hooks = [(converter.get_structure_hook(member), member) for member in members]

    def structure(value: object, _: object) -> Any:  # noqa: ANN401 - one of the members
        faults: list[Fault | Faults] = []
        for hook, member in hooks:
            try:
                return hook(value, member)
            except (Fault, Faults) as fault:
                if member is not type(None):
                    faults.append(fault)
        raise _best(faults, shape.union_members(kind))

    return structure


def _best(faults: list[Fault | Faults], members: tuple[Any, ...]) -> Fault | Faults:
    inner = [fault for fault in faults if isinstance(fault, Faults)]
    if len(faults) == 1 or len(inner) == 1:  # the only one that got as far as looking inside
        return (inner or faults)[0]
    names = " or ".join(getattr(member, "__name__", str(member)) for member in members if member is not type(None))
    value = faults[0].value if isinstance(faults[0], Fault) else MISSING
    return Fault(f"fits none of {names}", value)
