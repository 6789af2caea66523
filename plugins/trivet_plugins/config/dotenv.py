"""Settings from ``.env`` files: ``ORDERS_DATABASE__POOL_SIZE=20`` in ``.env``, and in ``.env.dev`` for the profile ``dev``.

They are looked for beside the base files, without one in the working directory. Names and values mean what they mean in the
environment, which is stronger: prefix, ``__``, lists, ``..._FILE``. Names without the kernel's prefix belong to others and are
left alone; one with it that fits nothing is an error. `trivet_plugins.config.dotenv_entries` says how the file is written: in the
dialect of Docker Compose, or raw, where ``Launch(dotenv_format="raw")`` says so. No settings of its own.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import attrs

from trivet import FormatError, Layer, LoadContext, Origin, Provider, hookimpl
from trivet.config.layer import DOTENV, DOTENV_PROFILE
from trivet.config.limits import LIMITS
from trivet_plugins.config.document_file import SETTLE_SECONDS, decode, is_fresh
from trivet_plugins.config.dotenv_entries import Entry, entries, raw_entries
from trivet_plugins.config.file_search import directories
from trivet_plugins.config.gathered import Gathered
from trivet_plugins.config.value_file import read_raw
from trivet_plugins.config.variables import Variable, is_ours, read_variables

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource

NAME = ".env"


@attrs.frozen
class _Place:
    path: pathlib.Path
    layer: str
    priority: int


class Dotenv:
    """The ``.env`` files of a service."""

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Find, read and parse the files, in a thread; one that is bad and was written just now is read once more."""
        layers, hasty = await anyio.to_thread.run_sync(_load, context, abandon_on_cancel=True)
        if hasty:
            await anyio.sleep(SETTLE_SECONDS)
            layers, _ = await anyio.to_thread.run_sync(_load, context, abandon_on_cancel=True)
        return layers


def _load(context: LoadContext) -> tuple[list[Layer], bool]:
    places = [*_places(context)]
    watch = [place.path for place in places]
    layers: list[Layer] = []
    hasty = False
    for place in places:
        if _is_there(place.path):
            layers.append(_layer(place, context))
            hasty = hasty or (bool(layers[-1].problems) and is_fresh(place.path))
    nothing = Gathered(NAME, NAME).as_layer(DOTENV)
    first, *others = layers or [nothing]
    return [attrs.evolve(first, watch=(*watch, *first.watch)), *others], hasty


def _places(context: LoadContext) -> Iterator[_Place]:
    profile = context.launch.active_profile()
    for directory in directories(context):
        path = directory / NAME
        yield _Place(path, str(path), DOTENV)
        if profile:
            path = directory / f"{NAME}.{profile}"
            yield _Place(path, str(path), DOTENV_PROFILE)


def _is_there(path: pathlib.Path) -> bool:
    """Tell whether a file is there, if only a link that leads nowhere; virtual environments are called ``.env`` too."""
    return (path.exists() or path.is_symlink()) and not path.is_dir()


def _layer(place: _Place, context: LoadContext) -> Layer:
    found = Gathered(place.layer, str(place.path))
    try:
        text = decode(read_raw(place.path, LIMITS.file_bytes).content)
    except FormatError as exc:
        found.refuse(str(exc), Origin(place.layer, str(place.path), exc.line, exc.column))
    except ValueError as exc:
        found.refuse(str(exc), Origin(place.layer, str(place.path)))
    else:
        read_variables(_variables(text, place, context, found), context, found)
    return found.as_layer(place.priority)


def _variables(text: str, place: _Place, context: LoadContext, found: Gathered) -> Sequence[Variable]:
    """Return the variables that are ours; of those with one name the last, as wherever ``.env`` files are read."""
    ours: dict[str, Variable] = {}
    read = raw_entries if context.launch.dotenv_format == "raw" else entries
    for entry in read(text):
        origin = Origin(place.layer, str(place.path), entry.line, entry.column)
        if entry.refusal:
            if _concerns(entry, context):
                found.refuse(entry.refusal, origin)
        elif is_ours(entry.name, context):
            ours.pop(entry.name.upper(), None)
            ours[entry.name.upper()] = Variable(entry.name, entry.text, entry.setting, origin)
    return [*ours.values()]


def _concerns(entry: Entry, context: LoadContext) -> bool:
    """Tell whether a bad line may have been meant for us: other readers' dialects have more to write under their names."""
    return entry.runs_on or not entry.name or is_ours(entry.name, context)


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/dotenv``."""
    return [Provider(name="dotenv", factory=Dotenv)]
