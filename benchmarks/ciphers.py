"""Ciphers: what sealing and opening costs, values with key id, place and commitment, streams, and what more keys add."""

from __future__ import annotations

import os
import pathlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import anyio
import attrs

from benchmarks.harness import Block, Contest, Peer, at_most, awaits, calls, faster, measure
from trivet import Kernel, Key, Launch, Secret
from trivet.ciphers.registry import Ciphers
from trivet.ciphers.stream import StreamHeader, StreamOpener, StreamSealer
from trivet.ciphers.suite import Suite
from trivet_plugins.security.ciphers.aes_gcm import AesGcm

DATA = os.urandom(1024)
PATH = ("database", "password")


class Ring:
    """Keys in memory, found as the key file finds them."""

    def __init__(self, number: int) -> None:
        self._keys = {key_id: Key(key_id, AesGcm.suite, os.urandom(32)) for key_id in range(number)}

    def primary(self) -> Key:
        """Return the first key."""
        return self._keys[0]

    def find(self, key_id: int) -> Key | None:
        """Return a key by its id."""
        return self._keys.get(key_id)

    def key_ids(self) -> Sequence[int]:
        """Return all ids."""
        return list(self._keys)


def ciphers(keys: int = 1) -> Ciphers:
    """Make a registry with AES-256-GCM and so many keys."""
    made = Ciphers("bench")
    made.add_backend("aes_256_gcm", AesGcm())
    made.use_ring(Ring(keys))
    return made


def opening(ours: Ciphers) -> Block:
    """Open many values in turn: each has a message key of its own, so no cache helps."""

    async def seal_all() -> list[str]:
        return [await ours.seal(DATA, purpose="bench", path=PATH) for _ in range(1000)]

    texts = anyio.run(seal_all)
    at = 0

    async def open_next() -> None:
        nonlocal at
        at = (at + 1) % len(texts)
        await ours.open(texts[at], purpose="bench", path=PATH)

    return awaits(open_next)


@measure("seal 1 KiB")
@contextmanager
def seal() -> Iterator[Contest]:
    """Seal with key id, bound place and commitment; Fernet has none of them."""
    ours = ciphers()

    def fernet() -> Block:
        from cryptography.fernet import Fernet

        peer = Fernet(Fernet.generate_key())
        return calls(lambda: peer.encrypt(DATA))

    yield Contest(awaits(lambda: ours.seal(DATA, purpose="bench", path=PATH)), [Peer("Fernet", fernet, at_most(0.75))])


@measure("open 1 KiB")
@contextmanager
def open_() -> Iterator[Contest]:
    """Open what was sealed, every value under a message key that was not seen before."""

    def fernet() -> Block:
        from cryptography.fernet import Fernet

        peer = Fernet(Fernet.generate_key())
        token = peer.encrypt(DATA)
        return calls(lambda: peer.decrypt(token))

    yield Contest(opening(ciphers()), [Peer("Fernet", fernet, at_most(0.75))])


@measure("open 1 KiB with 100 keys in the ring")
@contextmanager
def many_keys() -> Iterator[Contest]:
    """Find the one key that the envelope names."""
    yield Contest(opening(ciphers(100)), [Peer("1 key", lambda: opening(ciphers()), at_most(1.2))])


@measure("encrypt 1 KiB, AES-256-GCM alone")
@contextmanager
def encrypt() -> Iterator[Contest]:
    """Encrypt with the bare cipher under one key and a random nonce, as Tink does; it adds five bytes of key id."""
    ours, key = AesGcm(), os.urandom(32)
    place = b"bench"

    def tink() -> Block:
        peer = tink_aead()
        return calls(lambda: peer.encrypt(DATA, place))

    yield Contest(calls(lambda: ours.seal(key, os.urandom(12), place, DATA)), [Peer("Tink", tink, at_most(1.0))])


@measure("decrypt 1 KiB, AES-256-GCM alone")
@contextmanager
def decrypt() -> Iterator[Contest]:
    """Decrypt what that gave."""
    ours, key, nonce = AesGcm(), os.urandom(32), os.urandom(12)
    sealed = ours.seal(key, nonce, b"bench", DATA)

    def tink() -> Block:
        peer = tink_aead()
        token = peer.encrypt(DATA, b"bench")
        return calls(lambda: peer.decrypt(token, b"bench"))

    yield Contest(calls(lambda: ours.open(key, nonce, b"bench", sealed)), [Peer("Tink", tink, at_most(1.0))])


def tink_aead() -> Any:
    """Make Tink's AES-256-GCM."""
    import tink
    from tink import aead

    aead.register()
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)


