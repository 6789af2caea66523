"""The shape of a type: what may stand below it, seen through ``Optional``, ``Annotated`` and `Secret`."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Collection, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from trivet.config.strategy import STRATEGIES, is_strategy
from trivet.secret import Secret

LISTS: dict[object, type] = {
    list: list,
    MutableSequence: list,
    tuple: tuple,
    Sequence: tuple,
    Collection: tuple,
    set: set,
    frozenset: frozenset,
    AbstractSet: frozenset,
}
"""Types written as a list in configuration, and what they become. Abstract ones become immutable."""

MAPPINGS = (dict, Mapping, MutableMapping)


@attrs.frozen
class Field:
    """A field of an attrs class.

    Args:
        key: Its name in configuration: attrs's alias.
        type: Its resolved type.
        attribute: attrs's record.
    """

    key: str
    type: Any
    attribute: attrs.Attribute[Any]

    @property
    def required(self) -> bool:
        """True without a default."""
        return self.attribute.default is attrs.NOTHING

    @property
    def secret(self) -> bool:
        """True for a `Secret` anywhere in the type, or ``metadata={"secret": True}``."""
        return bool(self.attribute.metadata.get("secret")) or holds_secret(self.type)

    @property
    def merge(self) -> str | None:
        """How lists of several layers are combined, ``metadata={"merge": "append"}``; None: the strongest replaces the others."""
        return self.attribute.metadata.get("merge")


def unwrap(kind: Any) -> Any:  # noqa: ANN401 - types are of any kind
    """Strip ``Annotated``, ``NewType``, ``Final`` and ``type X = ...``."""
    while not isinstance(kind, type):
        if hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":  # of Python 3.12 and newer
            kind = kind.__value__
        elif typing.get_origin(kind) in {typing.Annotated, typing.Final}:
            kind = typing.get_args(kind)[0]
        else:
            break
    return kind


def union_members(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Return the members of a union, else the empty tuple."""
    return typing.get_args(kind) if typing.get_origin(kind) in {typing.Union, types.UnionType} else ()


def alternatives(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Return what a value of this type may be, without None, `Secret` and wrappers."""
    kind = unwrap(kind)
    if kind is Secret or typing.get_origin(kind) is Secret:
        return alternatives(next(iter(typing.get_args(kind)), Any))
    members = union_members(kind)
    if members:
        return tuple(one for member in members if member is not type(None) for one in alternatives(member))
    return (kind,)


def holds_secret(kind: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a `Secret` is anywhere in a type (not inside a nested class)."""
    kind = unwrap(kind)
    if isinstance(kind, type):  # the usual case, without looking further
        return kind is Secret
    return typing.get_origin(kind) is Secret or any(map(holds_secret, typing.get_args(kind)))


@functools.cache
def fields(cls: type) -> Mapping[str, Field]:
    """Return the fields of an attrs class by their key.

    Raises:
        TypeError: if an annotation does not resolve, or a field asks for a merge that there is not.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as exc:
        msg = f"{cls.__qualname__}: annotation {exc.name!r} does not resolve; define the class and its types at module level"
        raise TypeError(msg) from exc
    found = [Field(a.alias or a.name, hints.get(a.name, Any), a) for a in attrs.fields(cls) if a.init]
    for field in found:
        _check_merge(cls, field)
    return {field.key: field for field in found}


def _check_merge(cls: type, field: Field) -> None:
    name = f"{cls.__qualname__}.{field.attribute.name}"
    if field.merge is None:
        return
    if not is_strategy(field.merge):
        raise TypeError(f"{name}: there is no merge={field.merge!r}; there is {', '.join(STRATEGIES)}")
    if not any(map(is_list, alternatives(field.type))):
        raise TypeError(f"{name}: merge={field.merge!r} combines lists, and this field is none")


def is_class(kind: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a type is an attrs class."""
    return isinstance(kind, type) and attrs.has(kind)


def is_list(kind: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a type is written as a list."""
    return kind in LISTS or typing.get_origin(kind) in LISTS


def is_mapping(kind: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a type is a free-form mapping."""
    return kind in MAPPINGS or typing.get_origin(kind) in MAPPINGS


def below(kind: Any, key: str | int) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Return the types that may stand under a key of this type; empty where the key does not fit."""
    found: list[Any] = []
    for one in alternatives(kind):
        arguments = typing.get_args(one)
        if one is Any or one is object:
            found.append(Any)
        elif is_class(one):
            found += [fields(one)[str(key)].type] if key in fields(one) else []
        elif is_mapping(one):
            found.append(arguments[1] if len(arguments) == 2 else Any)
        elif is_list(one) and isinstance(key, int):
            by_place = typing.get_origin(one) is tuple and Ellipsis not in arguments
            found += [arguments[key if by_place else 0]] if len(arguments) > (key if by_place else 0) else [Any]
    return tuple(found)
