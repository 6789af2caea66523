"""Settings from files: a base file, drop-ins beside it, the file of the profile, and what these include.

``--config FILE`` names base files. Without it the first of ``./``, ``$XDG_CONFIG_HOME/<name>`` and ``/etc/<name>`` that has
``<name>.toml``, ``.yaml``, ``.yml`` or ``.json`` gives it. From weak to strong: the base file, ``conf.d/*`` beside it in the
order of names, ``<name>.<profile>.toml`` beside it. In ``conf.d`` dot files and files of no configuration format (``README``,
``x.bak``) are left alone, but ``.ini``, ``.conf`` and the like are refused: nobody puts them there to have them ignored.

Any of them may name others to read below it, by a key at its top: see `trivet_plugins.config.include`. No settings of its own::

    include = ["common.toml", "regions/*.toml"]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import attrs

from trivet import Layer, LoadContext, Origin, Provider, hookimpl
from trivet_plugins.config.document_file import SETTLE_SECONDS
from trivet_plugins.config.file_reading import Parsed, Reading
from trivet_plugins.config.file_search import search

if TYPE_CHECKING:
    import pathlib

    from trivet import Composition, ConfigSource
    from trivet.config.origin import Path


class Files:
    """Configuration files. Keeps what it parsed, so that a reload parses only what changed."""

    def __init__(self) -> None:
        self._parsed: dict[pathlib.Path, Parsed] = {}

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Find, read and parse all files, in a thread."""
        layers, hasty = await anyio.to_thread.run_sync(self._load, context, abandon_on_cancel=True)
        if hasty:
            await anyio.sleep(SETTLE_SECONDS)
            layers, _ = await anyio.to_thread.run_sync(self._load, context, abandon_on_cancel=True)
        return layers

    def _load(self, context: LoadContext) -> tuple[list[Layer], bool]:
        found = search(context)
        reading = Reading(context, self._parsed)
        for wanted in found.files:
            reading.add(wanted)
        self._parsed = reading.parsed
        first, *others = reading.layers or [Layer(name="files", priority=0, data={}, locate=_nowhere)]
        return [attrs.evolve(first, watch=(*found.watch, *reading.watch)), *others], reading.hasty


def _nowhere(_path: Path) -> Origin:
    return Origin("files", "no file")


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/files``."""
    return [Provider(name="files", factory=Files)]
