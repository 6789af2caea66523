"""JSON Schema of attrs validators: each becomes the keyword that says the same, or one that says less, or none."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Callable, Iterable
from typing import Any

from trivet.config import shape
from trivet.config.json_scalar import JsonSchema, is_json

_MAX_CHOICES = 256  # of a range that is written out
_NUMBERS = frozenset({int, float})
_BOUNDS = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
_FLAT = frozenset({bool, int, float, type(None)})  # types of scalars that no file writes as a string
_ALWAYS = frozenset({"type", "enum", "anyOf", "allOf"})  # keywords that bind null too
_PYTHON_ONLY = re.compile(r"\(\?[P#aiLmsux>(]|\\[AZ]|[*+?}]\+")  # what ECMA 262 reads in another way, or not at all
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def constraint(validator: object, kind: Any) -> JsonSchema:  # noqa: ANN401 - types are of any kind
    """Return what a validator asks for, as a schema; empty where JSON Schema cannot say it, or this does not know it.

    What it returns may be weaker than the validator, never stronger.

    Args:
        validator: One of `attrs.validators`; anything else says nothing.
        kind: The type of the values that it is for.
    """
    make = _MAKERS.get(type(validator).__name__) if type(validator).__module__.startswith("attr.") else None
    return make(validator, kind) if make is not None and not shape.holds_secret(kind) else {}


def conjunction(parts: Iterable[JsonSchema]) -> JsonSchema:
    """Return a schema that asks for all of some."""
    asked = [part for part in parts if part]
    keys = [key for part in asked for key in part]
    if len(keys) == len(set(keys)):
        return {key: value for part in asked for key, value in part.items()}
    return {"allOf": asked}


def _members(kind: Any) -> frozenset[Any]:  # noqa: ANN401 - as above
    found = set(shape.alternatives(kind))
    return frozenset(found | {type(None)} if _takes_null(kind) else found)


def _takes_null(kind: Any) -> bool:  # noqa: ANN401 - as above
    kind = shape.unwrap(kind)
    return kind is None or kind is type(None) or any(map(_takes_null, shape.union_members(kind)))


def _number(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - attrs keeps the class to itself
    members = _members(kind)
    if type(validator.bound) not in _NUMBERS or not is_json(validator.bound) or not members & {*_NUMBERS, Any}:
        return {}
    found = {_BOUNDS[validator.compare_op]: validator.bound}
    others = members - _NUMBERS
    return {"type": "number", **found} if others and others <= {str, type(None)} else found


def _length(name: str, validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    members, bound = _members(kind), validator.min_length if name == "min" else validator.max_length
    found: JsonSchema = {}
    types: set[str] = set()
    for member in members:
        if member is str:
            found[f"{name}Length"] = bound
            types.add("string")
        elif shape.is_list(member):
            types.add("array")
            if name == "min" or not _is_set(member):  # of what comes twice, a set keeps one
                found[f"{name}Items"] = bound
        elif shape.is_mapping(member):
            found[f"{name}Properties"] = bound
            types.add("object")
        elif member not in _FLAT:
            return {}
    return {"type": sorted(types), **found} if found and members & _FLAT else found


def _is_set(kind: Any) -> bool:  # noqa: ANN401 - types are of any kind
    return shape.LISTS[typing.get_origin(kind) or kind] in {set, frozenset}


def _choices(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - attrs keeps the class to itself
    options, members = validator.options, _members(kind)
    if isinstance(options, str) or (isinstance(options, range) and len(options) > _MAX_CHOICES):
        return {}
    values = sorted(options, key=repr) if isinstance(options, (set, frozenset)) else list(options)
    members_of_enum = [value for value in values if isinstance(value, enum.Enum)]
    if len(members_of_enum) == len(values) and len(members) == 1 and _is_enum(next(iter(members))):
        texts: list[object] = [text for one in members_of_enum for text in (one.value, one.name)]
        return {"enum": list(dict.fromkeys(filter(is_json, texts)))}
    # Python calls 1 and True equal, JSON Schema does not.
    mixed = bool in {*map(type, values), *members} and bool({*map(type, values), *members} & _NUMBERS)
    if mixed or not members <= {*_FLAT, str} or not all(map(is_json, values)):
        return {}
    return {"enum": values}


def _is_enum(kind: Any) -> bool:  # noqa: ANN401 - types are of any kind
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _regular(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - attrs keeps the class to itself
    pattern: re.Pattern[Any] = validator.pattern
    members = _members(kind)
    text = pattern.pattern
    plain = isinstance(text, str) and pattern.flags == re.UNICODE
    if not plain or str not in members or not members <= {*_FLAT, str} or _PYTHON_ONLY.search(text):
        return {}
    text = {"search": text, "match": f"^(?:{text})"}.get(validator.match_func.__name__, rf"^(?:{text})$(?!\n)")
    return {"type": "string", "pattern": text} if len(members) > 1 else {"pattern": text}


def _optional(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - attrs keeps the class to itself
    inner = constraint(validator.validator, typing.Union[shape.alternatives(kind)])  # noqa: UP007 - not known before
    return {"anyOf": [{"type": "null"}, inner]} if inner.keys() & _ALWAYS else inner


def _either(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    parts = [constraint(one, kind) for one in validator.validators]
    return {"anyOf": parts} if all(parts) else {}


def _instance(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    members = _members(kind)
    wanted = validator.type if isinstance(validator.type, tuple) else (validator.type,)
    is_open = members <= {Any, object}
    if not (is_open or (len(members) > 1 and members <= _TYPES.keys())) or not all(one in _TYPES for one in wanted):
        return {}
    names = {_TYPES[one] for one in wanted}
    return {"type": sorted(names | {"boolean"} if int in wanted and (is_open or bool in members) else names)}


def _deep_list(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    members = shape.alternatives(kind)
    if not all(map(shape.is_list, members)):
        return {}
    element = (typing.get_args(members[0]) or (Any,))[0] if len(members) == 1 else Any
    by_place = typing.get_origin(members[0]) is tuple and Ellipsis not in typing.get_args(members[0])
    item = constraint(validator.member_validator, Any if by_place else element)
    return conjunction([{"items": item} if item else {}, constraint(validator.iterable_validator, kind)])


def _deep_table(validator: Any, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    members = shape.alternatives(kind)
    if len(members) != 1 or not shape.is_mapping(members[0]):
        return {}
    key_kind, value_kind = typing.get_args(members[0]) or (str, Any)
    key = constraint(validator.key_validator, str) if key_kind is str else {}
    value = constraint(validator.value_validator, value_kind)
    found = {"propertyNames": key, "additionalProperties": value}
    whole = constraint(validator.mapping_validator, kind)
    return conjunction([{name: part for name, part in found.items() if part}, whole])


_MAKERS: dict[str, Callable[[Any, Any], JsonSchema]] = {
    "_NumberValidator": _number,
    "_MinLengthValidator": lambda validator, kind: _length("min", validator, kind),
    "_MaxLengthValidator": lambda validator, kind: _length("max", validator, kind),
    "_InValidator": _choices,
    "_MatchesReValidator": _regular,
    "_OptionalValidator": _optional,
    "_AndValidator": lambda validator, kind: conjunction(constraint(one, kind) for one in validator._validators),  # noqa: SLF001 - attrs gives no other way
    "_OrValidator": _either,
    "_InstanceOfValidator": _instance,
    "_DeepIterable": _deep_list,
    "_DeepMapping": _deep_table,
}