@measure("seal a stream, 64 KiB")
@contextmanager
def seal_segment() -> Iterator[Contest]:
    """Seal the next 64 KiB of a stream in memory."""
    piece = os.urandom(65_536)
    sealer = StreamSealer(Suite.of("aes_256_gcm", AesGcm()), Key(1, AesGcm.suite, os.urandom(32)), b"bench")

    def secretstream() -> Block:
        from nacl import bindings

        state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_push(state, os.urandom(32))
        return calls(lambda: bindings.crypto_secretstream_xchacha20poly1305_push(state, piece))

    yield Contest(calls(lambda: sealer.update(piece)), [Peer("PyNaCl secretstream", secretstream, faster(2.0))])


@measure("open a stream, 1 MiB")
@contextmanager
def open_segment() -> Iterator[Contest]:
    """Open a stream of 1 MiB in memory, 64 KiB at a time."""
    piece, count = os.urandom(65_536), 16
    suite, key = Suite.of("aes_256_gcm", AesGcm()), Key(1, AesGcm.suite, os.urandom(32))
    sealer = StreamSealer(suite, key, b"bench")
    head = StreamHeader.decode(sealer.header)
    ours = [sealer.update(piece) for _ in range(count + 1)][1:]

    def open_all() -> None:
        opener = StreamOpener(suite, key, b"bench", head)
        for part in ours:
            opener.update(part)

    def secretstream() -> Block:
        from nacl import bindings

        def state(init: Any, *arguments: bytes) -> Any:
            made = bindings.crypto_secretstream_xchacha20poly1305_state()
            return made, init(made, *arguments)

        secret = os.urandom(32)
        push, start = state(bindings.crypto_secretstream_xchacha20poly1305_init_push, secret)
        theirs = [bindings.crypto_secretstream_xchacha20poly1305_push(push, piece) for _ in range(count)]

        def pull_all() -> None:
            pull, _ = state(bindings.crypto_secretstream_xchacha20poly1305_init_pull, start, secret)
            for part in theirs:
                bindings.crypto_secretstream_xchacha20poly1305_pull(pull, part)

        return calls(pull_all)

    yield Contest(calls(open_all), [Peer("PyNaCl secretstream", secretstream, faster(2.0))])


@measure("load and open 1,000 sealed values")
@contextmanager
def load_sealed() -> Iterator[Contest]:
    """Load a TOML file of 1,000 sealed values through a kernel, beside 1,000 bare Fernet decrypts without a file."""
    values = {f"key_{number}": f"value {number}" for number in range(1000)}

    def fernet() -> Block:
        from cryptography.fernet import Fernet

        peer = Fernet(Fernet.generate_key())
        tokens = [peer.encrypt(value.encode()) for value in values.values()]
        return calls(lambda: [peer.decrypt(token) for token in tokens])

    with tempfile.TemporaryDirectory() as directory:
        yield Contest(loading(pathlib.Path(directory), values), [Peer("Fernet", fernet, at_most(1.0))])


@attrs.frozen
class Vault:
    """A section of many secrets."""

    values: dict[str, Secret[str]]


def loading(directory: pathlib.Path, values: Mapping[str, str]) -> Block:
    """Seal the values into a file; time its reload by a running kernel, which opens every value anew."""
    file = directory / "bench.toml"
    file.write_text("")
    settings = Launch(environ={}, files=[str(file)], assignments=[f"plugins.key_file.path={directory / 'bench.keys'}"])

    async def block(loops: int) -> float:
        kernel = Kernel("bench", launch=settings, block=["watcher", "web"])
        async with kernel.secured():
            ring = kernel.provided("service")["key_file"]
            if not (directory / "bench.keys").exists():
                ring.create(suite=AesGcm.suite)
            path = ("vault", "values")
            lines = [
                f'{key} = "{await kernel.ciphers.seal_config(text, path=(*path, key))}"' for key, text in values.items()
            ]
        file.write_text("\n".join(["[vault.values]", *lines]))
        kernel = Kernel("bench", launch=settings, block=["watcher", "web"])
        vault = kernel.config.bind("vault", Vault)
        async with kernel:
            assert vault.current.values["key_7"].reveal() == values["key_7"]
            spent = 0.0
            for number in range(loops):
                file.write_text("\n".join(["[vault.values]", *lines, f"# {number}"]))
                started = time.perf_counter()
                assert (await kernel.config.reload(reason="bench")) is not None
                spent += time.perf_counter() - started
        return spent

    return lambda loops: anyio.run(block, loops)
