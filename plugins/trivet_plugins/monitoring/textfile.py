"""Write metrics to a file for node_exporter's textfile collector, for services and jobs that nobody can scrape.

Config (``plugins.textfile``): ``path`` (ends in ``.prom``; none: nothing is written), ``interval`` in seconds (default 15),
``keep`` (default false: the file is removed when the service stops, so that old values do not look like new ones; true for
jobs, whose last values count: they are written once more at the end). Example::

    [plugins.textfile]
    path = "/var/lib/node_exporter/orders.prom"

The file is replaced in one step, so a reader sees all of an exposition or of the one before.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs

from trivet import Composition, Kernel, Provider, hookimpl
from trivet_plugins.monitoring.periodic import Periodic
from trivet_plugins.monitoring.prometheus import PrometheusText


def _prom(_instance: object, _attribute: attrs.Attribute[Any], value: Path | None) -> None:
    if value is not None and value.suffix != ".prom":
        msg = f"path must end in .prom, which is what node_exporter reads; got {value.name!r}"
        raise ValueError(msg)


@attrs.frozen
class TextfileConfig:
    """Where to write, how often, and whether the file outlives the service."""

    path: Path | None = attrs.field(default=None, validator=_prom)
    interval: float = attrs.field(default=15.0, validator=attrs.validators.gt(0))
    keep: bool = False


class Textfile:
    """Writes the file.

    Args:
        path: The file.
        periodic: Says how it goes.
    """

    def __init__(self, path: Path, periodic: Periodic) -> None:
        self.path = path
        self._periodic = periodic

    async def write(self) -> None:
        """Write all metrics.

        Raises:
            OSError: if the file cannot be written.
        """
        content = await self._periodic.exposition(PrometheusText())
        await anyio.to_thread.run_sync(replace_file, self.path, content)

    async def remove(self) -> None:
        """Remove the file, if it is there."""
        await anyio.to_thread.run_sync(lambda: self.path.unlink(missing_ok=True))


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of another in one step; everyone may read it. A crash leaves no half of it.

    Raises:
        OSError: if it cannot be written; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@asynccontextmanager
async def textfile(config: TextfileConfig, kernel: Kernel) -> AsyncIterator[Textfile | None]:
    """Write while the service runs."""
    if config.path is None:
        yield None
        return
    periodic = Periodic("textfile", kernel, config.interval)
    file = Textfile(config.path, periodic)
    async with periodic.running(file.write, file.write if config.keep else file.remove):
        yield file


@hookimpl
def register_services(composition: Composition) -> list[Provider[Textfile | None]]:
    """Offer ``service/textfile``."""
    return [Provider(name="textfile", factory=textfile, config=TextfileConfig, provides=Textfile, critical=False)]
