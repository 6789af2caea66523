"""`Remembered`: the layers of a good configuration, in a form that JSON can hold."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

import attrs

from trivet.config.layer import DELETE, Layer
from trivet.config.origin import Origin, Path

_PLAIN: Final = (str, int, float, bool, type(None))
_DATES: Final[Mapping[str, type[datetime | date | time]]] = {"datetime": datetime, "date": date, "time": time}


@attrs.frozen(eq=False)
class Remembered:
    """What the sources of a good configuration gave.

    Args:
        saved: Seconds since the epoch.
        sources: Layers by source.
    """

    saved: float
    sources: Mapping[str, Sequence[Layer]]

    def dump(self) -> dict[str, Any]:
        """Return what `load` reads: with the places of all values. Blocks.

        Raises:
            ValueError: if a value is of a type that cannot be written down; says where it stands.
        """
        return {
            "saved": self.saved,
            "sources": {name: [_dump(layer) for layer in layers] for name, layers in self.sources.items()},
        }

    @classmethod
    def load(cls, data: Any) -> Remembered:  # noqa: ANN401 - JSON is of any type
        """Read what `dump` gave. The origins of the layers say that, and of when, they are.

        Raises:
            LookupError, TypeError, ValueError: if it is anything else.
        """
        saved = float(data["saved"])
        note = f"last known good, {utc(saved)}"
        sources = {name: tuple(_load(layer, note) for layer in layers) for name, layers in data["sources"].items()}
        return cls(saved, sources)


def with_note(layer: Layer, saved: float) -> Layer:
    """Return a layer whose origins say that they are the last known good ones, and of when; one that says so already as it is."""
    if layer.locate(()).note is not None:
        return layer
    note = f"last known good, {utc(saved)}"
    return attrs.evolve(layer, locate=lambda path: attrs.evolve(layer.locate(path), note=note))


def utc(seconds: float) -> str:
    """Return a time in ISO 8601, in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _dump(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "priority": layer.priority,
        "text": layer.text,
        "secret": layer.secret,
        "watch": [str(path) for path in layer.watch],
        "data": _tagged(layer.data, ()),
        "remote": layer.remote,
        "origins": [[path, _place(layer.locate(path))] for path in _places(layer.data, ())],
    }


def _load(data: Any, note: str) -> Layer:  # noqa: ANN401 - as above
    tree = _untagged(data["data"])
    if not isinstance(tree, dict):
        raise TypeError("a layer is a table")
    return Layer(
        name=str(data["name"]),
        priority=int(data["priority"]),
        data=tree,
        locate=_locator(str(data["name"]), {tuple(path): place for path, place in data["origins"]}, note),
        text=bool(data["text"]),
        secret=bool(data["secret"]),
        remote=bool(data["remote"]),
        watch=tuple(map(pathlib.Path, data["watch"])),
    )


def _place(origin: Origin) -> list[str | int | None]:
    return [origin.layer, origin.source, origin.line, origin.column, origin.revision]


def _locator(layer: str, places: Mapping[Path, Sequence[Any]], note: str) -> Callable[[Path], Origin]:
    origins = {path: attrs.evolve(Origin(*place), note=note) for path, place in places.items()}
    unknown = Origin(layer, layer, note=note)

    def locate(path: Path) -> Origin:
        return next((origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins), unknown)

    return locate


def _places(value: Any, at: Path) -> Iterator[Path]:  # noqa: ANN401 - as above
    if at:
        yield at
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _places(item, (*at, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _places(item, (*at, index))


def _tagged(value: Any, at: Path) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, Mapping):
        return {"table": {key: _tagged(item, (*at, key)) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [_tagged(item, (*at, index)) for index, item in enumerate(value)]
    if type(value) in _PLAIN:
        return value
    if value is DELETE:
        return {"delete": True}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    for tag, kind in _DATES.items():
        if type(value) is kind:
            return {tag: value.isoformat()}
    from trivet.config.origin import dotted

    raise ValueError(f"{dotted(at)}: a {type(value).__qualname__} cannot be written down")


def _untagged(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "table":
        return {key: _untagged(item) for key, item in content.items()}
    if tag == "bytes":
        return base64.b64decode(content, validate=True)
    return DELETE if tag == "delete" else _DATES[tag].fromisoformat(content)
