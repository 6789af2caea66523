"""JSON Schema (2020-12) of the bound sections: what editors complete from, and what pipelines check files against."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from trivet.config import docstring, shape
from trivet.config.effective import plain
from trivet.config.json_constraint import conjunction, constraint
from trivet.config.json_reference import NAME, References
from trivet.config.json_scalar import SCALARS, JsonSchema, is_json, key_schema, scalar_schema
from trivet.config.origin import Path
from trivet.config.redaction import sounds_secret
from trivet.config.schema import PluginLists, Schema
from trivet.secret import MASK, Secret

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_CONTAINERS = frozenset({"items", "propertyNames", "additionalProperties", "anyOf", "allOf", "$ref", "enum", "type"})

_WRITABLE = tuple(kind for kind in SCALARS if isinstance(kind, type))


_INCLUDE: JsonSchema = {
    "description": "Files to read below this one, by names or patterns relative to it.",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}],
}


def json_schema(
    name: str, schema: Schema, *, partial: bool = False, include_key: str = "", schemes: Collection[str] = ()
) -> JsonSchema:
    """Return the schema of a whole configuration, as files write it.

    Args:
        name: The kernel's name.
        schema: The bound sections.
        partial: Leave ``required`` out: for a file that is merged with others.
        include_key: The key by which a file includes others; see `trivet.Launch`.
        schemes: Of resolvers that take a whole value; see `References`.
    """
    types, references = Types(partial=partial), References(schemes)
    types.definitions[NAME] = {}  # taken
    whole = references.inside(_table((), schema, types))
    definitions = {key: references.open(one) for key, one in types.definitions.items() if key != NAME}
    if include_key:
        section = whole["properties"].get(include_key)
        either = {"anyOf": [section, _INCLUDE]} if section is not None else _INCLUDE
        whole["properties"] = {**whole["properties"], include_key: either}
    return {
        "$schema": DIALECT,
        "title": f"Configuration of {name}",
        **whole,
        "$defs": {**dict(sorted(definitions.items())), NAME: references.definition},
    }


def _table(path: Path, schema: Schema, types: Types) -> JsonSchema:
    properties: dict[str, JsonSchema] = {}
    required: list[str] = []
    for key in schema.keys(path) or ():
        inner = (*path, key)
        if inner in schema.sections:
            cls = schema.sections[inner]  # type: ignore[index]  # it was just found
            properties[key] = types.of(cls)
            demands = any(field.required for field in shape.fields(cls).values())
        elif schema.is_inner(inner):
            properties[key] = _table(inner, schema, types)
            demands = "required" in properties[key]
        else:
            properties[key] = types.field(PluginLists, shape.fields(PluginLists)[key])
            demands = False
        required += [key] if demands and not types.partial else []
    table = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**table, "required": required} if required else table


class Types:
    """Makes schemas of types; classes become definitions that are made once.

    Args:
        partial: See `json_schema`.
    """

    def __init__(self, *, partial: bool = False) -> None:
        self.partial = partial
        self.definitions: dict[str, JsonSchema] = {}
        self._names: dict[type, str] = {}

    def of(self, kind: Any) -> JsonSchema:  # noqa: ANN401 - types are of any kind
        """Return the schema of a type. Of a type that configuration does not know it says nothing."""
        kind = shape.unwrap(kind)
        scalar = scalar_schema(kind)
        members = shape.union_members(kind)
        if scalar is not None:
            return scalar
        if members:
            return {"anyOf": [self.of(member) for member in members]}
        if kind is Secret or typing.get_origin(kind) is Secret:
            return {**self.of(next(iter(typing.get_args(kind)), Any)), "writeOnly": True}
        if shape.is_class(kind):
            return {"$ref": f"#/$defs/{self._define(kind)}"}
        if shape.is_list(kind):
            return self._list(kind)
        return self._mapping(kind) if shape.is_mapping(kind) else {}

    def _list(self, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
        arguments = typing.get_args(kind)
        if typing.get_origin(kind) is tuple and Ellipsis not in arguments:
            items = [self.of(one) for one in arguments]
            return {
                "type": "array",
                **({"prefixItems": items} if items else {}),
                "items": False,
                "minItems": len(items),
            }
        element = self.of(arguments[0]) if arguments else {}
        return {"type": "array", **({"items": element} if element else {})}

    def _mapping(self, kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
        key_type, value_type = typing.get_args(kind) or (str, Any)
        keys, values = key_schema(shape.unwrap(key_type)), self.of(value_type)
        found: JsonSchema = {"type": "object", "propertyNames": keys, "additionalProperties": values}
        return {key: value for key, value in found.items() if value != {}}

    def _define(self, cls: type) -> str:
        if cls not in self._names:
            self._names[cls] = name = self._free_name(cls)
            self.definitions[name] = {}  # taken, before a class that holds itself comes back here
            self.definitions[name] = self._class(cls)
        return self._names[cls]

    def _free_name(self, cls: type) -> str:
        names = [cls.__name__, f"{cls.__module__}.{cls.__qualname__}"]
        names = [re.sub(r"[^\w.-]", "_", name, flags=re.ASCII) for name in names]
        numbered = (f"{names[1]}-{number}" for number in range(2, len(self.definitions) + 3))
        return next(name for name in (*names, *numbered) if name not in self.definitions)

    def _class(self, cls: type) -> JsonSchema:
        fields = shape.fields(cls)
        found: JsonSchema = {"type": "object"}
        if text := docstring.summary(cls):
            found["description"] = text
        found["properties"] = {key: self.field(cls, field) for key, field in fields.items()}
        found["additionalProperties"] = False
        required = [key for key, field in fields.items() if field.required]
        return {**found, "required": required} if required and not self.partial else found

    def field(self, cls: type, field: shape.Field) -> JsonSchema:
        """Return the schema of a field: its type, what its validators ask for, its description and its default."""
        found = _narrowed(self.of(field.type), field)
        text = field.attribute.metadata.get("description") or docstring.arguments(cls).get(field.attribute.name)
        if text:
            found["description"] = str(text)
        if is_secret(field):
            found["writeOnly"] = True
        elif not field.required:
            found |= _default(field)
        return found


def is_secret(field: shape.Field) -> bool:
    """Tell whether a field's value is masked wherever it is shown."""
    named = sounds_secret(field.key) and not any(
        shape.is_class(one) or shape.is_mapping(one) for one in shape.alternatives(field.type)
    )
    return field.secret or named


