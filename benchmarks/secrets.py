"""Sealed files: what it costs to rotate one, and that nothing else in it changes."""

from __future__ import annotations

import pathlib
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio

from benchmarks.harness import Row, measure, within
from trivet import Kernel, KeyKeeper, KeyRing, Launch
from trivet.ciphers.manifests import Manifests, sealed_texts
from trivet_plugins.cli.sealed_file import SealedFile
from trivet_plugins.cli.secrets_rotate import rotate_file

NAME = "rotate a file of 1,000 sealed values and its manifest"
LIMIT = 0.1
ROUNDS = 15
TOKEN = re.compile(r"trivet:1:[\w-]+")


@measure(NAME)
@contextmanager
def rotate() -> Iterator[Sequence[Row]]:
    """Read, open, seal anew, sign the manifest, write with both fsyncs: one file, a new primary key each time."""
    with tempfile.TemporaryDirectory() as directory:
        found = anyio.run(rotating, pathlib.Path(directory), 1000)
    yield [within(NAME, found, LIMIT)]


async def rotating(directory: pathlib.Path, count: int) -> float:
    """Return the median of some rotations, in seconds; every other byte of the file must be as it was."""
    file, keys = directory / "bench.toml", directory / "bench.keys"
    settings = Launch(environ={}, files=[str(file)], assignments=[f"plugins.key_file.path={keys}"])
    file.write_text("")
    async with Kernel("bench", launch=settings, block=["watcher", "web"]).secured() as kernel:
        ring = kernel.service(KeyRing)
        assert isinstance(ring, KeyKeeper)
        ring.create(suite=2)
        paths = [("values", f"key_{number}") for number in range(count)]
        lines = [
            f"{path[-1]} = '{await kernel.ciphers.seal_config('a secret', path=path)}'  # a comment" for path in paths
        ]
        file.write_text("\n".join(["[values]", *lines, ""]))
        first = SealedFile.read(kernel, file)
        entries = kernel.service(Manifests).make(sealed_texts(first.source.document.data), generation=1)
        file.write_text(first.source.inserted(("plugins", "sealed", "entries"), entries))
        spent = []
        for _ in range(ROUNDS):
            await ring.rotate(delay=0)
            before = TOKEN.sub("", file.read_text()).partition("[plugins")[0]
            started = time.perf_counter()
            done = await rotate_file(SealedFile.read(kernel, file), ring.primary().id)
            spent.append(time.perf_counter() - started)
            assert done.rotated == count
            assert TOKEN.sub("", file.read_text()).partition("[plugins")[0] == before
    return statistics.median(spent)
