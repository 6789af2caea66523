"""JSON Schema of references: wherever a value may stand in a file, ``"${...}"`` or a sealed text may stand for it.

What a reference stands for is known only when the configuration loads, so to the schema it is always right.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import attrs

from trivet.config.evaluation import SEALED
from trivet.config.json_scalar import JsonSchema

NAME: Final = "reference"
"""Its name among the definitions."""

_POINTER: Final[JsonSchema] = {"$ref": f"#/$defs/{NAME}"}
_BINDS_TEXT: Final = frozenset({"pattern", "minLength", "maxLength", "enum", "const", "not"})
_ANNOTATIONS: Final = frozenset({"description", "default", "writeOnly"})


@attrs.frozen
class References:
    """Opens schemas for references.

    Args:
        schemes: Of resolvers that take a whole value, ``scheme:...``, beside that of sealed values.
    """

    schemes: Collection[str] = ()

    @property
    def pattern(self) -> str:
        """What a text with a reference matches: a ``${`` that is no ``$${``, or a scheme at the beginning."""
        schemes = "".join(f"|{re.escape(scheme)}:" for scheme in sorted(self.schemes))
        return rf"(?:^|[^$])\$\{{|^\s*(?:{re.escape(SEALED)}{schemes})"

    @property
    def definition(self) -> JsonSchema:
        """The schema of a reference."""
        text = "A reference or a sealed value; what it stands for is checked when the configuration loads."
        return {"description": text, "type": "string", "pattern": self.pattern}

    def inside(self, schema: JsonSchema) -> JsonSchema:
        """Return a schema that takes references in place of all that lies in the value, but not of the value itself."""
        found = dict(schema)
        if "properties" in found:
            found["properties"] = {name: self.open(one) for name, one in found["properties"].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(found.get(key), dict):
                found[key] = self.open(found[key])
        if "prefixItems" in found:
            found["prefixItems"] = [self.open(one) for one in found["prefixItems"]]
        for key in ("anyOf", "allOf"):
            if key in found:
                found[key] = [self.inside(one) for one in found[key]]
        return found

    def open(self, schema: JsonSchema) -> JsonSchema:
        """Return a schema that takes a reference in place of the value, too.

        Numbers, tables and lists go on to be checked one keyword at a time, so mistakes are still told where they are.
        """
        found = self.inside(schema)
        if _takes_references(found):
            return found
        flat = not found.keys() & {*_BINDS_TEXT, "anyOf"} and all(map(_takes_references, found.get("allOf", ())))
        if flat:
            return {**found, "type": [*_types(found), "string"], "pattern": self.pattern}
        if found.keys() <= {"anyOf", *_ANNOTATIONS}:
            return {**found, "anyOf": [*found["anyOf"], _POINTER]}
        kept = {key: value for key, value in found.items() if key in _ANNOTATIONS}
        return {"anyOf": [{key: value for key, value in found.items() if key not in kept}, _POINTER], **kept}


def _types(schema: JsonSchema) -> list[str]:
    kind: Any = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _takes_references(schema: JsonSchema) -> bool:
    """Tell whether nothing in a schema is against it; definitions, to which ``$ref`` leads, are open themselves."""
    if schema.keys() & _BINDS_TEXT or ("type" in schema and "string" not in _types(schema)):
        return False
    either = schema.get("anyOf")
    return all(map(_takes_references, schema.get("allOf", ()))) and (
        either is None or any(map(_takes_references, either))
    )
