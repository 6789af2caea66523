"""The audit log: what a record costs the operation, and all of it until it is on the disk."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.harness import Block, Contest, Peer, at_most, measure
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.journal import Journal
from trivet_plugins.security.audit.queue import AuditQueue

RECORDS = 10_000
TARGET = "config database.password"


@contextmanager
def journal() -> Iterator[Journal]:
    """Keep a log in a temporary directory."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "log"
        LogDirectory(path).create("bench")
        made = Journal(path, kernel="bench", node="node")
        with contextlib.closing(made):
            yield made


def entry() -> AuditEntry:
    """Make what is recorded of an operation."""
    return AuditEntry(
        at=time.time(), op="open", target=TARGET, outcome="ok", actor="service:bench", key_id="9f86d081884c7d65"
    )


def logged(stack: contextlib.ExitStack) -> Block:
    """Log the same with the standard library, to a file."""
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    handler = logging.FileHandler(pathlib.Path(directory) / "log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger = logging.getLogger("benchmarks.audit")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    stack.callback(logger.removeHandler, handler)
    stack.callback(handler.close)

    def block(loops: int) -> float:
        begun = time.perf_counter()
        for _ in range(loops):
            logger.info("%s %s %s %s %s", "open", TARGET, "ok", "service:bench", "9f86d081884c7d65")
        return time.perf_counter() - begun

    return block


def taking(queue: AuditQueue) -> Block:
    """Take entries as an operation does; what they cost later is not counted."""

    def block(loops: int) -> float:
        begun = time.perf_counter()
        for _ in range(loops):
            queue.put(entry())
        seconds = time.perf_counter() - begun
        queue.write()
        return seconds

    return block


def writing(queue: AuditQueue) -> Block:
    """Take entries and bring them to the disk, in turns of at most 4,096."""

    def block(loops: int) -> float:
        begun = time.perf_counter()
        for _ in range(loops):
            queue.put(entry())
        queue.write()
        return time.perf_counter() - begun

    return block


@measure("audit append, buffered: what the operation waits for")
@contextmanager
def append() -> Iterator[Contest]:
    """Hand an entry to the writer."""
    with journal() as made, contextlib.ExitStack() as stack:
        queue = AuditQueue(made, strict=False, deliver=lambda _lines, _note: None)
        yield Contest(taking(queue), [Peer("logging to a file", lambda: logged(stack), at_most(1.5))])


@measure("audit record, all told: canonical JSON, HMAC, hash tree, fdatasync")
@contextmanager
def record() -> Iterator[Contest]:
    """Until it is on the disk, many in one turn; the standard library does not wait for the disk."""
    with journal() as made, contextlib.ExitStack() as stack:
        queue = AuditQueue(made, strict=False, deliver=lambda _lines, _note: None)
        yield Contest(writing(queue), [Peer("logging to a file", lambda: logged(stack), at_most(2))])


@measure("audit record, synced each")
@contextmanager
def synced() -> Iterator[Contest]:
    """One record per turn, as at level paranoid with one operation at a time."""
    with journal() as made, tempfile.TemporaryFile() as file:

        def ours(loops: int) -> float:
            begun = time.perf_counter()
            for _ in range(loops):
                made.commit([entry()])
            return time.perf_counter() - begun

        def peer() -> Block:
            import os

            def block(loops: int) -> float:
                begun = time.perf_counter()
                for _ in range(loops):
                    os.write(file.fileno(), b"x" * 270)
                    os.fdatasync(file.fileno())
                return time.perf_counter() - begun

            return block

        yield Contest(ours, [Peer("write and fdatasync", peer, at_most(3))])


@measure("verify 10,000 audit records, with the seed")
@contextmanager
def verify() -> Iterator[Contest]:
    """Form, numbers, tags, hash tree, end; the peer parses each line as JSON."""
    import json

    from trivet_plugins.security.audit.verification import Verification

    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "log"
        seed = LogDirectory(path).create("bench")
        made = Journal(path, kernel="bench", node="node")
        made.commit([entry() for _ in range(RECORDS)])
        made.checkpoint(forced=True)
        made.close()
        public = LogDirectory(path).public()

        def ours(loops: int) -> float:
            begun = time.perf_counter()
            for _ in range(loops):
                verified = Verification(path, public=public, seed=seed).run()
                if verified.finding is not None or verified.records != RECORDS:
                    raise RuntimeError(str(verified.finding))
            return time.perf_counter() - begun

        def peer() -> Block:
            def block(loops: int) -> float:
                begun = time.perf_counter()
                for _ in range(loops):
                    for line in next(path.glob("*.jsonl")).read_bytes().splitlines():
                        json.loads(line)
                return time.perf_counter() - begun

            return block

        yield Contest(ours, [Peer("json.loads of each line", peer, at_most(6))], rounds=7)
