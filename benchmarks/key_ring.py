"""The key ring in its file: opening with many keys, what a write costs, and how many keys a cold start of many makes."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import anyio
import attrs

from benchmarks.harness import Block, Contest, Count, Peer, at_most, awaits, calls, faster, measure
from trivet import Key
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.keys import lifecycle
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.masters import Master, Masters
from trivet_plugins.security.keys.ring import POLICY, KeyFile

DATA = os.urandom(1024)
KEYS = 100
WRITES = 101
PROCESSES = 20

COLD_START = """
import anyio, pathlib, sys
from trivet_plugins.security.keys.ring import KeyFile
ring = KeyFile(pathlib.Path(sys.argv[1]))
sys.stdin.read()
anyio.run(ring.create_missing)
print(ring.primary().id)
"""


@attrs.frozen(eq=False)
class One:
    """A ring of one key."""

    key: Key

    def primary(self) -> Key:
        """Return it."""
        return self.key

    def find(self, key_id: int) -> Key | None:
        """Return it if it is that one."""
        return self.key if key_id == self.key.id else None

    def key_ids(self) -> Sequence[int]:
        """Return its id."""
        return [self.key.id]


def ring_of(directory: str, keys: int) -> KeyFile:
    """Make a ring under a master key; all its keys open, the last one seals."""
    ring = KeyFile(pathlib.Path(directory) / f"{keys}.keys", masters=Masters(Master("bench:", os.urandom(32))))
    ring.create(suite=AesGcm.suite)

    def rotated(document: KeyDocument) -> KeyDocument:
        for _ in range(keys - 1):
            document = lifecycle.rotated(document, ring.now(), POLICY, delay=dt.timedelta())
        return document

    ring.take(ring.file.change(rotated))
    return ring


def opening(ring: KeyFile) -> Block:
    """Open many values in turn, sealed under the ring's oldest key: each has a message key of its own, so no cache helps."""
    ciphers = Ciphers("bench")
    ciphers.add_backend("aes_256_gcm", AesGcm())
    ciphers.use_ring(ring)
    texts = anyio.run(_sealed_under, ring.document().keys[0].key)
    at = 0

    async def open_next() -> None:
        nonlocal at
        at = (at + 1) % len(texts)
        await ciphers.open(texts[at], purpose="bench")

    return awaits(open_next)


async def _sealed_under(key: Key) -> list[str]:
    """Seal under a key that seals no more: a ring of its own has it as the primary one."""
    ciphers = Ciphers("bench")
    ciphers.add_backend("aes_256_gcm", AesGcm())
    ciphers.use_ring(One(key))
    return [await ciphers.seal(DATA, purpose="bench") for _ in range(1000)]


@measure("open 1 KiB under the oldest of 100 keys in a file")
@contextmanager
def oldest_key() -> Iterator[Contest]:
    """Find the key by its id; MultiFernet tries one after another, the newest first."""
    with tempfile.TemporaryDirectory() as directory:

        def fernet() -> Block:
            from cryptography.fernet import Fernet, MultiFernet

            made = [Fernet(Fernet.generate_key()) for _ in range(KEYS)]
            peer, token = MultiFernet(made), made[-1].encrypt(DATA)
            return calls(lambda: peer.decrypt(token))

        one = partial(opening, ring_of(directory, 1))
        peers = [Peer("1 key", one, at_most(1.2)), Peer("MultiFernet, 100 keys", fernet, faster(10))]
        yield Contest(opening(ring_of(directory, KEYS)), peers)


@measure("write a key ring of 10 keys under a master key, us")
@contextmanager
def write() -> Iterator[Count]:
    """As a service does: lock, look for changes, wrap all keys anew, read that back, a backup, two fsyncs."""
    with tempfile.TemporaryDirectory() as directory:
        ring, spent = ring_of(directory, 10), []
        key = ring.primary().id
        for _ in range(WRITES):
            started = time.perf_counter()
            ring.take(ring.file.change(lambda document: lifecycle.reserved(document, key, 1), known=ring.loaded))
            spent.append(time.perf_counter() - started)
        yield Count(round(statistics.median(spent) * 1e6), 2000, note=f"median of {WRITES}, fsync included")


@measure("primary keys after 20 processes start on an empty ring")
@contextmanager
def cold_start() -> Iterator[Count]:
    """All wait for each other, then make the ring at once; each says which key it seals with."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "cold.keys"
        command = [sys.executable, "-c", COLD_START, str(path)]
        started = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        answers = {process.communicate("", timeout=60)[0] for process in started}
        made = {f"{int(answer):016x}" for answer in answers}
        stored = {key["id"] for key in json.loads(path.read_text())["keys"]}
        yield Count(len(made | stored), 1, note=f"of {PROCESSES} processes all with the same")
