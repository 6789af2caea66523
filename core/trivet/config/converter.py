"""The converter: from trees to attrs objects, through cattrs, with strict hooks in place of its silent coercions.

Two tiers. The fast one runs cattrs's generated code and stops at the first fault, which says nothing; only then the detailed
one walks the fields by hand and collects every fault with its path. Both share all hooks but those of classes.
"""

from __future__ import annotations

import difflib
import enum
import inspect
import pathlib
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from trivet.config import coercion, scalar, shape
from trivet.config.fault import Fault, Faults, MissingKey, UnknownKey
from trivet.config.isolation import construct, validate
from trivet.config.tree import MISSING, Text
from trivet.secret import Secret

if TYPE_CHECKING:
    from cattrs import Converter

Hook = Callable[[Any, Any], Any]
Factory = Callable[[Any, "Converter"], Hook]


def make_converter(*, detailed: bool) -> Converter:
    """Make a converter. Importing cattrs takes a while, so this is called when the first section is structured.

    Args:
        detailed: Which tier.
    """
    from cattrs import Converter

    converter = Converter(detailed_validation=False, forbid_extra_keys=True)
    factories: list[tuple[Callable[[Any], bool], Factory]] = [
        (shape.is_class, _detailed_class if detailed else _fast_class),
        (shape.is_list, _list),
        (shape.is_mapping, _mapping),
        (_is_enum, lambda kind, _: _plain(scalar.enum_reader(kind))),
        (lambda kind: typing.get_origin(kind) is typing.Literal, lambda kind, _: _plain(scalar.literal_reader(kind))),
        (lambda kind: bool(shape.union_members(kind)), _union),
        (lambda kind: kind is Secret or typing.get_origin(kind) is Secret, _secret),
        (_is_wrapped, lambda kind, conv: _hook(shape.unwrap(kind), conv)),
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


def _plain(read: scalar.Reader) -> Hook:
    return lambda value, _: read(value)


def _hook(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    from cattrs.errors import StructureHandlerNotFoundError

    try:
        return converter.get_structure_hook(kind)
    except StructureHandlerNotFoundError:
        name = getattr(kind, "__name__", kind)

        def refuse(_value: object, _kind: object) -> NoReturn:
            raise Fault(f"values of the type {name} cannot be read from configuration; give the field another type")

        return refuse


def _table(value: object) -> Mapping[str, Any]:
    if type(value) is dict:
        return value
    if isinstance(value, Text):
        table: dict[str, Any] = coercion.to_json(value, dict, "a table")
        return table
    if isinstance(value, Mapping):
        return value
    raise scalar.wrong("a table", value)


def _fast_class(cls: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    from cattrs import override
    from cattrs.gen import make_dict_structure_fn

    # cattrs passes ``Any`` and bare fields through without asking for a hook, text included.
    loose = {
        field.attribute.name: override(struct_hook=_plain(scalar.read_any))
        for field in shape.fields(cls).values()
        if field.type in {Any, None}
    }
    structure = make_dict_structure_fn(
        cls,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=False,
        _cattrs_use_alias=True,
        **loose,  # type: ignore[arg-type]  # keywords are overrides by attribute name
    )
    return lambda value, kind: structure(_table(value), kind)


def _detailed_class(cls: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    fields = shape.fields(cls)

    def structure(value: object, _: object) -> Any:  # noqa: ANN401 - an instance of cls
        table = _table(value)
        arguments: dict[str, Any] = {}
        faults: list[tuple[str | int, Fault | Faults]] = [
            (key, UnknownKey("unknown key", hint=near(key, fields))) for key in table if key not in fields
        ]
        for key, field in fields.items():
            if key in table:
                try:
                    arguments[key] = _hook(field.type, converter)(table[key], field.type)
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


def _list(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    arguments = typing.get_args(kind)
    make = shape.LISTS[typing.get_origin(kind) or kind]
    if make is tuple and arguments and Ellipsis not in arguments:
        return _fixed(arguments, converter)
    element = arguments[0] if arguments else Any
    hook = _hook(element, converter)
    return lambda value, _: make(_collect(enumerate(_items(value)), lambda item: hook(item, element)))


def _fixed(elements: tuple[Any, ...], converter: Converter) -> Hook:
    hooks = [(_hook(element, converter), element) for element in elements]

    def structure(value: object, _: object) -> tuple[Any, ...]:
        items = _items(value)
        if len(items) != len(hooks):
            raise Fault(f"expected a list of {len(hooks)}, not of {len(items)}")
        pairs = zip(items, hooks, strict=True)
        return tuple(_collect(enumerate(pairs), lambda pair: pair[1][0](pair[0], pair[1][1])))

    return structure


def _mapping(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    key_type, value_type = typing.get_args(kind) or (str, Any)
    key_hook, value_hook = _hook(key_type, converter), _hook(value_type, converter)

    def structure(value: object, _: object) -> dict[Any, Any]:
        table = _table(value)
        keys = _collect(((key, key) for key in table), lambda key: key_hook(Text(key), key_type))
        values = _collect(table.items(), lambda item: value_hook(item, value_type))
        return dict(zip(keys, values, strict=True))

    return structure


def _secret(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    inner = next(iter(typing.get_args(kind)), Any)
    hook = _hook(inner, converter)
    return lambda value, _: value if isinstance(value, Secret) else Secret(hook(value, inner))


def _union(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - as above
    # Text is tried on str last, for every text is one; null first, so that an empty text is null where null is allowed.
    ranks = {type(None): 0, bool: 1, int: 2, float: 3, str: 9}
    members = sorted(
        shape.union_members(kind), key=lambda member: ranks.get(member, 5) if inspect.isclass(member) else 5
    )
    hooks = [(_hook(member, converter), member) for member in members]

    def structure(value: object, _: object) -> Any:  # noqa: ANN401 - one of the members
        faults: list[Fault | Faults] = []
        for hook, member in hooks:
            try:
                return hook(value, member)
            except (Fault, Faults) as fault:
                if member is not type(None):
                    faults.append(fault)
        raise _best(faults, members)

    return structure


def _best(faults: list[Fault | Faults], members: list[Any]) -> Fault | Faults:
    inner = [fault for fault in faults if isinstance(fault, Faults)]
    if len(faults) == 1 or len(inner) == 1:  # the only one that got as far as looking inside
        return (inner or faults)[0]
    names = " or ".join(getattr(member, "__name__", str(member)) for member in members if member is not type(None))
    value = faults[0].value if isinstance(faults[0], Fault) else MISSING
    return Fault(f"fits none of {names}", value)
