"""`Streaming`: seal and open data of any length in constant memory, from any async source of bytes to any async target."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias, runtime_checkable

import anyio.lowlevel

from trivet.ciphers.binding import bind
from trivet.ciphers.stream import HEADER_BYTES, SEGMENT_BYTES, StreamError, StreamHeader, StreamOpener, StreamSealer
from trivet.errors import SealError

if TYPE_CHECKING:
    from trivet.ciphers.contracts import Key
    from trivet.ciphers.operation import Operation
    from trivet.ciphers.suite import Suite
    from trivet.config.origin import Path


@runtime_checkable
class AsyncReader(Protocol):
    """Gives bytes when asked: `anyio.AsyncFile` in binary mode, `asyncio.StreamReader`."""

    async def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


@runtime_checkable
class AsyncWriter(Protocol):
    """Takes bytes: `anyio.AsyncFile` in binary mode."""

    async def write(self, data: bytes, /) -> object:
        """Take all of them."""
        ...


@runtime_checkable
class AsyncSender(Protocol):
    """Takes bytes: every `anyio.abc.ByteSendStream`."""

    async def send(self, item: bytes, /) -> object:
        """Take all of them."""
        ...


Source: TypeAlias = AsyncReader | AsyncIterable[bytes]
Target: TypeAlias = AsyncWriter | AsyncSender

_STEP: Final = (
    4 * SEGMENT_BYTES
)  # sealed in one go: below a millisecond, and enough to make a hop to a thread worth while
_DOES_NOT_OPEN: Final = (
    "the sealed stream does not open: it is damaged or not whole, or it was sealed with another key, for another place, "
    "or by a cipher whose plugin is not loaded; throw away what was written of it"
)


class Streaming:
    """The part of `Ciphers` that seals and opens streams; their bytes are documented in `trivet.ciphers.stream`."""

    _name: str

    if TYPE_CHECKING:  # what `Ciphers` has

        def operation(self, name: str, target: str) -> Operation:
            """See `Ciphers.operation`."""
            raise NotImplementedError

        def _sealing_key(self, operation: Operation) -> tuple[Key, Suite]: ...

        def _opening_key(self, key_id: int, number: int, operation: Operation) -> tuple[Key, Suite] | None: ...

    async def seal_stream(self, source: Source, target: Target, *, purpose: str, path: Path = ()) -> int:
        """Encrypt data of any length under the primary key, in constant memory.

        Args:
            source: An async iterable of bytes, or something with an async ``read(size)``, which is preferred.
            target: Something with an async ``write`` or ``send``. It is not closed.
            purpose: What the data is for; opening must name the same.
            path: Narrows the purpose down; opening must name the same.

        Returns:
            The number of bytes written: those of the source, 70, and 16 for every 64 KiB begun.

        Raises:
            KeyRingError: if there is no key to seal with.
            SealError: if the key's cipher is not there or works elsewhere, or the data is longer than 256 TiB.

        Example:
            >>> async with (
            ...     await anyio.open_file("dump.sql", "rb") as source,
            ...     await anyio.open_file("dump.sealed", "wb") as target,
            ... ):
            ...     await kernel.ciphers.seal_stream(source, target, purpose="backup")
        """
        place, shown = bind(purpose, self._name, path, "stream")
        async with self.operation("seal_stream", shown) as operation:
            key, suite = self._sealing_key(operation)
            sealer, writer = StreamSealer(suite, key, place), _Writer(target)
            await writer.write(sealer.header)
            async for piece in _Pieces(source):
                await writer.write(sealer.update(piece))
            await writer.write(sealer.finish())
            return writer.written

    async def open_stream(self, source: Source, target: Target, *, purpose: str, path: Path = ()) -> int:
        """Decrypt what `seal_stream` gave, in constant memory.

        What is written is genuine, but only when this returns it is also whole: until then keep it where nobody takes it for the
        whole, and throw it away when this raises.

        Args:
            source: As at sealing.
            target: As at sealing.
            purpose: As at sealing.
            path: As at sealing.

        Returns:
            The number of bytes written.

        Raises:
            SealError: with one and the same text whether the stream is changed, cut off, longer, another one, or for another
                place or key.
            KeyRingError: if the ring itself cannot be used.
        """
        place, shown = bind(purpose, self._name, path, "stream")
        async with self.operation("open_stream", shown) as operation:
            writer = _Writer(target)
            if not await self._opened(_Pieces(source), writer, place, operation):
                # Raised here and not where the reason was found: no exception that knows more is chained to this one.
                raise SealError(_DOES_NOT_OPEN)
            return writer.written

    async def _opened(self, pieces: _Pieces, writer: _Writer, place: bytes, operation: Operation) -> bool:
        start = b""
        async for piece in pieces:
            start += piece
            if len(start) >= HEADER_BYTES:
                break
        try:
            opener = self._opener(start[:HEADER_BYTES], place, operation)
            if opener is None:
                return False
            await writer.write(opener.update(start[HEADER_BYTES:]))
            async for piece in pieces:
                await writer.write(opener.update(piece))
            await writer.write(opener.finish())
        except StreamError:
            operation.reason = "not_authentic"
            return False
        return True

    def _opener(self, start: bytes, place: bytes, operation: Operation) -> StreamOpener | None:
        try:
            head = StreamHeader.decode(start)
        except StreamError:
            operation.reason = "malformed"
            return None
        found = self._opening_key(head.key_id, head.suite, operation)
        return StreamOpener(found[1], found[0], place, head) if found else None


class _Writer:
    """Count what goes to a target."""

    def __init__(self, target: Target) -> None:
        self._write = target.write if isinstance(target, AsyncWriter) else target.send
        self.written = 0

    async def write(self, data: bytes) -> None:
        if data:
            await self._write(data)
            self.written += len(data)


class _Pieces:
    """What a source gives, in pieces no longer than a step; other tasks run in between. No generator: it needs no closing."""

    def __init__(self, source: Source) -> None:
        self._read = source.read if isinstance(source, AsyncReader) else None
        self._iterator = None if isinstance(source, AsyncReader) else aiter(source)
        self._data = b""
        self._at = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        while self._at >= len(self._data):
            self._data, self._at = await self._fetch(), 0
        self._at += _STEP
        return self._data[self._at - _STEP : self._at]

    async def _fetch(self) -> bytes:
        if self._iterator is not None:
            return bytes(await anext(self._iterator))
        data = await self._read(_STEP) if self._read else b""
        if not data:
            raise StopAsyncIteration
        return bytes(data)
