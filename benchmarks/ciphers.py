"""Ciphers: what sealing and opening a value costs, key id, place and commitment included, and what more keys add."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio

from benchmarks.harness import Block, Contest, Peer, at_most, awaits, calls, measure
from trivet import Key
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.aes_gcm import AesGcm

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
