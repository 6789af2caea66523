"""Saved histories: what stands in the frames of a file.

``h``: JSON with ``kernel``, the byte order of all numbers, and when it was saved. ``s``: JSON, some series. ``g``: step and times
of a generation. ``p``: payloads of the generation before: how many, the numbers of their series in the order of the file, their
lengths, and they themselves, one after the other.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
import sys
from array import array
from typing import TYPE_CHECKING, BinaryIO, Final

from trivet_plugins.monitoring.history.frames import END, MAGIC, DamagedError, frame, read_frames
from trivet_plugins.monitoring.history.generation import Generation
from trivet_plugins.monitoring.history.payload import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trivet_plugins.monitoring.history.shelf import Series, Shelf

PIECE: Final = 1_000
"""Series or payloads of a frame: about a millisecond."""

_STEP: Final = struct.Struct("<d")
_COUNT: Final = struct.Struct("<I")


def write(generations: Iterable[Generation], *, kernel: str, now: float) -> Iterator[bytes]:
    """Yield a file in pieces that are made quickly.

    Args:
        generations: In the order of their times.
        kernel: Whose history it is.
        now: The present time.
    """
    yield MAGIC + frame(b"h", json.dumps({"kernel": kernel, "byteorder": sys.byteorder, "saved": now}).encode())
    numbers: dict[Series, int] = {}
    for one in generations:
        yield frame(b"g", _STEP.pack(one.step) + one.times.tobytes())
        entries = list(one.payloads.items())
        for start in range(0, len(entries), PIECE):
            piece = dict(entries[start : start + PIECE])
            if unknown := [series for series in piece if series not in numbers]:
                numbers.update(zip(unknown, itertools.count(len(numbers))))
                yield frame(b"s", json.dumps([_row(series) for series in unknown]).encode())
            yield frame(b"p", _packed([numbers[series] for series in piece], list(piece.values())))
    yield frame(END, b"")


def _row(series: Series) -> tuple[object, ...]:
    return series.name, series.kind, series.label_names, series.label_values, series.family


def _packed(numbers: list[int], payloads: list[bytes]) -> bytes:
    lengths = array("I", map(len, payloads))
    return b"".join([_COUNT.pack(len(payloads)), array("I", numbers).tobytes(), lengths.tobytes(), *payloads])


def read(file: BinaryIO, shelf: Shelf, *, kernel: str, latest: float) -> list[Generation]:
    """Return what `write` has written.

    Args:
        file: Of it.
        shelf: Takes the series; what it has no room for is left out.
        kernel: Whose history it must be.
        latest: No sample is later than that.

    Raises:
        DamagedError: if it is not as `write` made it, or another kernel's.
    """
    try:
        return _Reading(shelf, kernel, latest).read(file)
    except (ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError) as exc:
        raise exc if isinstance(exc, DamagedError) else DamagedError(f"its content makes no sense: {exc}") from None


class _Reading:
    def __init__(self, shelf: Shelf, kernel: str, latest: float) -> None:
        self._shelf, self._kernel, self._latest = shelf, kernel, latest
        self._series: list[Series | None] = []
        self._generations: list[Generation] = []

    def read(self, file: BinaryIO) -> list[Generation]:
        kinds = {b"s": self._take_series, b"g": self._take_times, b"p": self._take_payloads}
        frames = read_frames(file)
        self._check_head(*next(frames, (b"", b"")))
        for kind, content in frames:
            kinds[kind](content)
        return self._generations

    def _check_head(self, kind: bytes, content: bytes) -> None:
        head = json.loads(content) if kind == b"h" else {}
        if head.get("kernel") != self._kernel:
            raise DamagedError(f"it is of another kernel, {head.get('kernel')!r}")
        if head.get("byteorder") != sys.byteorder:
            raise DamagedError("it is of a machine with another byte order")

    def _take_series(self, content: bytes) -> None:
        for name, kind, names, values, family in json.loads(content):
            texts = (name, kind, family, *names, *values)
            if not all(isinstance(text, str) for text in texts) or len(names) != len(values):
                raise DamagedError("a series in it has no name")
            self._series.append(self._shelf.take((name, tuple(names), tuple(values)), kind, family))

    def _take_times(self, content: bytes) -> None:
        times = array("d", content[_STEP.size :])
        (step,) = _STEP.unpack_from(content)
        before = self._generations[-1].times[-1] if self._generations else 0.0
        if not times or any(one >= other for one, other in itertools.pairwise([before, *times])):
            raise DamagedError("times in it do not rise")
        if not times[-1] <= self._latest or not 0 <= step < math.inf:
            raise DamagedError("times in it are in the future: the clock was set back since")
        self._generations.append(Generation(step, times))

    def _take_payloads(self, content: bytes) -> None:
        (count,) = _COUNT.unpack_from(content)
        table = array("I", content[_COUNT.size : _COUNT.size + 2 * count * 4])
        at, one = _COUNT.size + 2 * count * 4, self._generations[-1]
        for number, length in zip(table[:count], table[count:], strict=True):
            payload = content[at : at + length]
            at += length
            series = self._series[number]
            if series is not None:
                decode(payload, one.tracks(series) * len(one.times))
                one.put(series, payload)
        if at != len(content):
            raise DamagedError("payloads in it are cut off")
