"""Settings from environment variables: ``ORDERS_DATABASE__POOL_SIZE=20`` sets ``database.pool_size`` of ``Kernel("orders")``.

The prefix is the kernel's name in upper case, two underscores go one level down, and names match the schema in any case. It
says what the text means: bool words, numbers, durations (``10s``), sizes (``10MiB``), lists as ``a,b``, as JSON or one by one
(``ORDERS_HOSTS__0=a``), tables as JSON. ``..._FILE`` gives the name of a file to read the value from
(``ORDERS_DATABASE__PASSWORD_FILE=/run/secrets/db``). A variable with the prefix that fits nothing is an error, but for those that
Kubernetes sets for a service named like the kernel. ``TRIVET_...`` belongs to trivet itself. No settings of its own.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import attrs

from trivet import Layer, LoadContext, Origin, Problem, Provider, hookimpl
from trivet.config.layer import ENVIRONMENT
from trivet.config.origin import Path, dotted

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource

NAME = "environment"
VALUE_FILE_BYTES = 65_536
_RESERVED = "TRIVET_"
_SERVICE_LINK = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


@attrs.define
class _Reading:
    """What is found while the variables are read."""

    data: dict[str, Any] = attrs.field(factory=dict)
    origins: dict[Path, Origin] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)
    files: list[pathlib.Path] = attrs.field(factory=list)


class Environment:
    """The environment variables with the kernel's prefix."""

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read the variables, and the files that ``_FILE`` variables name."""
        names = sorted(name for name in context.launch.environ if name.upper().startswith(context.prefix))
        found = _Reading()
        if context.prefix != _RESERVED and names:
            await anyio.to_thread.run_sync(_read_all, names, context, found)

        def locate(path: Path) -> Origin:
            around = (found.origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found.origins)
            inside = (origin for place, origin in found.origins.items() if place[: len(path)] == path)
            return next(around, None) or next(inside, None) or Origin(NAME, f"env {context.prefix}...")

        data = _with_lists(found, found.data)
        layer = Layer(
            name=NAME,
            priority=ENVIRONMENT,
            data=data,
            locate=locate,
            text=True,
            problems=tuple(found.problems),
            watch=tuple(found.files),
        )
        return [layer]


def _read_all(names: Sequence[str], context: LoadContext, found: _Reading) -> None:
    for name in names:
        origin = Origin(NAME, f"env {name}")
        try:
            _read(name, origin, context, found)
        except ValueError as exc:
            found.problems.append(Problem(str(exc), origin))


def _read(name: str, origin: Origin, context: LoadContext, found: _Reading) -> None:
    text = context.launch.environ[name]
    parts = name[len(context.prefix) :].split("__")
    path = context.schema.match(parts) if all(parts) else None
    if path is None and all(parts) and parts[-1].upper().endswith("_FILE"):
        path = context.schema.match([*parts[:-1], parts[-1][: -len("_FILE")]])
        text = _read_file(pathlib.Path(text), found) if path is not None else text
    if path is None:
        if not _SERVICE_LINK.fullmatch(name[len(context.prefix) :].upper()):
            raise ValueError(_unknown(parts, context))
        return
    _put(found, path, text, origin)


def _unknown(parts: Sequence[str], context: LoadContext) -> str:
    near = context.schema.suggest(parts)
    if near is None:
        return f"no setting is named like this; variables with {context.prefix} are read as settings, so unset or rename it"
    variable = context.prefix + near.upper().replace(".", "__")
    return f"no setting is named like this; did you mean {variable} ({near})?"


def _read_file(path: pathlib.Path, found: _Reading) -> str:
    found.files.append(path)
    try:
        with path.open("rb") as file:
            raw = file.read(VALUE_FILE_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as exc:
        raise ValueError(f"{path} cannot be read: {exc.strerror or type(exc).__name__}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if len(raw) > VALUE_FILE_BYTES:
        raise ValueError(f"{path} is larger than {VALUE_FILE_BYTES:,} bytes, too large for a value")
    return text.removesuffix("\n").removesuffix("\r")


def _put(found: _Reading, path: Path, text: str, origin: Origin) -> None:
    other = next((place for place in found.origins if place[: len(path)] == path or path[: len(place)] == place), None)
    if other is not None:
        raise ValueError(f"sets {dotted(path)}, and {found.origins[other]} sets {dotted(other)}: remove one")
    *outer, last = path
    data: dict[Any, Any] = found.data
    for part in outer:
        data = data.setdefault(part, {})
    data[last] = text
    found.origins[path] = origin


def _with_lists(found: _Reading, data: dict[Any, Any], at: Path = ()) -> Any:  # noqa: ANN401 - a tree
    """Turn ``{0: a, 1: b}`` into a list."""
    items = {
        key: _with_lists(found, value, (*at, key)) if isinstance(value, dict) else value for key, value in data.items()
    }
    if not items or not all(isinstance(key, int) for key in items):
        return items
    indices = sorted(items)
    if indices != list(range(len(indices))):
        last = next(origin for path, origin in found.origins.items() if path[: len(at) + 1] == (*at, indices[-1]))
        found.problems.append(Problem("the items of a list are numbered __0, __1, ... without a gap", last, at))
    return [items[index] for index in indices]


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/environment``."""
    return [Provider(name="environment", factory=Environment)]
