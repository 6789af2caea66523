"""Streams: the bytes, what is refused, and sealing and opening in constant memory."""

from __future__ import annotations

import hashlib
import hmac
import io
import itertools
import os
import tracemalloc

import anyio
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.ciphers import stream as stream_module
from trivet.ciphers.binding import Binding
from trivet.ciphers.contracts import Key
from trivet.ciphers.registry import Ciphers
from trivet.ciphers.stream import SEGMENT_BYTES, StreamError, StreamHeader, StreamOpener, StreamSealer
from trivet.ciphers.suite import Suite
from trivet.errors import KeyRingError, SealError
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.ciphers.aes_gcm_siv import AesGcmSiv
from trivet_plugins.security.ciphers.xaes_gcm import XaesGcm
from trivet_plugins.security.ciphers.xchacha import XChaCha

BACKENDS = [XaesGcm, AesGcm, XChaCha, AesGcmSiv]
SEALED_SEGMENT = SEGMENT_BYTES + 16
LENGTHS = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, 3 * SEGMENT_BYTES + 5]


class Ring:
    """One key in memory."""

    def __init__(self, key):
        self.key = key

    def primary(self):
        if self.key is None:
            raise KeyRingError("no key")
        return self.key

    def find(self, key_id):
        return self.key if self.key is not None and self.key.id == key_id else None

    def key_ids(self):
        return [self.key.id]


class Sink:
    """An async target that keeps what it gets."""

    def __init__(self):
        self.parts = []

    async def send(self, item):
        self.parts.append(item)

    @property
    def data(self):
        return b"".join(self.parts)


def ciphers(backend=None, *, key=None, name="orders", events=None):
    backend = backend or AesGcm()
    made = Ciphers(name, emit=(events if events is not None else []).append)
    made.add_backend("cipher", backend)
    made.use_ring(Ring(key or Key(7, backend.suite, os.urandom(32))))
    return made


class Pieces:
    """An async iterator over data, as a request's body is one."""

    def __init__(self, data, size=50_000):
        self.parts = iter([data[at : at + size] for at in range(0, len(data), size)])

    def __aiter__(self):
        return self

    async def __anext__(self):
        for part in self.parts:
            return part
        raise StopAsyncIteration


async def sealed(made, data, **place):
    sink = Sink()
    written = await made.seal_stream(Pieces(data), sink, **{"purpose": "backup", **place})
    assert written == len(sink.data)
    return sink.data


async def opened(made, data, **place):
    sink = Sink()
    written = await made.open_stream(Pieces(data), sink, **{"purpose": "backup", **place})
    assert written == len(sink.data)
    return sink.data


async def refusal(made, data, **place):
    """The error of opening, which must be the one text with nothing chained to it; and what was written until then."""
    sink = Sink()
    with pytest.raises(SealError) as caught:
        await made.open_stream(Pieces(data), sink, **{"purpose": "backup", **place})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert str(caught.value).startswith("the sealed stream does not open: it is damaged or not whole")
    return sink.data