def _narrowed(found: JsonSchema, field: shape.Field) -> JsonSchema:
    if field.attribute.converter is not None:  # validators see what the converter made of the value
        return dict(found)
    asked = constraint(field.attribute.validator, field.type)
    if not asked:
        return dict(found)
    if asked.keys() & (_CONTAINERS | found.keys()) or found.keys() & {"$ref", "anyOf"}:
        return {**found, "allOf": [asked]}
    return conjunction([found, asked])


def _default(field: shape.Field) -> JsonSchema:
    """Return the default as files would write it; nothing where that is not known without running foreign code."""
    default: Any = field.attribute.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        if not isinstance(default.factory, type):
            return {}
        try:
            default = default.factory()
        except (TypeError, ValueError):  # a class whose fields are all to be given
            return {}
    hidden: list[Path] = []

    def hide(path: Path, _value: object) -> str:
        hidden.append(path)
        return MASK

    if not _is_writable(default):
        return {}
    written = plain(default, (field.key,), frozenset(), hide)
    return {} if hidden else {"default": written}


def _is_writable(value: object) -> bool:
    cls: Any = type(value)
    if isinstance(value, Mapping):
        return all(map(_is_writable, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_writable, value))
    if shape.is_class(cls):
        return all(_is_writable(getattr(value, field.attribute.name)) for field in shape.fields(cls).values())
    if isinstance(value, float):
        return is_json(value)
    # A secret is found out, and left out, by what writes it; an enum is written by value or by name.
    return value is None or isinstance(value, (Secret, enum.Enum, *_WRITABLE))