# -- the bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", LENGTHS)
async def test_the_layout_is_the_documented_one(length):
    """Header, key, nonces and associated data as the docstring has them, with the library's AES-GCM and HMAC alone."""
    key, data = Key(0x0123456789ABCDEF, 2, os.urandom(32)), os.urandom(length)
    raw = await sealed(ciphers(key=key), data, path=("db", 1))
    start, commitment, nonce, rest = raw[:14], raw[14:46], raw[46:70], raw[70:]
    assert start == bytes.fromhex("5453 01 0002 0123456789abcdef 00")
    okm = hmac.new(key.material, b"trivet/stream/v1" + start + nonce, hashlib.sha512).digest()
    assert commitment == okm[32:]
    aad = start + Binding("backup", "orders", ("db", 1), "stream").encode()
    segments = [rest[at : at + SEALED_SEGMENT] for at in range(0, len(rest), SEALED_SEGMENT)]
    assert len(segments) == max(1, -(-length // SEGMENT_BYTES))
    plain = [
        AESGCM(okm[:32]).decrypt(
            nonce[:7] + number.to_bytes(4, "big") + bytes([number == len(segments) - 1]), segment, aad
        )
        for number, segment in enumerate(segments)
    ]
    assert b"".join(plain) == data


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", LENGTHS)
async def test_what_was_sealed_opens(backend, length):
    """Every suite, and lengths around the borders of segments."""
    made, data = ciphers(backend()), os.urandom(length)
    assert await opened(made, await sealed(made, data)) == data


@settings(deadline=None)
@given(st.binary(max_size=300), st.data())
def test_the_pieces_do_not_matter(data, draw):
    """However the data comes in, the same segments go out: here of ten bytes, to have many."""

    def cut(whole):
        borders = sorted(draw.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
        return [whole[a:b] for a, b in itertools.pairwise([0, *borders, len(whole)])]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_module, "SEGMENT_BYTES", 10)
        suite, key = Suite.of("cipher", AesGcm()), Key(7, 2, bytes(32))
        sealer = StreamSealer(suite, key, b"place")
        raw = b"".join(map(sealer.update, cut(data))) + sealer.finish()
        assert len(raw) == len(data) + 16 * max(1, -(-len(data) // 10))
        opener = StreamOpener(suite, key, b"place", StreamHeader.decode(sealer.header))
        assert b"".join(map(opener.update, cut(raw))) + opener.finish() == data


async def test_no_two_streams_share_a_key_and_no_two_segments_a_nonce():
    """What STREAM stands on."""
    seen = []

    class Spy(AesGcm):
        def seal(self, key, nonce, aad, data):
            seen.append((key, nonce))
            return super().seal(key, nonce, aad, data)

    made = ciphers(Spy())
    for _ in range(3):
        await sealed(made, bytes(3 * SEGMENT_BYTES))
    assert len(set(seen)) == 9
    assert len({key for key, _ in seen}) == 3


# -- what is refused ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Segments of ten bytes, so that every bit and order can be tried."""
    monkeypatch.setattr(stream_module, "SEGMENT_BYTES", 10)


async def test_no_single_bit_can_be_changed(small):
    """In the header, in any segment, in any tag."""
    made = ciphers()
    raw = await sealed(made, b"0123456789abcdefghijKLM")
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        await refusal(made, bytes(flipped))


async def test_no_cut_and_no_addition_opens(small):
    """Cut anywhere, also between two segments; or longer, by a byte, a segment, a whole stream."""
    made = ciphers()
    raw = await sealed(made, b"0123456789abcdefghij")
    for length in range(len(raw)):
        await refusal(made, raw[:length])
    for more in (b"\0", raw[-26:], bytes(26), raw):
        await refusal(made, raw + more)
    assert await opened(made, raw) == b"0123456789abcdefghij"


async def test_segments_cannot_be_moved_repeated_or_left_out(small):
    """Every other selection and order of the segments is refused, and nothing of it is written past the genuine start."""
    made = ciphers()
    data = b"0123456789abcdefghijKLMNOPQRST"
    raw = await sealed(made, data)
    head, segments = raw[:70], [raw[70 + at : 96 + at] for at in range(0, 78, 26)]
    for length in range(5):
        for order in itertools.product(range(3), repeat=length):
            if order != (0, 1, 2):
                written = await refusal(made, head + b"".join(segments[number] for number in order))
                assert data.startswith(written)


async def test_segments_of_another_stream_do_not_fit(small):
    """Even under the same key, with the same numbers."""
    made = ciphers()
    one, other = [await sealed(made, b"0123456789abcdefghij") for _ in range(2)]
    await refusal(made, one[:96] + other[96:])
    await refusal(made, one[:70] + other[70:])


async def test_an_empty_last_segment_after_others_is_refused(small):
    """One form only: whoever has the key cannot make a second text of the same data, either."""
    suite, key = Suite.of("cipher", AesGcm()), Key(7, 2, os.urandom(32))
    place = Binding("backup", "orders", (), "stream").encode()
    sealer = StreamSealer(suite, key, place)
    whole = sealer.update(b"0123456789") + sealer._next(
        b"", last=False
    )  # a full segment that is not marked as the last
    raw = sealer.header + whole + sealer._next(b"", last=True)
    assert len(raw) == 70 + 26 + 16
    assert await refusal(ciphers(key=key), raw) == b"0123456789"


@pytest.mark.parametrize(
    "place", [{"purpose": "session"}, {"path": ("a", "c")}, {"path": ("a.b",)}, {"path": ()}], ids=str
)
async def test_a_stream_does_not_open_at_another_place(place):
    """Purpose and every part of the path are bound."""
    made = ciphers()
    raw = await sealed(made, b"data", path=("a", "b"))
    assert await refusal(made, raw, **{"path": ("a", "b"), **place}) == b""


async def test_a_stream_does_not_open_elsewhere():
    """In another service, under another key with the same id, without the key, or where the suite is not loaded."""
    key = Key(7, 2, os.urandom(32))
    raw = await sealed(ciphers(key=key), b"data")
    await refusal(ciphers(key=key, name="billing"), raw)
    await refusal(ciphers(key=Key(7, 2, os.urandom(32))), raw)
    await refusal(ciphers(key=Key(8, 2, key.material)), raw)
    await refusal(ciphers(AesGcmSiv(), key=Key(7, 4, key.material)), raw)
    await refusal(ciphers(AesGcmSiv(), key=Key(7, 2, key.material)), raw)


async def test_an_envelope_is_no_stream_and_a_stream_no_envelope():
    """Their labels and magic numbers differ."""
    made = ciphers()
    await refusal(made, (await made.seal(b"data", purpose="backup")).encode())
    await refusal(made, b"TV" + (await sealed(made, b"data"))[2:])


@given(st.binary(max_size=120))
def test_no_bytes_crash_the_header(raw):
    """A header, or the one refusal."""
    try:
        assert StreamHeader.decode(raw).encode() == raw
    except StreamError:
        return


async def test_more_segments_than_the_counter_has_are_refused(small, monkeypatch):
    """Neither side goes round to 0."""
    monkeypatch.setattr(stream_module, "_MAX_SEGMENTS", 2)
    made = ciphers()
    await sealed(made, bytes(20))
    with pytest.raises(SealError, match="at most 2\\^32 segments"):
        await sealed(made, bytes(21))


# -- ciphers, keys, events ----------------------------------------------------------------------------------------------


async def test_a_cipher_that_works_elsewhere_is_refused_by_name():
    """A stream is for one that answers at once; nothing is left un-awaited."""

    class Vault(AesGcm):
        async def seal(self, key, nonce, aad, data):
            return b""

    with pytest.raises(SealError, match="cipher cipher is none for streams: it works elsewhere"):
        await sealed(ciphers(Vault()), b"data")


@pytest.mark.parametrize("size", [0, 8, 30])
async def test_a_cipher_whose_nonce_has_no_room_is_refused_by_name(size):
    """Seven bytes of prefix at least, and no more than the stream's nonce has."""
    backend = AesGcm()
    backend.nonce_bytes = size
    with pytest.raises(SealError, match=f"its nonce has {size} bytes, and 12 to 29 are needed"):
        await sealed(ciphers(backend), b"data")


async def test_a_cipher_that_gives_the_wrong_length_is_caught():
    """One that does not encrypt never gets into a stream."""

    class Broken(AesGcm):
        def seal(self, key, nonce, aad, data):
            return data

    with pytest.raises(SealError, match="breaks its contract"):
        await sealed(ciphers(Broken()), b"data")


async def test_without_a_key_or_its_cipher_the_error_says_so():
    """As for values."""
    made = ciphers()
    made._ring.key = None
    with pytest.raises(KeyRingError):
        await sealed(made, b"")
    with pytest.raises(SealError, match="for cipher suite 4, and the loaded ones are 2"):
        await sealed(ciphers(key=Key(7, 4, bytes(32))), b"")


async def test_every_stream_is_one_event():
    """However many segments; with the key's id and the place, and a code for what went wrong."""
    events = []
    made = ciphers(events=events)
    raw = await sealed(made, bytes(200_000), path=("a",))
    await opened(made, raw, path=("a",))
    await refusal(made, raw[:-1], path=("a",))
    await refusal(made, b"nonsense")
    assert [(event.operation, event.target, event.key_id, event.outcome) for event in events] == [
        ("seal_stream", "backup a", "0000000000000007", "ok"),
        ("open_stream", "backup a", "0000000000000007", "ok"),
        ("open_stream", "backup a", "0000000000000007", "failed"),
        ("open_stream", "backup", None, "failed"),
    ]


# -- sources and targets ------------------------------------------------------------------------------------------------


async def test_files_and_byte_streams_are_sources_and_targets(tmp_path):
    """`anyio.open_file` on both ends; then anyio's byte streams; empty pieces are no end."""
    made, data = ciphers(), os.urandom(300_000)
    (tmp_path / "plain").write_bytes(data)
    async with (
        await anyio.open_file(tmp_path / "plain", "rb") as source,
        await anyio.open_file(tmp_path / "sealed", "wb") as target,
    ):
        await made.seal_stream(source, target, purpose="backup")
    raw = (tmp_path / "sealed").read_bytes()
    assert await opened(made, raw) == data
    sink = Sink()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(_send_all, listener.extra(anyio.abc.SocketAttribute.local_port), raw)
        async with await listener.listeners[0].accept() as connection:
            await made.open_stream(connection, sink, purpose="backup")
    assert sink.data == data


async def _send_all(port, raw):
    async with await anyio.connect_tcp("127.0.0.1", port) as connection:
        await connection.send(raw)


async def test_empty_pieces_are_not_the_end():
    """Starlette's request body ends with one; others may come in between."""

    async def spaced():
        for part in (b"", b"one", b"", b"two", b""):
            yield part

    made, sink = ciphers(), Sink()
    await made.seal_stream(spaced(), sink, purpose="backup")
    assert await opened(made, sink.data) == b"onetwo"


async def test_a_source_or_target_that_fails_says_so_itself(tmp_path):
    """The error of the file system is not turned into a refusal."""

    async def broken():
        yield bytes(100_000)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await ciphers().seal_stream(broken(), Sink(), purpose="backup")


async def test_a_large_stream_takes_constant_memory():
    """64 MiB through less than 4 MiB, both ways."""
    made, block = ciphers(), os.urandom(1 << 20)
    total = 64

    async def blocks():
        for _ in range(total):
            yield block

    class Pipe:
        """Opens what is sealed at once; holds no more than a few pieces."""

        def __init__(self):
            self.send_to, self.source = anyio.create_memory_object_stream(2)

        async def write(self, data):
            await self.send_to.send(data)

    class Count:
        total = 0

        async def write(self, data):
            self.total += len(data)

    pipe, count = Pipe(), Count()

    async def seal():
        with pipe.send_to:
            await made.seal_stream(blocks(), pipe, purpose="backup")

    tracemalloc.start()
    try:
        with pipe.source:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(seal)
                await made.open_stream(pipe.source, count, purpose="backup")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count.total == total << 20
    assert peak < 4 << 20


def test_the_sync_core_needs_no_event_loop():
    """For code that has its own loop, or none."""
    suite, key = Suite.of("cipher", AesGcm()), Key(7, 2, os.urandom(32))
    source, target = io.BytesIO(os.urandom(1_000_000)), io.BytesIO()
    sealer = StreamSealer(suite, key, b"place")
    target.write(sealer.header)
    while piece := source.read(100_000):
        target.write(sealer.update(piece))
    target.write(sealer.finish())
    target.seek(0)
    opener = StreamOpener(suite, key, b"place", StreamHeader.decode(target.read(70)))
    assert opener.update(target.read()) + opener.finish() == source.getvalue()
    assert "key" not in repr(sealer).lower()
